"""Who may see and do what in the admin: every URL and every action of the package, for everybody."""

from types import ModuleType

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory
from django.urls import include, path, reverse

from phone_referrals.models import PhoneVerification, Referral, ReferralCode, SmsUsage

pytestmark = pytest.mark.django_db

# "Staff" may enter the admin and nothing more, a viewer may see what is ours, an editor may change it too. The inactive
# one was a superuser. The referral code is the one of "user".
PEOPLE = ("anonymous", "user", "other user", "staff", "inactive", "viewer", "editor", "superuser")
LOGIN, DONE = "led to the login", "led on"
NOBODY = (LOGIN, LOGIN, LOGIN, 403, LOGIN, 403, 403, 403)
WHO_MAY_SEE = (LOGIN, LOGIN, LOGIN, 403, LOGIN, 200, 200, 200)
TABLE = {
    # name, method:                 anonymous, user, other user, staff, inactive, viewer, editor, superuser
    ("referralcode_changelist", "get"): WHO_MAY_SEE,
    ("referralcode_changelist", "post"): WHO_MAY_SEE,
    ("referralcode_add", "get"): (LOGIN, LOGIN, LOGIN, 403, LOGIN, 403, 403, 200),
    ("referralcode_add", "post"): (LOGIN, LOGIN, LOGIN, 403, LOGIN, 403, 403, DONE),
    ("referralcode_history", "get"): WHO_MAY_SEE,
    ("referralcode_history", "post"): WHO_MAY_SEE,
    ("referralcode_delete", "get"): (LOGIN, LOGIN, LOGIN, 403, LOGIN, 403, 403, 200),
    ("referralcode_delete", "post"): (LOGIN, LOGIN, LOGIN, 403, LOGIN, 403, 403, DONE),
    ("referralcode_change", "get"): WHO_MAY_SEE,
    ("referralcode_change", "post"): (LOGIN, LOGIN, LOGIN, 403, LOGIN, 403, DONE, DONE),
    ("referral_export", "get"): WHO_MAY_SEE,
    ("referral_export", "post"): WHO_MAY_SEE,
    ("referral_changelist", "get"): WHO_MAY_SEE,
    ("referral_changelist", "post"): WHO_MAY_SEE,
    ("referral_add", "get"): NOBODY,
    ("referral_add", "post"): NOBODY,
    ("referral_history", "get"): WHO_MAY_SEE,
    ("referral_history", "post"): WHO_MAY_SEE,
    ("referral_delete", "get"): NOBODY,
    ("referral_delete", "post"): NOBODY,
    ("referral_change", "get"): WHO_MAY_SEE,
    ("referral_change", "post"): NOBODY,
    ("phoneverification_changelist", "get"): WHO_MAY_SEE,
    ("phoneverification_changelist", "post"): WHO_MAY_SEE,
    ("phoneverification_add", "get"): NOBODY,
    ("phoneverification_add", "post"): NOBODY,
    ("phoneverification_history", "get"): WHO_MAY_SEE,
    ("phoneverification_history", "post"): WHO_MAY_SEE,
    ("phoneverification_delete", "get"): NOBODY,
    ("phoneverification_delete", "post"): NOBODY,
    ("phoneverification_change", "get"): WHO_MAY_SEE,
    ("phoneverification_change", "post"): NOBODY,
    ("smsusage_changelist", "get"): WHO_MAY_SEE,
    ("smsusage_changelist", "post"): WHO_MAY_SEE,
    ("smsusage_add", "get"): NOBODY,
    ("smsusage_add", "post"): NOBODY,
    ("smsusage_history", "get"): WHO_MAY_SEE,
    ("smsusage_history", "post"): WHO_MAY_SEE,
    ("smsusage_delete", "get"): NOBODY,
    ("smsusage_delete", "post"): NOBODY,
    ("smsusage_change", "get"): WHO_MAY_SEE,
    ("smsusage_change", "post"): NOBODY,
}
# Who may do what is chosen in the list above the rows. To others it does nothing, whatever its status.
ACTIONS = {
    (ReferralCode, "rotate"): {"editor", "superuser"},
    (ReferralCode, "disable"): {"editor", "superuser"},
    (ReferralCode, "enable"): {"editor", "superuser"},
    (ReferralCode, "delete_selected"): {"superuser"},
    (PhoneVerification, "clear_limits"): {"editor", "superuser"},
}
OURS = {model: each for model, each in admin.site._registry.items() if model._meta.app_label == "phone_referrals"}
# Without a name, an address of Django's before it had `change/` at its end, which leads there.
URLS = {
    url.name.removeprefix("phone_referrals_"): (model, url)
    for model, each in OURS.items()
    for url in each.urls
    if url.name
}


