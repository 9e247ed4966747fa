"""The steps as everybody writes them first: read, check, write. The races are known to bite, because these lose them.

Each takes the place of one function of the package. The pause stands for a slow moment between reading and writing,
which a busy server has and a test machine seldom does.
"""

import time
from dataclasses import asdict

from django.db import DEFAULT_DB_ALIAS, connection, transaction

from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import AccountDisabled, AlreadyRedeemed, CircularReferral, OwnCode, PhoneTaken
from phone_referrals.models import PhoneVerification, Referral, ReferralCode
from phone_referrals.referrals import codes, tree
from phone_referrals.signin.change_phone import PhoneChanged
from phone_referrals.signin.policy import Limits
from phone_referrals.signin.sign_in import SignedIn
from phone_referrals.signin.verification import REFUSALS


def pause():
    time.sleep(0.02)


def decide(phone_number, purpose, policy):
    """As `signin.verification._decide`, without comparing when it sets."""
    row = PhoneVerification.objects.filter(phone_number=phone_number, purpose=purpose).first()
    row = row or PhoneVerification(phone_number=phone_number, purpose=purpose)
    limits = Limits(lifetime=600, messages_per_day=10, resend_wait=(30, 3600))
    decision = policy(row.state, now=time.time(), limits=limits)
    if decision.outcome in REFUSALS:
        raise REFUSALS[decision.outcome](retry_after=decision.wait)
    pause()
    values = asdict(decision.state)
    PhoneVerification.objects.bulk_create(
        [PhoneVerification(phone_number=phone_number, purpose=purpose, **values)],
        update_conflicts=True,
        # MySQL takes the conflict with any key.
        unique_fields=["phone_number", "purpose"] if connection.vendor != "mysql" else None,
        update_fields=values,
    )
    return decision, row


def enter(proof, issuer):
    """As `signin.sign_in._enter`, taking nobody's having been there for nobody's being there."""
    accounts = get_accounts()
    user = accounts.find(proof.phone_number)
    if user is not None:
        return SignedIn(user=user, created=False, token=issuer.issue(user, created=False))
    pause()
    with transaction.atomic():
        user = accounts.create(proof.phone_number)
        return SignedIn(user=user, created=True, token=issuer.issue(user, created=True))


def code_of(user):
    """As `referrals.codes.code_of`, without a second look."""
    existing = ReferralCode.objects.filter(active_for=user).first()
    if existing:
        return existing
    pause()
    code = codes.new_code(user)
    code.save()
    return code


def redeem(user, code):
    """As `referrals.redeem.redeem`, with the rules and the primary key, but with no lock."""
    referral_code = ReferralCode.objects.get(code=code)
    owner = referral_code.user_id
    if owner == user.pk:
        raise OwnCode
    if Referral.objects.filter(pk=user.pk).exists():
        raise AlreadyRedeemed
    if tree.root_above(owner, using=DEFAULT_DB_ALIAS) == user.pk:
        raise CircularReferral
    pause()
    return Referral.objects.create(referred=user, referrer_id=owner, code=code)


def take_one_use(referral_code):
    """As `ReferralCode.take_one_use`, counting in Python what was read before."""
    if referral_code.uses >= referral_code.max_uses:
        return False
    pause()
    referral_code.uses += 1
    referral_code.save(update_fields=["uses"])
    return True


def change(user, phone_number, issuer):
    """As `signin.change_phone._change`, taking nobody's having had the phone for nobody's having it."""
    accounts = get_accounts()
    if accounts.find(phone_number):
        raise PhoneTaken
    pause()
    old = accounts.phone_of(user)
    accounts.set_phone(user, phone_number)
    return PhoneChanged(user=user, token={}), old


def lock(user):
    """As `accounts.lock`, taking the user's having been there for its being there."""
    found = type(user).objects.filter(pk=user.pk).first()
    if found is None:
        raise AccountDisabled
    pause()
    return found


def delete(self, user):
    """As `Model.delete` does it, with the slow moment after it has looked who points at the row, and with no lock."""
    Referral.objects.filter(referrer=user).update(referrer=None)
    ReferralCode.objects.filter(user=user).delete()
    pause()
    type(user).objects.filter(pk=user.pk)._raw_delete(DEFAULT_DB_ALIAS)


def delete_in_two_updates(self, user):
    """As `PhoneAccounts.delete`, with an UPDATE of its own for the codes; Django's follows."""
    Referral.objects.filter(referrer=user).update(code="")
    pause()
    user.delete()
