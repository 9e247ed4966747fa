"""That what would be wrong with a page is noticed."""

import time

import pytest


@pytest.mark.parametrize(
    "script",
    [
        "document.querySelector('label').remove()",
        "document.querySelector('main p').style.color = 'silver'",
        "document.documentElement.removeAttribute('lang')",
    ],
)
def test_axe_sees_a_lost_label_pale_text_and_no_language(visitor, script):
    visitor.open("/sign-in/")
    visitor.check_accessibility()
    visitor.page.evaluate(script)
    with pytest.raises(AssertionError):
        visitor.check_accessibility()


def test_what_is_wider_than_the_screen_is_seen(visitor):
    visitor.open("/sign-in/")
    visitor.page.evaluate("document.querySelector('main').style.width = '400px'")
    with pytest.raises(AssertionError, match="wide"):
        visitor.sees_all_of_the_width()


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("document.body.append(Object.assign(document.createElement('script'), { text: '1' }))", "CSP: script-src"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')", "CSP: style-src"),
        ("setTimeout(() => { throw new Error('mine') })", "mine"),
        ("void fetch('//192.0.2.1/').catch(() => {})", "CSP: connect-src"),
    ],
)
def test_policy_violations_and_script_errors_are_kept(visitor, script, problem):
    visitor.open("/sign-in/")
    visitor.page.evaluate(script)
    give_up = time.monotonic() + 10
    while not any(problem in each for each in visitor.problems) and time.monotonic() < give_up:
        visitor.page.wait_for_timeout(20)
    visitor.page.goto("about:blank")  # What else the script has done is told by now.
    problems, visitor.problems = visitor.problems, []
    assert any(problem in each for each in problems)
