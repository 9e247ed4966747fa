import html
import re

import pytest
from django.test import Client
from django.urls import get_script_prefix, set_script_prefix

from tests import codes


@pytest.fixture(autouse=True)
def pages(settings):
    settings.ROOT_URLCONF = "tests.pages.urls"


@pytest.fixture
def script_prefix(settings):
    """Have the server serve the site under a path."""
    before = get_script_prefix()

    def script_prefix(path):
        settings.FORCE_SCRIPT_NAME = path
        # As a server does when it starts; `reverse` asks for no request.
        set_script_prefix(f"{path}/")

    yield script_prefix
    set_script_prefix(before)


@pytest.fixture
def text_of():
    """Read what a page says: without tags, in one line."""

    def text_of(response):
        body = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())

    return text_of


@pytest.fixture
def ask(client):
    """Enter a phone number."""

    def ask(phone, **data):
        return client.post("/sign-in/", {"phone_number": phone, **data})

    return ask


@pytest.fixture
def enter(client, last_code):
    """Enter a code: the one that was sent to a phone, or another one."""

    def enter(code):
        return client.post("/sign-in/code/", {"code": last_code(code) if code.startswith("+") else code})

    return enter


@pytest.fixture
def browser(last_code):
    """Sign a phone in on the pages, in a browser of its own or in the one that is given."""

    def browser(phone, client=None):
        client = client or Client()
        client.post("/sign-in/", {"phone_number": phone})
        client.answer = client.post("/sign-in/code/", {"code": last_code(phone)})
        assert client.answer.status_code == 303
        return client

    return browser


@pytest.fixture
def wrong():
    return codes.wrong
