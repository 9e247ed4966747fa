"""Domain functions take values and no request: a management command calls them, and so does an async view."""

import ast

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path

from phone_referrals.accounts import get_accounts, require_admissible
from phone_referrals.profiles import queries
from phone_referrals.profiles.sign_in import sign_in as sign_in_and_redeem
from phone_referrals.referrals import codes, invitees
from phone_referrals.referrals.models import Referral, ReferralCode
from phone_referrals.referrals.redeem import redeem, redeem_first
from phone_referrals.signin.change_phone import change_phone, request_change
from phone_referrals.signin.codes import Purpose
from phone_referrals.signin.delete_account import delete_account, request_deletion
from phone_referrals.signin.sign_in import sign_in
from phone_referrals.signin.verification import check_code, request_code
from phone_referrals.sms import locmem
from phone_referrals.testing import last_code
from phone_referrals.tokens import end_all, get_issuer
from tests.test_imports import FILES, module_of

HOST, OLD, NEW = "example.com", "+12015550100", "+12015550101"


def user_of(phone_number):
    return get_accounts().find(phone_number)


def create_referrer():
    return codes.code_of(get_accounts().create("+12015550102"))


def a_code_is_sent_and_checked():
    sent = request_code(phone_number=OLD, host=HOST)
    check_code(phone_number=OLD, code=last_code(OLD), request_id=sent.request_id)
    assert [message.phone_number for message in locmem.outbox] == [OLD]


def a_phone_signs_in():
    sent = request_code(phone_number=OLD, host=HOST, address="192.0.2.1", data={"captcha": "1"})
    signed_in = sign_in(phone_number=OLD, code=last_code(OLD), request_id=sent.request_id)
    assert signed_in.created
    assert signed_in.token["token"]


def a_phone_signs_in_with_a_referral_code():
    code = create_referrer()
    request_code(phone_number=OLD, host=HOST)
    proof = {"phone_number": OLD, "code": last_code(OLD), "issuer": get_issuer()}
    assert sign_in_and_redeem(**proof, invites=[code.code]).redeemed


def a_user_changes_the_phone():
    user, issuer = get_accounts().create(OLD), get_issuer()
    assert request_change(user, phone_number=NEW, issuer=issuer, host=HOST).current_code_required
    proof = {"code": last_code(NEW, Purpose.CHANGE_PHONE), "current_code": last_code(OLD, Purpose.CONFIRM_CHANGE)}
    change_phone(user, phone_number=NEW, issuer=issuer, host=HOST, **proof)
    assert (user_of(NEW), user_of(OLD)) == (user, None)


def a_user_deletes_the_account():
    user = get_accounts().create(OLD)
    request_deletion(user, host=HOST)
    delete_account(user, code=last_code(OLD, Purpose.DELETE_ACCOUNT))
    assert user_of(OLD) is None


def a_user_redeems_a_code():
    code, user = create_referrer(), get_accounts().create(OLD)
    assert redeem(user, code.code).referrer == code.user
    assert redeem_first(get_accounts().create(NEW), ["NONE", code.code]).referrer == code.user


def a_user_rotates_a_code():
    code = create_referrer()
    assert codes.rotate(code.user).code != code.code
    codes.activate(ReferralCode(user=code.user, code=codes.chosen("spring")))
    assert codes.code_of(code.user).code == codes.fold("spring")


def a_users_lists_are_read():
    code, user = create_referrer(), get_accounts().create(OLD)
    redeem(user, code.code)
    assert invitees.invitees(code.user).count == 1
    assert queries.network_page(code.user).rows == [code.user, user]
    assert len(queries.users_page().rows) == 2


def a_users_tokens_end():
    user, issuer = get_accounts().create(OLD), get_issuer()
    require_admissible(user)
    token = issuer.issue(user, created=True)
    end_all(user)
    assert issuer.issue(user, created=False) != token


CALLS = (
    a_code_is_sent_and_checked,
    a_phone_signs_in,
    a_phone_signs_in_with_a_referral_code,
    a_user_changes_the_phone,
    a_user_deletes_the_account,
    a_user_redeems_a_code,
    a_user_rotates_a_code,
    a_users_lists_are_read,
    a_users_tokens_end,
)


class Command(BaseCommand):
    """A host's command that calls one of `CALLS`."""

    stealth_options = ("call",)

    def handle(self, *, call, **options):
        call()


async def view(request, number):
    """A host's view that does so in the thread of the database."""
    await sync_to_async(CALLS[number], thread_sensitive=True)()
    return HttpResponse(status=204)


urlpatterns = [path("<int:number>/", view)]


@pytest.mark.django_db
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_command_needs_no_request_where(call):
    call_command(Command(), call=call)


@pytest.mark.django_db
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_an_async_view_passes_no_request_where(call, settings):
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    assert async_to_sync(AsyncClient().get)(f"/{CALLS.index(call)}/").status_code == 204


@pytest.mark.django_db(transaction=True)
def test_a_coroutine_signs_up_and_redeems():
    async def journey():
        code = await sync_to_async(create_referrer)()
        await sync_to_async(request_code)(phone_number=OLD, host=HOST)
        typed = await sync_to_async(last_code)(OLD)
        signed_in = await sync_to_async(sign_in)(phone_number=OLD, code=typed)
        await sync_to_async(redeem)(signed_in.user, code.code)

    async_to_sync(journey)()
    assert Referral.objects.get().referred == get_user_model().objects.get(phone_number=OLD)


# What knows HTTP, below views and pages, and why.
KNOW_REQUESTS = {
    "api": "Base of the views.",
    "http": "Guards of requests.",
    "profiles.permissions": "Permissions of REST framework.",
    "referrals.invites": "The cookie of an invitation, and its middleware.",
    "referrals.links": "Addresses as the request's host has them.",
    "routing": "Addresses as the request's namespace has them.",
    "signin.backend": "Django passes a request to authentication backends.",
    "signin.forms": "What waits in the session of a page.",
    "throttling": "Throttles of REST framework.",
    "tokens": "How a request proves itself.",
}
OF_HTTP = {"admin", "admin_lists", "pages", "serializers", "views"}


def takes_a_request(file):
    """Return whether a function of a file has a parameter that is a request, by its name or its type."""
    nodes = ast.walk(ast.parse(file.read_text()))
    parameters = [each for node in nodes if isinstance(node, ast.arguments) for each in (*node.args, *node.kwonlyargs)]
    types = [ast.unparse(each.annotation) if each.annotation else "" for each in parameters]
    return any(
        (each.arg == "request" and kind != "SendRequest") or "HttpRequest" in kind
        for each, kind in zip(parameters, types, strict=True)
    )


def test_only_what_knows_http_takes_a_request():
    modules = [module_of(file) for file in FILES if takes_a_request(file)]
    below = [each for each in modules if not OF_HTTP & {*each.split(".")}]
    allowed = [name for name in KNOW_REQUESTS if any(f"{each}.".startswith(f"{name}.") for each in below)]
    assert [each for each in below if not f"{each}.".startswith(tuple(f"{name}." for name in allowed))] == []
    assert allowed == [*KNOW_REQUESTS], "Nothing else is in the table."
