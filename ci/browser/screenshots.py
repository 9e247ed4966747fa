"""Make the pictures in docs/images/: `make screenshots`. Look at every one afterwards."""

import os
from contextlib import closing
from io import BytesIO
from pathlib import Path

import django
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from PIL import Image

from ci.browser.browsed_site import browsed_site
from ci.browser.visitor import Look, Visitor, chromium

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
IMAGES = Path(__file__).parents[2] / "docs/images"
HOST = "example.com"  # What the links in the pictures name.
PHONE, RUSSIAN, DESKTOP = Look(), Look(language="ru", colours="dark"), Look(size="desktop")
# Whom each of them has invited, by their places in this list; the first one is whose network it is.
NETWORK = [[1, 2, 3, 4, 5], [6, 7, 8], [9], [], [10], [], [], [11, 12]]


def main():
    IMAGES.mkdir(exist_ok=True)
    with browsed_site(ALLOWED_HOSTS=f"{HOST},127.0.0.1") as site, make_browser(site) as browser:

        def visitor(look, phone=None):
            return closing(Photographed(browser, site, look, phone))

        owner, crowd = make_network(site), site.sign_up_network(25, 3, 2)
        settle_dates_and_codes(site)
        with visitor(PHONE) as newcomer:
            shoot_newcomer(newcomer)
        with visitor(RUSSIAN, owner) as somebody:
            shoot_owner(somebody, "-ru-dark")
        with visitor(DESKTOP, owner) as somebody:
            shoot_owner(somebody, "-desktop")
        with visitor(DESKTOP) as friend:
            [[code]] = site.sql("SELECT code FROM phone_referrals_referralcode ORDER BY user_id LIMIT 1")
            friend.open(f"/r/{code}/")
            friend.ask_for_code()
            friend.sees_heading("Enter the code")
            friend.enter_code()
            friend.sees_heading("Your profile")
            friend.shoot("profile-invited-desktop")
        with visitor(PHONE, crowd) as somebody:
            somebody.sign_in()
            somebody.shoot("network-large", somebody.page.locator("section:has(.network)"))
            somebody.page.get_by_text("Earlier ones").click()
            somebody.sees_heading("People you invited")
            somebody.shoot("invitees")
        shoot_admin(browser, site, owner)


def shoot_newcomer(visitor):
    visitor.open()
    visitor.shoot("sign-in")
    visitor.ask_for_code("201 555")
    visitor.sees_error("Enter a valid phone number.")
    visitor.shoot("sign-in-error")
    visitor.ask_for_code()
    visitor.sees_heading("Enter the code")
    visitor.shoot("code")
    visitor.enter_code("123 456")
    visitor.sees_error("Wrong code.")
    visitor.shoot("code-wrong")
    visitor.enter_code()
    visitor.sees_heading("Your profile")
    visitor.fill("Referral code", "nobody's")
    visitor.press("Use the code")
    visitor.sees_error("There is no such referral code.")
    visitor.shoot("profile-error")


def shoot_owner(visitor, suffix):
    visitor.open("/sign-in/")
    visitor.shoot(f"sign-in{suffix}")
    visitor.ask_for_code()
    visitor.sees_heading("Enter the code")
    visitor.shoot(f"code{suffix}")
    visitor.enter_code()
    visitor.sees_heading("Your profile")
    visitor.shoot(f"profile{suffix}")


def shoot_admin(browser, site, owner):
    """The lists of the package, and a user of the site with the network."""
    [[key]] = site.sql("SELECT id FROM accounts_user WHERE phone_number = %s", owner)
    staff = site.new_phone()
    site.sql(
        "INSERT INTO accounts_user (phone_number, password, is_staff, is_superuser, is_active, date_joined)"
        " VALUES (%s, %s, true, true, true, now())",
        staff,
        PBKDF2PasswordHasher().encode("a password", "salt"),
    )
    # A month of messages, more on some days than on others, most of which were used.
    site.sql("DELETE FROM phone_referrals_smsusage")
    site.sql(
        "INSERT INTO phone_referrals_smsusage"
        " (day, region, slot, sent, verified, failed, limit_reported, pause_reported)"
        " SELECT current_date - n, 'US', 0, 400 + mod(37 * n, 90), 330 + mod(37 * n, 80), mod(n, 3), false, false"
        " FROM generate_series(0, 29) AS n"
    )
    with closing(Photographed(browser, site, DESKTOP, staff)) as somebody:
        somebody.page.clock.resume()  # The admin's scripts wait for it.
        somebody.open("/admin/login/")
        somebody.page.locator("[name=username]").fill(staff)
        somebody.page.locator("[name=password]").fill("a password")
        somebody.page.locator("[type=submit]").click()
        somebody.page.wait_for_url("**/admin/")
        somebody.page.evaluate("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
        for name, path, element in [
            ("admin-codes", "phone_referrals/referralcode/", "#content"),
            ("admin-user", f"accounts/user/{key}/change/", "fieldset:has(.field-phone_referral_network)"),
            ("admin-usage", "phone_referrals/smsusage/", "figure"),
        ]:
            somebody.open(f"/admin/{path}")
            # The first rows of a long list will do.
            somebody.page.evaluate("document.querySelectorAll('tbody tr:nth-child(n+9)').forEach(row => row.remove())")
            somebody.shoot(name, somebody.page.locator(element))


def make_browser(site):
    return chromium(
        f"--host-resolver-rules=MAP {HOST} {site.address[0]}:{site.address[1]}",
        f"--unsafely-treat-insecure-origin-as-secure=http://{HOST}",  # As with HTTPS: there is a clipboard.
        "--hide-scrollbars",
    )


def make_network(site):
    phones = [site.new_phone() for _ in range(13)]
    codes = {0: site.sign_up(phones[0])}
    for inviter, invited in enumerate(NETWORK):
        for each in invited:
            codes[each] = site.sign_up(phones[each], codes[inviter])
    return phones[0]


def settle_dates_and_codes(site):
    """Give everybody a code and a date that do not change from run to run."""
    site.sql("UPDATE phone_referrals_referralcode SET code = upper(substr(md5(user_id::text), 1, 6))")
    site.sql(
        "UPDATE phone_referrals_referral"
        " SET created_at = timestamptz '2026-03-01 12:00Z' + referred_id * interval '31 hours'"
    )


class Photographed(Visitor):
    def __init__(self, browser, site, look, phone):
        super().__init__(browser, site, look, phone, scale=2 if look.size == "phone" else 1)
        self.page.clock.install()

    def open(self, path="/"):
        self.page.goto(f"http://{HOST}{path}")

    def shoot(self, name, element=None):
        self.page.wait_for_load_state()
        self.sees_all_of_the_width()
        options = {"animations": "disabled", "caret": "hide"}
        raw = element.screenshot(**options) if element else self.page.screenshot(full_page=True, **options)
        image = Image.open(BytesIO(raw)).convert("RGB")
        # A palette: a quarter of the size, and nothing to see of it.
        image.quantize(128, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)

    def close(self):
        self.leave()


if __name__ == "__main__":
    django.setup()
    main()
