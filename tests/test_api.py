"""What all views share: authentication, permissions, and how a refusal becomes an answer."""

from base64 import b64encode

import pytest
from django.contrib.auth import get_user_model
from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from phone_referrals.api import ActionView, ApiView, OpenView, Refusal
from phone_referrals.exceptions import Busy, DeliveryFailed, InvalidCode, PhoneReferralsError, ResendTooSoon
from phone_referrals.tokens import drf

post = APIRequestFactory().post


class View(OpenView):
    """A view that answers by calling what it was made with."""

    serializer_class = serializers.Serializer
    answer = None

    def post(self, request):
        return Response(type(self).answer(request))


def answer_of(call, view=View, **request):
    return type("Specimen", (view,), {"answer": staticmethod(call)}).as_view()(post("/", **request))


def raising(error):
    def call(request):
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "status", "extra", "retry_after"),
    [
        (PhoneReferralsError(), 400, {}, None),
        (InvalidCode(guesses_left=0), 400, {"guesses_left": 0}, None),
        (ResendTooSoon(retry_after=30), 429, {}, "30"),
        (ResendTooSoon(retry_after=0), 429, {}, "1"),
        (Busy(retry_after=1), 503, {}, "1"),
        (DeliveryFailed(), 503, {}, None),
        (DeliveryFailed(retry_after=5), 503, {}, "5"),
    ],
)
def test_a_refusal_is_answered_with_its_status_code_and_wait(error, status, extra, retry_after):
    response = answer_of(raising(error))
    assert response.status_code == status
    assert response.data == {"detail": error.message, "code": error.code, **extra}
    assert response.headers.get("Retry-After") == retry_after


def test_an_action_of_the_host_says_what_it_does():
    with pytest.raises(NotImplementedError):
        ActionView().act({})


def test_a_refusal_of_the_host_needs_three_lines():
    class OutOfOffice(PhoneReferralsError):
        code = "out_of_office"
        status_code = 451

    response = answer_of(raising(OutOfOffice("Call on Monday.")))
    assert (response.status_code, response.data) == (451, {"detail": "Call on Monday.", "code": "out_of_office"})


def test_the_exception_handler_of_the_host_renders_our_refusals(settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": f"{__name__}.host_handler"}
    assert answer_of(raising(InvalidCode(guesses_left=3))).data == {"error": "invalid_code", "guesses_left": 3}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": f"{__name__}.handler_of_text"}
    assert answer_of(raising(InvalidCode(guesses_left=3))).data == "Wrong code."


def host_handler(exc, context):
    assert isinstance(exc, Refusal)
    return Response({"error": exc.get_codes()}, status=exc.status_code)


def handler_of_text(exc, context):
    return Response(exc.get_full_details()["message"], status=exc.status_code)


def test_too_deep_a_nesting_is_the_fault_of_who_sent_it():
    response = answer_of(raising(RecursionError()))
    assert (response.status_code, response.data["code"]) == (400, "parse_error")


def test_what_we_do_not_know_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        answer_of(lambda request: 1 / 0)


def test_errors_of_fields_stay_as_drf_gives_them():
    response = answer_of(raising(serializers.ValidationError({"name": ["No."], "detail": ["No."]})))
    assert (response.status_code, response.data) == (400, {"name": ["No."], "detail": ["No."]})


def test_errors_of_a_serializer_do_not_carry_what_was_sent():
    class Form(serializers.Serializer):
        name = serializers.CharField()

    def call(request):
        Form(data=request.data).is_valid(raise_exception=True)

    response = answer_of(call)
    assert response.data == {"name": ["This field is required."]}
    assert not hasattr(response.data, "serializer")


class Unread(ApiView):
    answer = None


@pytest.mark.parametrize(
    "host", [[SessionAuthentication, BasicAuthentication], [SessionAuthentication, TokenAuthentication], []]
)
def test_the_issuers_authentication_comes_first_and_only_once(host):
    authenticators = Unread(authentication_classes=host).get_authenticators()
    kinds = [type(each) for each in authenticators]
    assert kinds == [drf.TokenAuthentication, *(each for each in host if each is not TokenAuthentication)]


def test_an_open_view_authenticates_nobody():
    assert OpenView().get_authenticators() == []


def test_a_closed_view_is_the_default():
    response = Unread.as_view()(post("/"))
    assert (response.status_code, response.data["code"]) == (401, "not_authenticated")


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Token \0"},
        {"authorization": f"Basic {b64encode(b'a' + bytes(1) + b'b:x').decode()}"},
        {"cookie": 'sessionid="aaaaaaaa\\000"'},
    ],
    ids=["token", "password", "session"],
)
def test_a_nul_byte_which_postgresql_reads_nowhere_is_nobody_s(client, monkeypatch, headers, accept):
    monkeypatch.setattr(ApiView, "authentication_classes", [SessionAuthentication, BasicAuthentication])
    response = client.get("/api/users/me/", headers={"accept": accept, **headers})
    assert response.status_code == 401


