"""The whole way, from an invite link to the picture of a network, on small and large screens, with and without JS."""

import re

from playwright.sync_api import expect


def test_two_phones_sign_up_and_connect(visit, look):
    inviter, friend, other = visit(look), visit(look), visit(look)
    sign_up_with_mistakes(inviter)
    follow_the_link(friend, inviter)
    enter_the_code_by_hand(other, friend)

    # The first one sees both: in the list, in the picture, and in the list that says what the picture shows.
    inviter.page.reload()
    inviter.sees_heading("Your profile")
    assert inviter.page.locator("tbody .phone").all_inner_texts() == [masked(friend.phone)]
    picture = inviter.page.locator(".network")
    assert picture.locator("circle").count() == 3
    assert picture.locator("line").count() == 2
    inviter.page.get_by_text(inviter.say("The same as a list")).click()
    assert picture.locator("li .phone").all_inner_texts() == [masked(friend.phone), masked(other.phone)]
    expect(picture.get_by_role("list").last).to_be_visible()

    inviter.press("Sign out")
    inviter.sees_heading("Sign in")
    inviter.sees_message("You are signed out.")


def sign_up_with_mistakes(visitor):
    """Led to the sign-in, mistype the number, then the code."""
    visitor.open()
    visitor.sees_heading("Sign in")
    visitor.ask_for_code("12345")
    visitor.sees_error("Enter a valid phone number.")
    visitor.ask_for_code(f"+1 ({visitor.phone[2:5]}) {visitor.phone[5:8]}-{visitor.phone[8:]}")
    visitor.sees_heading("Enter the code")
    visitor.sees(masked(visitor.phone))
    assert visitor.phone[1:] not in visitor.page.url
    code = visitor.site.code_sent_to(visitor.phone)
    assert code in visitor.page.locator(".development").inner_text()
    visitor.enter_code(f"{(int(code) + 1) % 10**6:06}")
    visitor.sees_heading("Enter the code")
    visitor.sees_error("Wrong code.")
    visitor.enter_code(f" {code[:3]} {code[3:]} ")
    visitor.sees_heading("Your profile")
    visitor.sees("Nobody yet. Share your code!")
    assert re.sub(r"\D", "", visitor.page.locator("main > .phone").inner_text()) == visitor.phone[1:]


def follow_the_link(visitor, inviter):
    """Be connected by signing up."""
    visitor.page.goto(inviter.page.locator("#link").inner_text())
    visitor.sees_heading("Sign in")
    visitor.ask_for_code()
    visitor.sees_heading("Enter the code")
    session = visitor.cookie("sessionid")
    visitor.enter_code()
    visitor.sees_heading("Your profile")
    visitor.sees_message("Welcome! Your invitation has been accepted.")
    visitor.sees(masked(inviter.phone))
    assert session != visitor.cookie("sessionid")
    assert visitor.cookie("phone_referrals_invite") is None


def enter_the_code_by_hand(visitor, inviter):
    """Be connected after a few mistakes."""
    visitor.sign_in()
    for wrong, refusal in {
        "NO-SUCH": "There is no such referral code.",
        visitor.referral_code: "This is your own referral code.",
    }.items():
        visitor.fill("Referral code", wrong)
        visitor.press("Use the code")
        visitor.sees_error(refusal)
    visitor.fill("Referral code", f" {inviter.referral_code.lower()} ")
    visitor.press("Use the code")
    visitor.sees_message("The referral code has been accepted.")
    visitor.sees(masked(inviter.phone))
    expect(visitor.page.get_by_label(visitor.say("Referral code"), exact=True)).to_have_count(0)


def masked(phone):
    return f"+1 *** *** **{phone[-2:]}"
