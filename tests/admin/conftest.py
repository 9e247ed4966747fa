import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse


@pytest.fixture
def url():
    """The address of a page of the admin: `url(Referral, "changelist")`."""
    return lambda model, page, *args: reverse(
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args
    )


@pytest.fixture
def superuser(db):
    return get_user_model().objects.create_superuser("+12015550199")


@pytest.fixture
def staff(superuser):
    """The client of a superuser."""
    client = Client()
    client.force_login(superuser, "django.contrib.auth.backends.ModelBackend")
    return client
