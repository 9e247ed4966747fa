from importlib import import_module

from django.apps import AppConfig, apps
from django.contrib.auth.signals import user_logged_in
from django.core import checks as django_checks
from django.utils.translation import gettext_lazy as _


class PhoneReferralsConfig(AppConfig):
    name = "phone_referrals"
    label = "phone_referrals"
    verbose_name = _("Sign-in by phone and referrals")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported here: checks read the user model, which a later app may define.
        from phone_referrals.checks import registry, site
        from phone_referrals.referrals import once  # noqa: F401 - connects its receivers
        from phone_referrals.tokens import session

        user_logged_in.connect(session.mark_login, dispatch_uid="phone_referrals.mark_login")
        django_checks.register(registry.check_settings)
        django_checks.register(registry.check_deployment, deploy=True)
        django_checks.register(site.check_database, django_checks.Tags.database)
        if apps.is_installed("drf_spectacular"):
            import_module("phone_referrals.openapi")
