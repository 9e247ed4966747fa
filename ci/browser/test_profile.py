"""The profile as people use it: they copy, share, choose a language, and leave."""

import pytest
from playwright.sync_api import expect

from phone_referrals.referrals.codes import fold


def test_copy_puts_the_code_and_the_link_on_the_clipboard(visitor):
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=visitor.site.url)
    visitor.sign_in()
    for button, source in ("Copy the code", "#code"), ("Copy the link", "#link"):
        visitor.press(button)
        expect(visitor.page.get_by_role("status")).to_have_text("Copied.")
        copied = visitor.page.evaluate("navigator.clipboard.readText()")
        assert copied == visitor.page.locator(source).inner_text() != ""


def test_where_copying_is_refused_the_link_is_selected(visitor):
    visitor.context.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))")
    visitor.sign_in()
    visitor.press("Copy the link")
    selected = visitor.page.evaluate("String(getSelection()).trim()")
    assert selected == visitor.page.locator("#link").inner_text()
    expect(visitor.page.get_by_text("Copied.")).to_have_count(0)


def test_share_opens_the_share_sheet_with_the_link(visitor):
    visitor.context.add_init_script("navigator.share = async (data) => { window.shared = data; }")
    visitor.sign_in()
    visitor.press("Share")
    assert visitor.page.evaluate("shared") == {"url": visitor.page.locator("#link").inner_text()}


def test_closing_the_share_sheet_is_no_error(visitor):
    visitor.context.add_init_script("navigator.share = () => Promise.reject(new DOMException('', 'AbortError'))")
    visitor.sign_in()
    visitor.press("Share")
    visitor.sees_heading("Your profile")


def test_buttons_that_would_do_nothing_are_not_shown(visit_without_js):
    visit_without_js.sign_in()
    for name in "Copy the code", "Copy the link", "Share":
        expect(visit_without_js.page.get_by_text(name, exact=True)).to_be_hidden()


def test_the_language_is_switched_on_every_page_and_stays(anybody):
    anybody.open("/sign-in/?next=/invitees/")
    anybody.sees_heading("Sign in")
    switch(anybody, "Русский", "ru")
    anybody.sees_heading("Sign in")
    assert anybody.page.url.endswith("/sign-in/?next=/invitees/")
    anybody.ask_for_code()
    anybody.sees_heading("Enter the code")
    switch(anybody, "English", "en")
    anybody.sees_heading("Enter the code")
    switch(anybody, "Русский", "ru")
    anybody.enter_code()
    anybody.sees_heading("People you invited")
    anybody.open("/")
    anybody.sees_heading("Your profile")
    assert anybody.site.messages_to(anybody.phone) == 1


def switch(visitor, name, code):
    visitor.page.get_by_role("button", name=name).click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", code)
    expect(visitor.page.get_by_role("button", name=name)).to_have_attribute("aria-current", "true")
    visitor.language = code


def test_an_invite_link_tells_no_owner_and_not_if_it_is_known(visit, anybody):
    inviter = visit()
    inviter.sign_in()
    pages = []
    for code in inviter.referral_code, "NOSUCH":
        anybody.context.clear_cookies()
        anybody.open(f"/r/{code}/")
        anybody.sees_heading("Sign in")
        # The address keeps the code that was in the link, whatever it is.
        where = anybody.page.url.removesuffix(f"?invite={fold(code)}")
        pages.append((where, anybody.page.locator("main").inner_text()))
    assert pages[0] == pages[1]


def test_a_user_finds_the_invitation_in_the_form(visit, anybody):
    inviter = visit()
    inviter.sign_in()
    anybody.sign_in()
    anybody.open(f"/r/{inviter.referral_code}/")
    anybody.sees_heading("Your profile")
    expect(anybody.page.get_by_label("Referral code", exact=True)).to_have_value(inviter.referral_code)
    anybody.press("Use the code")
    anybody.sees_message("The referral code has been accepted.")


def test_invitees_are_read_page_by_page(anybody, crowd):
    anybody.phone = crowd
    anybody.site.let_resend(crowd)
    anybody.sign_in()
    expect(anybody.page.locator("#invitees .count")).to_have_text("21")
    assert anybody.page.locator("tbody tr").count() == 20
    assert anybody.page.locator(".network circle").count() == 201
    anybody.sees("Not everybody fits into the picture.")
    anybody.page.get_by_role("link", name="Earlier ones").click()
    anybody.sees_heading("People you invited")
    assert anybody.page.locator("tbody tr").count() == 1
    anybody.page.get_by_role("link", name="Back to the newest").click()
    anybody.sees_heading("People you invited")
    assert anybody.page.locator("tbody tr").count() == 20
    anybody.page.get_by_role("link", name="Back to your profile").click()
    anybody.sees_heading("Your profile")


def test_signing_out_everywhere_ends_the_other_sessions(visit, anybody):
    other = visit(phone=anybody.phone)
    other.sign_in()
    anybody.site.let_resend(anybody.phone)
    anybody.sign_in()
    anybody.press("Sign out everywhere")
    anybody.sees_message("You are signed out.")
    other.page.reload()
    other.sees_heading("Sign in")


@pytest.mark.parametrize("path", ["/", "/invitees/"])
def test_back_after_signing_out_shows_nothing_of_the_profile(anybody, path):
    anybody.sign_in()
    anybody.open("/invitees/")
    anybody.open(path)
    digits = anybody.phone[-7:-4] + "-" + anybody.phone[-4:]
    anybody.open("/")
    anybody.press("Sign out")
    anybody.sees_heading("Sign in")
    for _ in range(2):
        anybody.page.go_back()
        anybody.sees_heading("Sign in")
        assert digits not in anybody.page.content()
