from django.apps import AppConfig


class PhoneFirstConfig(AppConfig):
    name = "tests.hosts.phone_first"
    label = "phone_first"
