"""What an issuer of the host has to be, in a specimen."""

import pytest
from rest_framework.authentication import BaseAuthentication
from rest_framework.authtoken.models import Token

from phone_referrals.tokens import BaseTokenIssuer

pytestmark = pytest.mark.django_db


class ConstantIssuer(BaseTokenIssuer):
    """A specimen: everybody has the same token."""

    class Authentication(BaseAuthentication):
        keyword = "Constant"

        def authenticate_header(self, request):
            return self.keyword

        def authenticate(self, request):
            if request.headers.get("Authorization") == "Constant one":
                return Token.objects.get().user, None
            return None

    token_type = "Constant"
    authentication_classes = (Authentication,)

    def issue(self, user, *, created):
        Token.objects.get_or_create(user=user)
        return {"token": "one", "expires_in": 5}

    def revoke(self, user):
        self.revoke_all(user)

    def revoke_all(self, user):
        Token.objects.filter(user=user).delete()


def test_a_host_issues_tokens_of_its_own(settings, sign_in, api, phone):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"{__name__}.ConstantIssuer"
    answer = sign_in(phone).answer
    assert (answer["token"], answer["token_type"], answer["expires_in"]) == ("one", "Constant", 5)
    assert api.get("/api/users/me/")["WWW-Authenticate"] == "Constant"
    api.credentials(HTTP_AUTHORIZATION="Constant one")
    assert api.get("/api/users/me/").status_code == 200
    assert api.post("/api/users/logout/").status_code == 204
    assert not Token.objects.exists()


def test_an_issuer_has_to_issue_and_to_revoke():
    with pytest.raises(TypeError, match=r"issue.*revoke.*revoke_all"):
        BaseTokenIssuer()
    assert BaseTokenIssuer.required_app == ""


class AccessIssuer(ConstantIssuer):
    """A specimen: its answer has another field than the one that it describes, and one of ours."""

    def issue(self, user, *, created):
        return {"access": "two", "user": None}


def test_an_issuer_answers_what_it_returns(settings, api, phone, send_code):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"{__name__}.AccessIssuer"
    data = {"phone_number": phone, "code": send_code(phone)}
    answer = api.post("/api/users/auth/", data, format="json").json()
    assert answer["access"] == "two"
    assert answer["user"]["phone_number"] == phone
    assert "token" not in answer