@pytest.mark.django_db
def test_nor_is_one_in_the_cookie_of_who_signs_in_by_session(client, settings, phone, send_code):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.session.SessionIssuer"
    data, cookie = {"phone_number": phone, "code": send_code(phone)}, 'sessionid="aaaaaaaa\\000"'
    response = client.post("/api/users/auth/", data, headers={"cookie": cookie})
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


SIMPLE = {
    "form": ("application/x-www-form-urlencoded", "phone_number=%2B12015550100&code=123456"),
    "parts": (
        "multipart/form-data; boundary=x",
        '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    ),
    "text": ("text/plain", '{"phone_number": "+12015550100"}'),
    "no type": ("", ""),
}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/users/get_verify_code/", "/api/users/auth/"])
@pytest.mark.parametrize(("content_type", "body"), SIMPLE.values(), ids=SIMPLE)
def test_a_form_of_another_site_is_refused(client, outbox, path, content_type, body):
    answer = client.generic("POST", path, body, content_type, headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert outbox == []


@pytest.mark.django_db
def test_a_form_of_another_site_costs_its_visitor_no_attempt(client, limit):
    limit(get_verify_code="1/hour")
    path, data = "/api/users/get_verify_code/", {"phone_number": "+12015550100"}
    assert client.post(path, data, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post(path, data).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("site", "content_type"),
    [
        *(
            (site, content_type)
            for site in ("same-origin", "same-site", "none", "")
            for content_type in ("json", "form")
        ),
        # A browser has asked first whether it may send it: by CORS.
        ("cross-site", "json"),
    ],
)
def test_what_a_browser_may_send_is_accepted(client, outbox, site, content_type):
    kinds = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
    body = {"json": '{"phone_number": "+12015550100"}', "form": "phone_number=%2B12015550100"}[content_type]
    headers = {"sec-fetch-site": site} if site else {}
    path = "/api/users/get_verify_code/"
    assert client.generic("POST", path, body, kinds[content_type], headers=headers).status_code == 200
    assert len(outbox) == 1


@pytest.mark.django_db
def test_a_browser_that_asks_by_cors_is_not_refused(client):
    path = "/api/users/get_verify_code/"
    assert client.options(path, headers={"sec-fetch-site": "cross-site"}).status_code == 200


# Caches


ANSWERS = {
    # name: arguments of the client's `generic`
    "read": ("GET", "/api/users/me/"),
    "list": ("GET", "/api/users/"),
    "head": ("HEAD", "/api/users/me/"),
    "options": ("OPTIONS", "/api/users/me/"),
    "not found": ("GET", "/api/users/0/"),
    "wrong method": ("POST", "/api/users/me/"),
    "wrong body": ("POST", "/api/users/auth/", "{", "application/json"),
    "wrong charset": ("POST", "/api/users/auth/", "{}", "application/json; charset=utf-16"),
    "signed out": ("POST", "/api/users/logout/"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("call", ANSWERS.values(), ids=ANSWERS)
def test_no_cache_keeps_an_answer(sign_in, phone, call):
    for client in (APIClient(), sign_in(phone)):
        answer = client.generic(*call)
        assert {"no-store", "private"} <= {*answer["Cache-Control"].split(", ")}
        assert {"Authorization", "Cookie"} <= {*answer["Vary"].split(", ")}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["users/me/", "users/", "referrals/"])
def test_a_site_wide_cache_hands_nobody_anothers_answer(sign_in, phone, other_phone, settings, path):
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    settings.PHONE_REFERRALS_USERS_PERMISSION = "rest_framework.permissions.IsAuthenticated"
    first, second = sign_in(phone), sign_in(other_phone)
    answers = [client.get(f"/api/{path}") for client in (first, second, APIClient())]
    assert [answer.status_code for answer in answers] == [200, 200, 401]
    assert answers[0].content != answers[1].content
    get_user_model().objects.filter(phone_number=phone).delete()
    assert first.get(f"/api/{path}").status_code == 401


@pytest.mark.parametrize("view", [ApiView, OpenView])
def test_no_view_runs_inside_a_transaction_of_the_host(view):
    from django.db import connections

    assert view.as_view()._non_atomic_requests == set(connections)


@pytest.mark.django_db
def test_whoever_is_authenticated_in_another_way_is_let_in(make_user):
    class Listening(View, ApiView):
        permission_classes = ApiView.permission_classes

    user = make_user()
    request = post("/")
    force_authenticate(request, user)
    view = type("Specimen", (Listening,), {"answer": staticmethod(lambda request: request.user.pk)})
    assert view.as_view()(request).data == user.pk


class Undecodable(BasicAuthentication):
    def authenticate(self, request):
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a token that is no text")


def test_a_token_that_is_no_text_is_no_token():
    view = type("Specimen", (View,), {"get_authenticators": lambda self: [Undecodable()]})
    assert answer_of(lambda request: None, view=view).status_code == 401
