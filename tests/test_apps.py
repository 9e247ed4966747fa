import pytest
from django.apps import apps
from django.core.checks import run_checks


def ids(**kwargs):
    return {message.id for message in run_checks(**kwargs) if message.id.startswith("phone_referrals.")}


def test_there_is_one_app_with_one_label():
    assert [app.label for app in apps.get_app_configs() if app.name.startswith("phone_referrals")] == [
        "phone_referrals"
    ]


@pytest.mark.django_db
def test_the_app_brings_its_checks(settings):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ()
    assert ids() == {"phone_referrals.E015"}
    advice = {
        "phone_referrals.W001",
        "phone_referrals.W005",
        "phone_referrals.W006",
        "phone_referrals.W002",
        "phone_referrals.W003",
    }
    assert ids(include_deployment_checks=True) == {"phone_referrals.E015", *advice}


@pytest.mark.django_db
def test_the_test_site_passes_every_check_of_django():
    assert run_checks() == []


@pytest.mark.django_db
def test_the_openapi_extra_may_be_left_out(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if not app.startswith("drf_spectacular")]
    assert not apps.is_installed("drf_spectacular")
    assert ids() == set()
