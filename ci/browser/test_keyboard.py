"""The pages without a mouse: every step by Tab, Enter and typing."""

from playwright.sync_api import expect

MOST_STOPS = 30


def tab_to(visitor, name, role):
    """Press Tab until the element has the focus, and see that it shows it."""
    target = visitor.page.get_by_role(role, name=name, exact=True)
    for _ in range(MOST_STOPS):
        if target.evaluate("(element) => element === document.activeElement"):
            break
        visitor.page.keyboard.press("Tab")
    expect(target).to_be_focused()
    assert target.evaluate("(element) => getComputedStyle(element).outlineStyle") == "solid"


def test_the_whole_journey_by_keyboard(visit, look, site):
    friend_code = site.sign_up(site.new_phone())
    visitor = visit(look)
    keyboard = visitor.page.keyboard
    visitor.open()
    visitor.sees_heading("Sign in")

    # The field has the focus from the start, and again where it was wrong.
    keyboard.type("12345")
    keyboard.press("Enter")
    visitor.sees_error("Enter a valid phone number.")
    keyboard.press("Control+a")
    keyboard.type(visitor.phone)
    tab_to(visitor, visitor.say("Send the code"), "button")
    keyboard.press("Enter")
    visitor.sees_heading("Enter the code")
    code = visitor.site.code_sent_to(visitor.phone)
    keyboard.type(f"{(int(code) + 1) % 10**6:06}")
    keyboard.press("Enter")
    visitor.sees_error("Wrong code.")
    keyboard.press("Control+a")
    keyboard.type(code)
    keyboard.press("Enter")
    visitor.sees_heading("Your profile")

    tab_to(visitor, visitor.say("Referral code"), "textbox")
    keyboard.type("NOSUCH")
    keyboard.press("Enter")
    visitor.sees_error("There is no such referral code.")
    keyboard.press("Control+a")
    keyboard.type(friend_code)
    tab_to(visitor, visitor.say("Use the code"), "button")
    keyboard.press("Space")
    visitor.sees_message("The referral code has been accepted.")

    other = {"en": "Русский", "ru": "English"}[look.language]
    tab_to(visitor, other, "button")
    keyboard.press("Enter")
    visitor.language = {"en": "ru", "ru": "en"}[look.language]
    visitor.sees_heading("Your profile")
    tab_to(visitor, visitor.say("Sign out"), "button")
    keyboard.press("Enter")
    visitor.sees_heading("Sign in")


def test_the_list_of_the_network_opens_by_keyboard(visitor, dozen):
    visitor.phone = dozen
    visitor.site.let_resend(dozen)
    visitor.sign_in()
    summary = visitor.page.locator("summary")
    for _ in range(MOST_STOPS):
        visitor.page.keyboard.press("Tab")
        if summary.evaluate("(element) => element === document.activeElement"):
            break
    expect(summary).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator(".network li .phone")).to_have_count(14)
    expect(visitor.page.locator(".network li .phone").first).to_be_visible()
