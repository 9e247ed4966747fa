"""What people do at the sign-in beside what they are asked to: they go back, reload, click twice, and come too late."""

import pytest
from playwright.sync_api import expect


def test_a_national_number_is_of_the_browsers_region(anybody):
    anybody.open("/sign-in/")
    anybody.ask_for_code(anybody.phone.removeprefix("+1"))
    anybody.sees_heading("Enter the code")
    assert anybody.site.messages_to(anybody.phone) == 1


def test_reloading_the_code_page_sends_nothing(anybody):
    anybody.open("/sign-in/")
    anybody.ask_for_code()
    anybody.sees_heading("Enter the code")
    before = verifications(anybody)
    for _ in range(3):
        anybody.page.reload()
        anybody.sees_heading("Enter the code")
    assert anybody.site.messages_to(anybody.phone) == 1
    assert verifications(anybody) == before


def verifications(visitor):
    return visitor.site.sql(
        "SELECT version, serial, sent_at::text FROM phone_referrals_phoneverification WHERE phone_number = %s",
        visitor.phone,
    )


def test_a_wrong_code_may_be_reloaded_and_costs_one_try(visitor):
    visitor.open("/sign-in/")
    visitor.ask_for_code()
    visitor.enter_code(wrong_code(visitor))
    visitor.sees_error("%(count)d tries left.", count=4)
    visitor.open("/sign-in/code/")
    visitor.sees_heading("Enter the code")
    assert visitor.site.messages_to(visitor.phone) == 1


def test_five_wrong_codes_end_the_code_and_another_one_signs_in(anybody):
    anybody.page.clock.install()
    anybody.open("/sign-in/")
    anybody.ask_for_code()
    for left in 4, 3, 2:
        anybody.enter_code(wrong_code(anybody))
        anybody.sees_error("%(count)d tries left.", count=left)
    anybody.enter_code(wrong_code(anybody))
    anybody.sees_error("%(count)d try left.", count=1)
    anybody.enter_code(wrong_code(anybody))
    anybody.sees_error("Ask for a new one.")
    anybody.enter_code()
    anybody.sees_error("Ask for a new one.")
    wait_is_over(anybody)
    anybody.press("Send again")
    anybody.sees_heading("Enter the code")
    assert anybody.site.messages_to(anybody.phone) == 2
    anybody.enter_code()
    anybody.sees_heading("Your profile")


def wrong_code(visitor):
    """Return a code of as many digits that is not the one that was sent."""
    return f"{(int(visitor.site.code_sent_to(visitor.phone)) + 1) % 10**6:06}"


def wait_is_over(visitor):
    """As if the half minute had passed: for the site, and for the page."""
    visitor.site.let_resend(visitor.phone)
    if visitor.look.javascript:
        visitor.page.clock.fast_forward(31_000)


def test_the_wait_counts_down_until_the_button_works(visitor):
    visitor.page.clock.install()
    visitor.open("/sign-in/")
    visitor.ask_for_code()
    visitor.sees_heading("Enter the code")
    button = visitor.page.get_by_role("button", name="Send again")
    countdown = visitor.page.locator("[data-countdown]")
    expect(button).to_be_disabled()
    visitor.page.clock.fast_forward(10_000)
    assert countdown.inner_text() in {"0:20", "0:19"}
    visitor.page.clock.fast_forward(21_000)
    expect(button).to_be_enabled()
    expect(countdown).to_be_hidden()


def test_asking_again_too_soon_says_how_long_to_wait(visit_without_js):
    visitor = visit_without_js
    visitor.open("/sign-in/")
    visitor.ask_for_code()
    visitor.press("Send again")
    visitor.sees_heading("Enter the code")
    expect(visitor.page.locator(".message")).to_contain_text("Try again in")
    expect(visitor.page.locator(".message")).to_contain_text("second")
    assert visitor.site.messages_to(visitor.phone) == 1


def test_the_number_can_be_changed(anybody):
    anybody.open("/sign-in/")
    anybody.ask_for_code(anybody.site.new_phone())
    anybody.page.get_by_role("link", name=anybody.say("Change the number")).click()
    anybody.sees_heading("Sign in")
    anybody.ask_for_code()
    anybody.enter_code()
    anybody.sees_heading("Your profile")
    assert anybody.site.messages_to(anybody.phone) == 1


def test_back_shows_the_number_and_forward_the_code_page(anybody):
    anybody.open("/sign-in/")
    anybody.ask_for_code()
    anybody.sees_heading("Enter the code")
    anybody.page.go_back()
    anybody.sees_heading("Sign in")
    expect(anybody.page.get_by_label("Phone number")).to_have_value(anybody.phone)
    anybody.page.go_forward()
    anybody.sees_heading("Enter the code")
    assert anybody.site.messages_to(anybody.phone) == 1
    anybody.enter_code()
    anybody.sees_heading("Your profile")


def test_going_back_says_to_wait_and_takes_the_sent_code(anybody):
    anybody.open("/sign-in/")
    anybody.ask_for_code()
    anybody.sees_heading("Enter the code")
    anybody.page.go_back()
    anybody.sees_heading("Sign in")
    anybody.press("Send the code")
    anybody.sees_heading("Enter the code")
    expect(anybody.page.locator(".message")).to_contain_text("Try again in")
    assert anybody.site.messages_to(anybody.phone) == 1
    anybody.enter_code()
    anybody.sees_heading("Your profile")


