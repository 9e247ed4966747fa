"""A site with two admins: every page of either works, and leads to pages of its own."""

import re
from datetime import date

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse

from phone_referrals.models import PhoneVerification, Referral, ReferralCode, SmsUsage

# "/" is the site itself.
NEUTRAL = ("/static/",)


@pytest.fixture(params=["admin", "second"])
def site(request, settings):
    settings.ROOT_URLCONF = "tests.hosts.two_admins.urls"
    return request.param


@pytest.fixture
def rows(site, make_user, refer, phone):
    above, middle, below = map(make_user, range(3))
    refer(above, middle)
    refer(middle, below)
    return {
        get_user_model(): middle,
        Referral: Referral.objects.get(referred=below),
        ReferralCode: ReferralCode.objects.create(user=middle, code="A0", active_for=middle),
        PhoneVerification: PhoneVerification.objects.create(phone_number=phone),
        SmsUsage: SmsUsage.objects.create(day=date(2026, 1, 1)),
    }


def links(answer):
    found = re.findall(r'(?:href|action|src)="(/[^"]*)"', answer.content.decode())
    return [link for link in found if link != "/" and not link.startswith(NEUTRAL)]


def pages(site, rows):
    """Yield every page of the models of the package and of users, as the admins have registered them."""
    for model, row in rows.items():
        for each in admin.site._registry[model].urls:
            if each.name:
                yield reverse(
                    f"{site}:{each.name}",
                    args=[row.pk] if each.pattern.converters or "<id>" in str(each.pattern) else [],
                )


def test_every_page_of_an_admin_leads_to_pages_of_the_same(staff, site, rows):
    answered = []
    for page in pages(site, rows):
        answer = staff.get(page)
        assert answer.status_code in {200, 403}, page  # Some models have rows that nobody adds or deletes.
        answered.append(answer.status_code)
        if answer.get("Content-Type", "").startswith("text/html") and answer.status_code == 200:
            assert [link for link in links(answer) if not link.startswith(f"/{site}/")] == [], page
    assert answered.count(200) > 18


def test_what_an_admin_has_done_leads_on_in_the_same(staff, site, rows):
    users = reverse(f"{site}:phone_first_user_changelist")
    user = rows[get_user_model()]
    typed = {"password1": "by the lake 7", "password2": "by the lake 7", "usable_password": "true"}
    for page, sent in {
        f"{users}add/": {"phone_number": "+1 201 555 0150", **typed},
        f"{users}{user.pk}/change/": {"phone_number": "+12015550151", "is_active": "on", "_save": "Save"},
        users: {"action": "delete_selected", "_selected_action": user.pk},
        f"{users}{user.pk}/delete/": {"post": "yes"},
    }.items():
        answer = staff.post(page, sent)
        assert answer.status_code == (200 if page == users else 302), (page, answer.content)
        where = links(answer) if page == users else [answer["Location"]]
        assert [link for link in where if not link.startswith(f"/{site}/")] == [], page


def test_the_picture_of_a_network_has_links_to_its_people(staff, site, rows):
    middle = rows[get_user_model()]
    page = staff.get(reverse(f"{site}:phone_first_user_change", args=[middle.pk])).content.decode()
    for number in (0, 2):
        other = get_user_model().objects.get(phone_number=f"+120155501{number:02}")
        assert f'href="/{site}/phone_first/user/{other.pk}/change/"' in page


def test_an_admin_without_users_opens(staff, site):
    assert staff.get("/third/").status_code == 200
