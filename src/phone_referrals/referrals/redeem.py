"""Entering a referral code: the one way in, for the API, the pages and sign-up.

No circles, whatever runs at once. An edge is written once, by a user who has none and who therefore is the root of
the tree below it. So a circle can arise in one way only: the root above the code's owner is the redeemer. Whoever
redeems holds, until the edge is committed, an exclusive lock on itself and a shared one on that root, which keeps the
root a root. Both are taken at once and in one order for everybody, so no two redeemers ever wait for each other.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connections, models, router, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from django.utils.module_loading import import_string

from phone_referrals import signals, statements
from phone_referrals.conf import conf
from phone_referrals.exceptions import (
    AlreadyRedeemed,
    Busy,
    CircularReferral,
    InvalidReferralCode,
    OwnCode,
    ReferralCodeExhausted,
    ReferralCodeExpired,
)
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.referrals import codes, once, tree

# Each try that is lost means that somebody else's referral was written meanwhile.
TRIES = 50


class _RootHasMoved(Exception):
    """The root was redeeming a code itself: its tree hangs below another root now."""


def redeem(user: Any, code: str) -> Referral:
    """Make `user` the referred of the owner of `code`, in any spelling.

    Raises `InvalidReferralCode` (unknown and disabled alike), `OwnCode`, `AlreadyRedeemed`, `CircularReferral`,
    `ReferralCodeExpired`, `ReferralCodeExhausted`, `NotEligible` or `Busy`.
    """
    alias = router.db_for_write(Referral)
    referral_code = _find(code, using=alias)
    if referral_code.user_id == user.pk:
        raise OwnCode
    if referral_code.expires_at and referral_code.expires_at <= timezone.now():
        raise ReferralCodeExpired
    for path in conf.redeem_rules:
        import_string(path)(user=user, referral_code=referral_code)
    once.require_first(user)
    insert = INSERT_BY_VENDOR.get(connections[alias].vendor, _insert_with_row_locks)
    referral = _insert_with_retries(insert, user, referral_code, using=alias)
    # Not `on_commit(…, robust=True)`: Django 5.2 fails on its own when it logs the failure of a `partial`.
    announce = partial(signals.referral_redeemed.send_robust, Referral, referral=referral)
    transaction.on_commit(announce, using=alias)
    return referral


def _find(code: str, *, using: str) -> ReferralCode:
    folded = codes.read(code)
    if folded:
        select, parameters = _select(using)
        for found in ReferralCode.objects.using(using).raw(select, [*parameters, folded]):  # One at most.
            is_active = getattr(found, "owner_is_active", None)
            if getattr(found.user, "is_active", True) if is_active is None else is_active:
                return found
    raise InvalidReferralCode


@lru_cache
def _select(using: str) -> tuple[str, Sequence[Any]]:
    """Return the SELECT of a code that may be entered, compiled once, and its parameters but the last, the code.

    Its owner is joined for no more than whether it is active, where that is a column.
    """
    enabled = ReferralCode.objects.using(using).enabled()
    columns = {field.name for field in get_user_model()._meta.concrete_fields}
    joined = enabled.annotate(owner_is_active=models.F("user__is_active")) if "is_active" in columns else enabled
    sql, parameters = joined.filter(code="").query.get_compiler(using).as_sql()
    return sql, parameters[:-1]


def _insert_with_retries(
    insert: Callable[[Referral, ReferralCode, str], None], user: Any, referral_code: ReferralCode, *, using: str
) -> Referral:
    for _ in range(TRIES):
        referral = Referral(referred=user, referrer_id=referral_code.user_id, code=referral_code.code)
        try:
            with transaction.atomic(using=using):
                insert(referral, referral_code, using)
        except _RootHasMoved:
            continue
        except IntegrityError:
            if Referral.objects.using(using).filter(pk=user.pk).exists():
                raise AlreadyRedeemed from None
            # The code's owner was deleted a moment ago.
            raise InvalidReferralCode from None
        return referral
    raise Busy(retry_after=1)


def _insert_with_advisory_locks(referral: Referral, referral_code: ReferralCode, using: str) -> None:
    """PostgreSQL: locks on two numbers, which end with the transaction and write nothing.

    A popular code's root is locked shared, so its redeemers do not wait for each other.
    """
    root = _root_above(referral, using)
    me = _lock_key(referral.pk)
    locks = {_lock_key(root): "pg_advisory_xact_lock_shared", me: "pg_advisory_xact_lock"}
    taken = ", ".join(f"{locks[key]}({key})" for key in sorted(locks))
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT current_setting('transaction_isolation'), {taken}")
        isolation = cursor.fetchone()[0]
    if isolation != "read committed":
        # A snapshot from before the locks would not show what was committed while waiting for them.
        msg = f"redeem() needs READ COMMITTED, not {isolation.upper()}."
        raise TransactionManagementError(msg)
    if referral_code.max_uses is not None:
        # The owner before the code, in the order in which they are deleted.
        _lock_rows([referral.referrer_id], referral, using, no_key=True)
    _insert(referral, referral_code, root, using)


def _insert_with_row_locks(referral: Referral, referral_code: ReferralCode, using: str) -> None:
    """Any database with SELECT … FOR UPDATE: locks on the rows of the users, in one order for everybody.

    The owner's too: the foreign key locks it when the edge is written, which out of order would be a deadlock.
    """
    root = _root_above(referral, using)
    _lock_rows([referral.pk, root, referral.referrer_id], referral, using)
    _insert(referral, referral_code, root, using)


def _insert_first(referral: Referral, referral_code: ReferralCode, using: str) -> None:
    """SQLite: one writer at a time, so the first write is the lock. Beginning with a read would not be one."""
    referral.save(using=using, force_insert=True)
    _root_above(referral, using)
    _take_one_use(referral_code)


def _lock_rows(pks: list[Any], referral: Referral, using: str, *, no_key: bool = False) -> None:
    users = get_user_model()._base_manager.using(using).filter(pk__in=pks).order_by("pk")
    found = users.select_for_update(no_key=no_key).values_list("pk", flat=True)
    if referral.referrer_id not in list(found):
        # The code's owner was deleted a moment ago.
        raise InvalidReferralCode


def _root_above(referral: Referral, using: str) -> Any:
    owner: Any = referral.referrer_id
    root = tree.root_above(owner, using=using)
    if root is None and not get_user_model()._base_manager.using(using).filter(pk=owner).exists():
        # The code's owner was deleted a moment ago.
        raise InvalidReferralCode
    if root in {None, referral.pk}:
        raise CircularReferral
    return root


def _insert(referral: Referral, referral_code: ReferralCode, root: Any, using: str) -> None:
    """Look once more, now under the locks, and write."""
    rows = statements.by_key(Referral, ["referred", "referrer"], using=using, keys=[referral.pk, root])
    to_python = get_user_model()._meta.pk.to_python
    redeemed = {to_python(referred): referrer for referred, referrer in rows}
    if referral.pk in redeemed:
        raise AlreadyRedeemed
    # A root whose row has no referrer lost it to a deletion, and can redeem no more.
    if redeemed.get(root) is not None:
        raise _RootHasMoved
    _take_one_use(referral_code)
    referral.save(using=using, force_insert=True)


def _take_one_use(referral_code: ReferralCode) -> None:
    if referral_code.max_uses is not None and not referral_code.take_one_use():
        raise ReferralCodeExhausted


def _lock_key(pk: Any) -> int:
    """Return the 64-bit number that stands for a user in PostgreSQL's advisory locks."""
    digest = blake2b(f"phone_referrals.user:{pk}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


INSERT_BY_VENDOR: dict[str, Callable[[Referral, ReferralCode, str], None]] = {
    "postgresql": _insert_with_advisory_locks,
    "sqlite": _insert_first,
}
