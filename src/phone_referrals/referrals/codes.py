"""Referral codes: their alphabet, how they are made, and how typed ones are read.

The format belongs to the generator. Typed text is folded and looked up, never checked against a pattern, so old codes
go on working when a host changes the generator.
"""

import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, router, transaction
from django.utils.module_loading import import_string

from phone_referrals import statements
from phone_referrals.accounts import lock
from phone_referrals.conf import conf
from phone_referrals.exceptions import (
    AccountDisabled,
    InvalidReferralCode,
    ReferralCodeReserved,
    ReferralCodeTaken,
)
from phone_referrals.reading import bare
from phone_referrals.referrals.links import code_in
from phone_referrals.referrals.models import ReferralCode

# Crockford's Base32: no I, L, O (read as 1, 1, 0) and no U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 6
MAX_LENGTH = 32
# Refused as chosen codes: they would pass for the site's own.
RESERVED = ("admin", "help", "info", "official", "root", "security", "staff", "support", "system", "team")
MAX_TYPED = 500  # A link may be pasted.
TRIES = 30
FOLD = str.maketrans({"O": "0", "I": "1", "L": "1"})


def generate(length: int) -> str:
    """Return a random code of `length` characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def fold(text: str) -> str:
    """Return the one spelling under which a code is stored.

    It has no case, spaces, dashes, invisible characters or punctuation around it; O is 0, I and L are 1.
    """
    folded = bare(unicodedata.normalize("NFKC", bare(text)).upper().translate(FOLD))
    # Again: the capital of some Greek letters is a letter and its accents, and `bare` may have joined characters.
    return unicodedata.normalize("NFKC", folded)


def read(text: str) -> str:
    """Return the spelling under which a typed code would be stored; empty where it cannot be a code.

    A pasted invite link is its code. NUL and halves of surrogate pairs are no text that a database takes; nothing
    unprintable is a code.
    """
    if len(text) > MAX_TYPED:  # To look for a link takes the square of its length.
        return ""
    folded = fold(code_in(text))
    return folded if len(folded) <= MAX_LENGTH and folded.isprintable() else ""


def new_code(user: AbstractBaseUser, *, collisions: int = 0) -> ReferralCode:
    """Return an unsaved active code of `user`; it is one character longer for every three collisions before it."""
    generator: Callable[[int], str] = import_string(conf.code_generator)
    text = fold(generator(LENGTH + collisions // 3))
    # By keys: a router may forbid relations to a user who was read from a replica.
    return ReferralCode(user_id=user.pk, active_for_id=user.pk, code=text)


def code_of(user: AbstractBaseUser) -> ReferralCode:
    """Return the active code of `user`, made now if there is none.

    Raises `AccountDisabled` for a user who was deleted meanwhile, and `ImproperlyConfigured`.
    """
    existing = _active(user)
    codes = _new_codes(user)
    while existing is None:
        code = next(codes)
        if _insert(code):
            return code
        existing = _active(user)  # Another request may have made it meanwhile.
    return existing


def rotate(user: AbstractBaseUser) -> ReferralCode:
    """Give `user` a new active code; the old ones go on working until they are disabled.

    Raises what `code_of` raises.
    """
    codes = _new_codes(user)
    while True:
        code = next(codes)
        with suppress(ReferralCodeTaken):
            activate(code)
            return code


def _new_codes(user: AbstractBaseUser) -> Iterator[ReferralCode]:
    for collisions in range(TRIES):
        yield new_code(user, collisions=collisions)
    raise ImproperlyConfigured(f"{conf.code_generator} made {TRIES} referral codes that were all taken.")


def activate(code: ReferralCode) -> None:
    """Save a new code, with a text of its own, as the active one of its user.

    Raises `ReferralCodeTaken`, or `AccountDisabled` where the user was deleted meanwhile.
    """
    alias = router.db_for_write(ReferralCode)
    with transaction.atomic(using=alias):
        lock(get_user_model()(pk=code.user_id), using=alias)
        ReferralCode.objects.using(alias).filter(active_for=code.user_id).update(active_for=None)
        code.active_for_id = code.user_id
        if not _insert(code):
            raise ReferralCodeTaken


@contextmanager
def withdrawn(user: AbstractBaseUser) -> Iterator[None]:
    """Disable the codes of a user who is being deleted, and enable them again if that fails.

    Committed before the deletion begins. That takes long for a user with hundreds of thousands of invitees, and people
    who enter such a code meanwhile are told at once that there is none.
    """
    rows = ReferralCode.objects.using(router.db_for_write(ReferralCode))
    mine = rows.filter(pk__in=list(rows.enabled().filter(user=user).values_list("pk", flat=True)))
    mine.update(is_disabled=True)
    try:
        yield
    except BaseException:
        mine.update(is_disabled=False)
        raise


def _active(user: AbstractBaseUser) -> ReferralCode | None:
    return ReferralCode.objects.using(router.db_for_write(ReferralCode)).filter(active_for=user).first()


def _insert(code: ReferralCode) -> bool:
    """Write a new code; return whether its text was free, and its user had no other active code."""
    alias = router.db_for_write(ReferralCode)
    with suppress(IntegrityError):  # The foreign key. MySQL takes that for a conflict, too.
        if statements.insert(code, using=alias):
            return True
    if not get_user_model()._base_manager.using(alias).filter(pk=code.user_id).exists():
        raise AccountDisabled
    return False


def chosen(text: str) -> str:
    """Return the spelling under which a code that a person has chosen is stored.

    Raises `InvalidReferralCode` or `ReferralCodeReserved`.
    """
    folded = read(text)
    if not folded:
        raise InvalidReferralCode
    if folded in {fold(word) for word in RESERVED}:
        raise ReferralCodeReserved
    return folded
