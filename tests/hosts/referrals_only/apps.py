from django.apps import AppConfig


class ReferralsOnlyConfig(AppConfig):
    name = "tests.hosts.referrals_only"
    label = "referrals_only"

    def ready(self) -> None:
        from tests.hosts.referrals_only import receivers  # noqa: F401 - connects it