@pytest.fixture
def people(db):
    people = {
        who: get_user_model().objects.create(
            phone_number=f"+12015550{100 + number}",
            is_staff=who not in {"user", "other user"},
            is_superuser=who in {"inactive", "superuser"},
        )
        for number, who in enumerate(PEOPLE[1:])
    }
    for who, verbs in (("viewer", ["view"]), ("editor", ["view", "change"])):
        names = [f"{verb}_{model._meta.model_name}" for verb in verbs for model in OURS]
        people[who].user_permissions.set(Permission.objects.filter(codename__in=names))
    return people


@pytest.fixture
def client_of(people):
    """Return a browser with a session, even for who had one before becoming inactive."""

    def client_of(who):
        client = Client()
        if who in people:
            client.force_login(people[who], "django.contrib.auth.backends.ModelBackend")
            people[who].is_active = who != "inactive"
            people[who].save()
        return client

    return client_of


@pytest.fixture
def rows(people, make_user):
    """A row of each list."""
    user = people["user"]
    return {
        ReferralCode: ReferralCode.objects.create(user=user, code="A0"),
        Referral: Referral.objects.create(referred=make_user(50), referrer=user, code="A0"),
        PhoneVerification: PhoneVerification.objects.create(phone_number="+12015550160", wrong_guesses_since_success=3),
        SmsUsage: SmsUsage.objects.create(day="2026-01-02", region="US", sent=1),
    }


def test_every_url_is_in_the_table():
    assert {(name, method) for name in URLS for method in ("get", "post")} == set(TABLE)


@pytest.mark.parametrize(("name", "method"), TABLE)
def test_everybody_may_do_what_the_table_says(people, rows, client_of, undone, name, method):
    model, url = URLS[name]
    address = reverse(f"admin:{url.name}", args=[rows[model].pk] if "<" in str(url.pattern) else [])
    # A good form of each: a code to add, the answer to "are you sure?".
    body = {"user": people["other user"].pk, "post": "yes"} if method == "post" else None
    answers = {}
    for who in PEOPLE:
        with undone():
            answer = getattr(client_of(who), method)(address, body)
        led = LOGIN if answer.headers.get("Location", "").startswith(reverse("admin:login")) else DONE
        answers[who] = led if answer.status_code == 302 else answer.status_code
    assert answers == dict(zip(PEOPLE, TABLE[name, method], strict=True))


SIGN_IN = {PhoneVerification, SmsUsage}
ALONE = {"phone_referrals:get_verify_code": SIGN_IN, "phone_referrals_pages:invite": {ReferralCode, Referral}}


@pytest.fixture(params=ALONE)
def shown(request, settings):
    """A site with one half alone; the models that are of it."""
    app, name = request.param.split(":")
    if name == "invite":
        settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    ours = path("ours/", include(([path("x/", print, name=name)], app)))
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("admin/", admin.site.urls), ours]
    return ALONE[request.param]


def test_the_lists_of_a_half_that_is_off_open_for_nobody(shown, people, rows, client_of, undone):
    browser = client_of("superuser")
    index = browser.get(reverse("admin:index")).content.decode()
    for model, each in OURS.items():
        assert (f"/{model._meta.model_name}/" in index) is (model in shown)
        for url in (url for url in each.urls if url.name and model not in shown):
            args = [rows[model].pk] if "<" in str(url.pattern) else []
            for method in ("get", "post"):
                with undone():
                    answer = getattr(browser, method)(reverse(f"admin:{url.name}", args=args))
                assert answer.status_code == 403, (url.name, method)


def test_a_user_is_deleted_with_rows_of_a_half_that_is_off(shown, people, rows, client_of):
    user = people["user"]
    client_of("superuser").post(reverse("admin:phone_first_user_delete", args=[user.pk]), {"post": "yes"})
    assert not get_user_model().objects.filter(pk=user.pk).exists()


def test_every_action_is_in_the_table(people):
    request = RequestFactory().get("/")
    request.user = people["superuser"]
    assert {(model, action) for model, each in OURS.items() for action in each.get_actions(request)} == set(ACTIONS)


@pytest.mark.parametrize(
    ("model", "action"), ACTIONS, ids=lambda each: each if isinstance(each, str) else each.__name__
)
def test_an_action_is_done_for_those_who_may(people, rows, client_of, undone, model, action):
    ReferralCode.objects.update(is_disabled=action == "enable")
    before = list(model.objects.order_by("pk").values())
    body = {"action": action, "_selected_action": [rows[model].pk], "post": "yes"}
    done = set()
    for who in PEOPLE:
        with undone():
            client_of(who).post(reverse(f"admin:phone_referrals_{model._meta.model_name}_changelist"), body)
            if list(model.objects.order_by("pk").values()) != before:
                done.add(who)
    assert done == ACTIONS[model, action]
