import pytest

from ci.browser.browsed_site import browsed_site
from ci.browser.visitor import Look, Visitor, chromium
from tests.conftest import last_code, outbox  # noqa: F401 - for test_docs.py, whose site runs in the test's process

LOOKS = [
    Look(size="phone", language="en", colours="light"),
    Look(size="desktop", language="ru", colours="dark"),
    Look(size="phone", language="ru", colours="dark", javascript=False),
    Look(size="desktop", language="en", colours="light", javascript=False),
]


@pytest.fixture(scope="session")
def site():
    with browsed_site() as site:
        yield site
        assert "Traceback" not in site.log.read_text()


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, site):
    """Make visitors, each with a browser and a phone; what went wrong in any of them fails the test."""
    visitors = []

    def visit(look=Look(), phone=None):  # noqa: B008 - frozen
        visitors.append(Visitor(browser, site, look, phone))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.leave()


@pytest.fixture
def visitor(visit):
    """Somebody with a small phone, English, on a light page, with JavaScript."""
    return visit()


@pytest.fixture(params=[True, False], ids=["js", "no-js"])
def anybody(request, visit):
    """Somebody with JavaScript, and somebody without."""
    return visit(Look(javascript=request.param))


@pytest.fixture
def visit_without_js(visit):
    return visit(Look(javascript=False))


@pytest.fixture(params=LOOKS, ids=str)
def look(request):
    return request.param


@pytest.fixture(scope="session")
def crowd(site):
    """The phone of somebody with 21 invitees, and more people below than fit into the picture."""
    return site.sign_up_network(21, 3, 2)


@pytest.fixture(scope="session")
def dozen(site):
    """The phone of somebody with 14 people below on three levels."""
    return site.sign_up_network(2, 2, 2)
