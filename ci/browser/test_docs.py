"""Examples of docs/howto that people see, in a browser.

The answers of the two calls of existing_users.md are tested by tests/docs.
"""

import os
import re
from pathlib import Path

import pytest
from django.template import RequestContext, Template
from django.test import RequestFactory
from playwright.sync_api import expect

import phone_referrals
from tests.docs.blocks import blocks
from tests.docs.pages import PAGES

# Playwright has an event loop in this thread, beside which Django's tests clear the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

API = "http://example.com/api/users/me/phone/"


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_a_form_asks_for_a_code_and_then_enters_it(page):
    (template,) = blocks(PAGES["docs/howto/existing_users.md"], "html")
    html = Template(template).render(RequestContext(RequestFactory().get("/")))
    answers = [
        (403, {"detail": "Sign in again to add a phone.", "code": "proof_required"}),
        (400, {"phone_number": ["Enter a valid phone number."]}),
        (200, {"phone_number": "+12015550110"}),
        (400, {"code": ["Enter the 6 digits of the code."]}),
        (200, {"token": None}),
    ]
    calls = []

    def answer(route):
        if "/api/" not in route.request.url:
            return route.fulfill(body=html, content_type="text/html")
        calls.append(route.request)
        status, body = answers[len(calls) - 1]
        return route.fulfill(status=status, json=body)

    page.route("**/*", answer)
    page.goto("http://example.com/phone/")
    page.get_by_label("Phone").fill("+1 201 555 0110")
    for said in (
        "Sign in again to add a phone.",
        "Enter a valid phone number.",
        "Enter the code that was sent to you.",
    ):
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_have_text(said)
    page.get_by_label("Code").fill("76")
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text("Enter the 6 digits of the code.")
    page.get_by_label("Code").fill("765682")
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text("This is your phone now.")

    assert [call.url for call in calls] == [*[f"{API}get_verify_code/"] * 3, API, API]
    assert {call.method for call in calls} == {"POST"}
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)[1]
    assert {call.headers["x-csrftoken"] for call in calls} == {token}
    assert "765682" in calls[-1].post_data


@pytest.mark.django_db(transaction=True)
def test_one_file_gives_every_page_its_footer(page, request, settings, tmp_path, last_code):
    (template,) = blocks(PAGES["docs/howto/templates.md"], "html")
    file = tmp_path / re.match(r"{# templates/(\S+) #}", template)[1]
    file.parent.mkdir()
    file.write_text(template)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.ROOT_URLCONF = "tests.pages.urls"
    settings.STATIC_URL, settings.STATIC_ROOT = "/static/", Path(phone_referrals.__file__).parent / "static"
    settings.ALLOWED_HOSTS = ["*"]
    url = request.getfixturevalue("live_server").url  # It reads STATIC_URL once, when it starts.
    failed = []
    page.on("pageerror", lambda error: failed.append(error.message))
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)

    def look(heading):
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.get_by_role("contentinfo")).to_have_text("The shop")
        assert page.evaluate("document.styleSheets[0].cssRules.length") > 10

    page.goto(f"{url}/sign-in/")
    look("Sign in")
    page.get_by_role("textbox").fill("+12015550110")
    page.locator("main button").first.click()
    look("Enter the code")
    page.get_by_role("textbox").fill(last_code("+12015550110"))
    page.locator("main button").first.click()
    look("Your profile")
    page.goto(f"{url}/invitees/")
    look("People you invited")
    assert failed == []
