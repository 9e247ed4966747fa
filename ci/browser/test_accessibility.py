"""axe-core on every page in every state: sizes, languages and colours in turn. Nothing is wider than the screen."""

import pytest

from ci.browser.test_sign_in import wrong_code
from ci.browser.visitor import Look

LOOKS = [
    Look(size="phone", language="en", colours="light"),
    Look(size="phone", language="ru", colours="dark"),
    Look(size="desktop", language="en", colours="dark"),
    Look(size="desktop", language="ru", colours="light"),
]


@pytest.fixture(params=LOOKS, ids=str)
def look(request):
    return request.param


def check(visitor, heading):
    visitor.sees_heading(heading)
    visitor.check_accessibility()


def test_the_pages_of_the_sign_in(visit, look):
    visitor = visit(look)
    visitor.page.clock.install()
    visitor.open("/sign-in/")
    check(visitor, "Sign in")
    visitor.ask_for_code("12345")
    visitor.sees_error("Enter a valid phone number.")
    check(visitor, "Sign in")
    visitor.ask_for_code()
    check(visitor, "Enter the code")
    visitor.enter_code("12")
    check(visitor, "Enter the code")
    for _ in range(5):
        visitor.enter_code(wrong_code(visitor))
    visitor.sees_error("Ask for a new one.")
    check(visitor, "Enter the code")
    # Too soon: a message above the form.
    visitor.page.get_by_role("link", name=visitor.say("Change the number")).click()
    check(visitor, "Sign in")
    visitor.press("Send the code")
    visitor.sees_message("A code was sent a moment ago. Wait before you ask for another one.")
    check(visitor, "Enter the code")
    visitor.page.clock.fast_forward(31_000)
    check(visitor, "Enter the code")
    visitor.site.expire_session(visitor.cookie("sessionid"))
    visitor.enter_code()
    visitor.sees_message("Your session has expired. Please start again.")
    check(visitor, "Sign in")


def test_the_profile_of_a_newcomer(visit, look):
    inviter = visit(look)
    inviter.context.add_init_script("navigator.share = async () => {}")
    inviter.sign_in()
    check(inviter, "Your profile")
    inviter.fill("Referral code", "NOSUCH")
    inviter.press("Use the code")
    inviter.sees_error("There is no such referral code.")
    check(inviter, "Your profile")
    inviter.open("/invitees/")
    check(inviter, "People you invited")
    visitor = visit(look)
    visitor.open(f"/r/{inviter.site.sign_up(inviter.site.new_phone())}/")
    visitor.ask_for_code()
    visitor.sees_heading("Enter the code")
    visitor.enter_code()
    visitor.sees_message("Welcome! Your invitation has been accepted.")
    check(visitor, "Your profile")
    visitor.press("Sign out")
    visitor.sees_message("You are signed out.")
    check(visitor, "Sign in")


@pytest.mark.parametrize("size", ["dozen", "crowd"])
def test_the_picture_of_a_network(visit, look, size, request):
    phone = request.getfixturevalue(size)
    visitor = visit(look, phone)
    visitor.site.let_resend(phone)
    visitor.sign_in()
    visitor.page.get_by_text(visitor.say("The same as a list")).click()
    check(visitor, "Your profile")
    if size == "crowd":
        visitor.page.get_by_role("link", name=visitor.say("Earlier ones")).click()
        check(visitor, "People you invited")
