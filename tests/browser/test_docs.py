"""The form of docs/howto/existing_users.md, in a browser. What the two calls answer is tested by tests/docs."""

import re

import pytest
from django.template import RequestContext, Template
from django.test import RequestFactory
from playwright.sync_api import expect

from tests.docs.blocks import blocks
from tests.docs.pages import PAGES

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
