"""A person at a browser. Whatever goes wrong on the way is kept, and fails the test in the end."""

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext, override
from playwright.sync_api import expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
SIZES = {"phone": {"width": 360, "height": 640}, "desktop": {"width": 1280, "height": 800}}
PATIENCE = 20_000  # Milliseconds: a busy machine is no reason to fail.
LOCALES = {"en": "en-US", "ru": "ru-RU"}
# The console is where Chromium tells of violated policies; this says also what was blocked, and where.
TELL_OF_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""

expect.set_options(timeout=PATIENCE)


@contextmanager
def chromium(*arguments):
    if not CHROMIUM.exists():
        raise SystemExit(f"{CHROMIUM} is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])
        yield browser
        browser.close()


@dataclass(frozen=True, kw_only=True)
class Look:
    """How somebody looks at the pages."""

    size: str = "phone"
    language: str = "en"
    colours: str = "light"
    javascript: bool = True

    def __str__(self):
        return "-".join([self.size, self.language, self.colours, *([] if self.javascript else ["no-js"])])


class Visitor:
    """One browser of one person, with a phone at hand."""

    def __init__(self, browser, site, look=Look(), phone=None, scale=1):
        self.site, self.look = site, look
        self.phone = phone or site.new_phone()
        self.problems = []
        self.context = browser.new_context(
            viewport=SIZES[look.size],
            locale=LOCALES[look.language],
            color_scheme=look.colours,
            java_script_enabled=look.javascript,
            reduced_motion="reduce",
            device_scale_factor=scale,
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(TELL_OF_VIOLATIONS)
        self.context.on("page", self.watch)
        self.language = look.language
        self.page = self.context.new_page()

    def watch(self, page):
        page.on("console", lambda message: self.note(is_bad(message), message.text))
        page.on("pageerror", lambda error: self.note(True, str(error)))
        page.on("response", lambda answer: self.note(answer.status >= 500, f"{answer.status} {answer.url}"))

    def note(self, is_problem, text):
        if is_problem:
            self.problems.append(text)

    def leave(self):
        self.context.close()
        assert self.problems == []

    def say(self, text, **values):
        """Return a text of the pages in the visitor's language."""
        with override(self.language):
            return gettext(text) % values

    # What is done

    def open(self, path="/"):
        self.page.goto(self.site.url + path)

    def press(self, text):
        self.page.get_by_role("button", name=self.say(text), exact=True).click()

    def fill(self, label, value):
        self.page.get_by_label(self.say(label), exact=True).fill(value)

    def ask_for_code(self, typed=None):
        self.fill("Phone number", typed or self.phone)
        self.press("Send the code")

    def enter_code(self, code=None):
        self.fill("Code", code or self.site.code_sent_to(self.phone))
        self.press("Sign in")

    def sign_in(self):
        self.open("/sign-in/")
        self.ask_for_code()
        self.sees_heading("Enter the code")
        self.enter_code()
        self.sees_heading("Your profile")

    def cookie(self, name):
        return next((each["value"] for each in self.context.cookies() if each["name"] == name), None)

    # What is seen

    def sees_heading(self, text):
        """Wait for a page, and look whether all of it is within the screen."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.say(text))
        self.sees_all_of_the_width()

    def sees_all_of_the_width(self):
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= SIZES[self.look.size]["width"], f"{self.page.url} is {width} wide"

    def sees(self, text, **values):
        expect(self.page.locator("main")).to_contain_text(self.say(text, **values))

    def sees_error(self, text, **values):
        """Expect an error at a field that has the focus and is described by it."""
        error = self.page.locator("main form .error")
        expect(error).to_contain_text(self.say(text, **values))
        field = self.page.locator("[aria-invalid=true]")
        expect(field).to_be_focused()
        expect(field).to_have_accessible_description(re.compile(re.escape(error.inner_text())))

    def sees_message(self, text, **values):
        expect(self.page.locator(".message")).to_contain_text(self.say(text, **values))

    @property
    def referral_code(self):
        return self.page.locator("#code").inner_text()

    def check_accessibility(self):
        """Run all rules of axe-core, those of WCAG 2.2 included."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run({ rules: { 'target-size': { enabled: true } } })")
        broken = [
            f"{rule['id']}: {rule['help']}: {[node['html'] for node in rule['nodes']]}" for rule in found["violations"]
        ]
        assert broken == [], (self.page.url, self.look)
        assert len(found["passes"]) > 10, "axe-core has looked at nothing"


def is_bad(message):
    # A refused form is shown with a status of its own, of which Chromium tells in the console.
    is_refusal = re.search(r"the server responded with a status of 4\d\d", message.text)
    return message.type in {"error", "warning"} and not is_refusal