def test_back_after_signing_in_shows_no_form(anybody):
    anybody.sign_in()
    for _ in range(2):
        anybody.page.go_back()
        anybody.sees_heading("Your profile")


def test_a_double_click_sends_one_message_and_uses_one_try(anybody):
    anybody.open("/sign-in/")
    anybody.fill("Phone number", anybody.phone)
    anybody.page.get_by_role("button", name="Send the code").dblclick()
    anybody.sees_heading("Enter the code")
    assert anybody.site.messages_to(anybody.phone) == 1
    anybody.fill("Code", wrong_code(anybody))
    anybody.page.get_by_role("button", name="Sign in").dblclick()
    expect(anybody.page.locator("form .error")).to_contain_text("left")
    if anybody.look.javascript:
        anybody.sees_error("%(count)d tries left.", count=4)
    anybody.fill("Code", anybody.site.code_sent_to(anybody.phone))
    anybody.page.get_by_role("button", name="Sign in").dblclick()
    anybody.sees_heading("Your profile")


def test_a_form_may_be_sent_again_where_no_answer_comes(visitor):
    visitor.page.clock.install()
    visitor.open("/sign-in/")
    visitor.page.evaluate("document.querySelector('main form').addEventListener('submit', (e) => e.preventDefault())")
    visitor.ask_for_code()
    assert visitor.page.locator("main form").get_attribute("data-sent") == "yes"
    visitor.page.clock.fast_forward(8_000)
    expect(visitor.page.locator("main form[data-sent]")).to_have_count(0)


def test_an_expired_session_leads_to_the_beginning_and_says_so(anybody):
    anybody.open("/sign-in/")
    anybody.ask_for_code()
    anybody.sees_heading("Enter the code")
    anybody.site.expire_session(anybody.cookie("sessionid"))
    anybody.enter_code()
    anybody.sees_heading("Sign in")
    anybody.sees_message("Your session has expired. Please start again.")


def test_an_expired_session_leads_to_the_sign_in_and_back(anybody):
    anybody.sign_in()
    anybody.open("/invitees/")
    anybody.sees_heading("People you invited")
    anybody.site.expire_session(anybody.cookie("sessionid"))
    anybody.page.reload()
    anybody.sees_heading("Sign in")
    anybody.ask_for_code()
    anybody.sees_heading("Enter the code")
    anybody.enter_code()
    anybody.sees_heading("People you invited")


def test_two_tabs_end_in_one_sign_in(anybody):
    anybody.open("/sign-in/")
    anybody.ask_for_code()
    anybody.sees_heading("Enter the code")
    first, second = anybody.page, anybody.context.new_page()
    anybody.page = second
    anybody.open("/sign-in/code/")
    anybody.enter_code()
    anybody.sees_heading("Your profile")
    # The form of the first tab is out of date: it was of somebody who was not signed in.
    anybody.page = first
    anybody.enter_code()
    anybody.sees_heading("Your profile")
    anybody.press("Sign out")
    anybody.sees_heading("Sign in")
    anybody.page = second
    anybody.press("Use the code")
    anybody.sees_heading("Sign in")


def test_two_tabs_with_two_numbers_take_the_code_of_the_last(anybody):
    anybody.open("/sign-in/")
    first, second = anybody.page, anybody.context.new_page()
    anybody.page = second
    anybody.open("/sign-in/")
    anybody.page = first
    anybody.ask_for_code(anybody.site.new_phone())
    anybody.sees_heading("Enter the code")
    anybody.page = second
    anybody.ask_for_code()
    anybody.sees_heading("Enter the code")
    anybody.page = first
    anybody.page.reload()
    anybody.enter_code()
    anybody.sees_heading("Your profile")


@pytest.mark.parametrize(("next_url", "leads_to"), [("/invitees/", "/invitees/"), ("https://example.com/", "/")])
def test_next_is_followed_where_it_is_safe(visitor, next_url, leads_to):
    visitor.open(f"/sign-in/?next={next_url}")
    visitor.ask_for_code()
    visitor.sees_heading("Enter the code")
    visitor.enter_code()
    visitor.page.wait_for_url(visitor.site.url + leads_to)


def test_the_browser_fills_in_the_code_and_sends_it(visitor):
    visitor.context.add_init_script("""
        window.OTPCredential = class {};
        navigator.credentials.get = (options) => new Promise((resolve, reject) => {
          window.asked = options;
          window.receive = (code) => resolve({ code });
          options.signal.addEventListener("abort", () => reject(options.signal.reason));
        });
    """)
    visitor.open("/sign-in/")
    visitor.ask_for_code()
    visitor.sees_heading("Enter the code")
    assert visitor.page.evaluate("asked.otp.transport") == ["sms"]
    visitor.page.evaluate("(code) => receive(code)", visitor.site.code_sent_to(visitor.phone))
    visitor.sees_heading("Your profile")


def test_typing_is_not_disturbed_without_webotp(visitor):
    visitor.context.add_init_script("""
        window.OTPCredential = class {};
        navigator.credentials.get = () => Promise.reject(new DOMException("", "NotAllowedError"));
    """)
    visitor.sign_in()
