import pytest
from django.contrib.auth import get_user_model

from phone_referrals.profiles.views import MeView

ISSUERS = {
    "drf": "phone_referrals.tokens.DRFTokenIssuer",
    "knox": "phone_referrals.tokens.knox.KnoxTokenIssuer",
    "jwt": "phone_referrals.tokens.jwt.JWTIssuer",
    "session": "phone_referrals.tokens.session.SessionIssuer",
}


@pytest.fixture
def use(settings):
    """Let the site issue tokens of a kind."""

    def use(kind):
        settings.PHONE_REFERRALS_TOKEN_ISSUER = ISSUERS[kind]

    return use


@pytest.fixture
def user_of(db):
    return lambda client: get_user_model().objects.get(pk=client.answer["user"]["id"])


def status(client, path="users/me/"):
    return client.get(f"/api/{path}").status_code


class Handler:
    """What a function says of the request that a client makes: the views hand it on, the test looks at it."""

    def __init__(self, client, function):
        answers = []
        get = MeView.get

        def asked(view, request):
            answers.append(function(request))
            return get(view, request)

        MeView.get = asked
        try:
            client.get("/api/users/me/")
        finally:
            MeView.get = get
        (self.answer,) = answers
