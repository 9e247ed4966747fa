import pytest
from django.apps import apps
from django.core.checks import run_checks

from phone_referrals.checks import ids as check_ids


def ids(**kwargs):
    return {message.id for message in run_checks(**kwargs) if message.id.startswith("phone_referrals.")}


def test_there_is_one_app_with_one_label():
    assert [app.label for app in apps.get_app_configs() if app.name.startswith("phone_referrals")] == [
        "phone_referrals"
    ]


@pytest.mark.django_db
def test_the_app_brings_its_checks(settings):
    settings.PHONE_REFERRALS_CODE_DIGITS = 4
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ()
    assert ids() == {check_ids.LIMIT_OUT_OF_RANGE, check_ids.REGIONS_MISSING}
    advice = {
        check_ids.CACHE_PER_PROCESS,
        check_ids.CACHE_TOO_SMALL,
        check_ids.INVITATIONS_LOST,
        check_ids.PROXIES_UNKNOWN,
        check_ids.SMS_LIMIT_UNSET,
    }
    assert ids(include_deployment_checks=True) == {check_ids.LIMIT_OUT_OF_RANGE, check_ids.REGIONS_MISSING, *advice}


@pytest.mark.django_db
def test_the_test_site_passes_every_check_of_django():
    assert run_checks() == []


@pytest.mark.django_db
def test_the_openapi_extra_may_be_left_out(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if not app.startswith("drf_spectacular")]
    assert not apps.is_installed("drf_spectacular")
    assert ids() == set()
