"""`dumpdata --natural-foreign --natural-primary` and `loaddata`: nobody's rows become somebody else's."""

import pytest
from django.contrib.auth import get_user_model
from django.core import serializers
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection
from django.utils import timezone

from phone_referrals.accounts import get_accounts
from phone_referrals.models import PhoneVerification, Referral, ReferralCode, SmsUsage, UserSession
from phone_referrals.referrals.codes import code_of
from tests.people import add_users

pytestmark = pytest.mark.django_db

User = get_user_model()
MODELS = [UserSession, Referral, ReferralCode, PhoneVerification, SmsUsage, User]


def name(user):
    """Return who somebody is, on any site: each has a random unusable password."""
    return user and user.password


def rows():
    """Return what belongs to whom, without a primary key."""
    return {
        "phones": {(name(user), str(user.phone_number)) for user in User.objects.all()},
        "referrals": {(name(each.referred), name(each.referrer), each.code) for each in Referral.objects.all()},
        "codes": {(name(each.user), each.code) for each in ReferralCode.objects.all()},
        "sessions": {(name(each.user), each.key) for each in UserSession.objects.all()},
        "verifications": set(PhoneVerification.objects.values_list("phone_number", "purpose", "version")),
        "usage": set(SmsUsage.objects.values_list("day", "region", "sent")),
    }


@pytest.fixture
def site(tmp_path, make_user, refer):
    """A site that is written to a file, and what was in it. Two of its four users have no phone."""
    line = [make_user(number) for number in range(4)]
    for number in (1, 3):
        get_accounts().set_phone(line[number], None)
    for above, below in ((0, 1), (1, 2), (2, 3)):
        refer(line[above], line[below])
    for user in line:
        code_of(user)
        UserSession.objects.create(user=user, kind="knox", key=f"key {user.pk}")
    PhoneVerification.objects.create(phone_number="+12015550100", purpose="sign_in", version=7)
    SmsUsage.objects.create(day=timezone.now().date(), region="US", sent=3)
    file = str(tmp_path / "site.json")
    options = {"use_natural_foreign_keys": True, "use_natural_primary_keys": True}
    call_command("dumpdata", "phone_first.user", "phone_referrals", output=file, verbosity=0, **options)
    return file, rows()


def empty():
    for model in MODELS:
        model.objects.all().delete()


def test_an_empty_site_is_given_everything_as_it_was(site):
    file, before = site
    empty()
    add_users(3)  # Whoever comes next has other keys.
    User.objects.all().delete()
    call_command("loaddata", file, verbosity=0)
    assert rows() == before


def test_it_may_be_loaded_twice(site):
    file, before = site
    empty()
    call_command("loaddata", file, verbosity=0)
    call_command("loaddata", file, verbosity=0)
    assert rows() == before


def test_people_of_another_site_keep_what_is_theirs(site, make_user, refer):
    file, before = site
    pks = list(User.objects.order_by("pk").values_list("pk", flat=True))
    ids = {model: list(model.objects.values_list("pk", flat=True)) for model in MODELS}
    empty()
    # They have the keys that the others had on the site they come from.
    theirs = [User(pk=pk, phone_number=f"+1201555019{number}") for number, pk in enumerate(pks)]
    for user in theirs:
        user.set_unusable_password()
        user.save()
    get_accounts().set_phone(theirs[3], None)
    refer(*reversed(theirs[:2]))
    for pk, user in zip(ids[ReferralCode], theirs, strict=True):
        ReferralCode.objects.create(pk=pk, user=user, code=f"THEIRS{pk}")
    for pk, user in zip(ids[UserSession], theirs, strict=True):
        UserSession.objects.create(pk=pk, user=user, kind="knox", key=f"theirs {pk}")
    PhoneVerification.objects.create(pk=ids[PhoneVerification][0], phone_number="+12015550190", purpose="sign_in")
    SmsUsage.objects.create(pk=ids[SmsUsage][0], day=timezone.now().date(), region="CA")
    others = rows()
    for model in (User, ReferralCode, UserSession, PhoneVerification, SmsUsage):
        reset_sequence(model)

    call_command("loaddata", file, verbosity=0)

    assert rows() == {what: before[what] | others[what] for what in before}


def reset_sequence(model):

    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(sql)


def test_a_natural_key_without_a_phone_opens_nothing(make_user):
    user = make_user(1)
    user.phone_number = None
    assert user.password in user.natural_key()
    user.set_password("a password")
    assert user.password not in user.natural_key()
    user.save()
    assert User.objects.get_by_natural_key(*user.natural_key()) == user


def test_a_fixture_has_the_number_that_is_stored(settings, make_user):
    settings.PHONENUMBER_DEFAULT_FORMAT = "NATIONAL"
    user = make_user(1)
    for kind in ("json", "xml", "python"):
        assert "+12015550101" in str(serializers.serialize(kind, [user]))
    user.phone_number = "+1 999"
    assert "+1 999" in serializers.serialize("json", [user])
    user.phone_number = None
    assert "None" in serializers.serialize("xml", [user])
