"""A site with two admins: every page of the second works, and leads to pages of the second."""

import re
from datetime import date

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import include, path, reverse

from phone_referrals.models import PhoneVerification, Referral, ReferralCode, SmsUsage

second = admin.AdminSite(name="second")
for model in (get_user_model(), Referral, ReferralCode, PhoneVerification, SmsUsage):
    second.register(model, type(admin.site._registry[model]))

urlpatterns = [
    path("second/", second.urls),
    path("admin/", admin.AdminSite().urls),  # The first, which has no users.
    path("api/", include("phone_referrals.urls")),
]


@pytest.fixture
def rows(settings, make_user, refer, phone):
    settings.ROOT_URLCONF = __name__
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


def test_pages_of_a_second_admin_lead_to_pages_of_the_second(staff, rows):
    for model, row in rows.items():
        name = f"second:{model._meta.app_label}_{model._meta.model_name}"
        for page in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
            answer = staff.get(page)
            assert answer.status_code == 200, page
            links = re.findall(r'(?:href|action)="(/[^"]*)"', answer.content.decode())
            # "/" is the site itself.
            assert [link for link in links if not link.startswith(("/second/", "/static/"))] == ["/"], page


def test_the_picture_of_a_network_has_links_to_its_people(staff, rows):
    middle = rows[get_user_model()]
    page = staff.get(reverse("second:phone_first_user_change", args=[middle.pk])).content.decode()
    for number in (0, 2):
        other = get_user_model().objects.get(phone_number=f"+120155501{number:02}")
        assert f'href="/second/phone_first/user/{other.pk}/change/"' in page
