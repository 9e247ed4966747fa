"""Writing a referral, the edge between two users, without making a circle under any concurrency.

An edge is written once, by a user who has none and who therefore is the root of the tree below it. So a circle can
arise in one way only: the root above the code's owner is the redeemer. Until the edge is committed, the redeemer holds
an exclusive lock on itself and a shared one on that root, which keeps the root a root. Both are taken at once and in
one order for everybody, so no two redeemers ever wait for each other.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.transaction import TransactionManagementError

from phone_referrals import statements
from phone_referrals.exceptions import (
    AccountDisabled,
    AlreadyRedeemed,
    Busy,
    CircularReferral,
    InvalidReferralCode,
    ReferralCodeExhausted,
)
from phone_referrals.referrals import tree
from phone_referrals.referrals.models import Referral, ReferralCode

# Each try that is lost means that somebody else's referral was written meanwhile.
TRIES = 50
# PostgreSQL waits no longer for a lock, such as that of an owner who is being deleted: all workers could come to wait.
MAX_WAIT = "1000ms"
# PostgreSQL writes a row only if the code's owner is there, and the root above still is one. A snapshot from before the
# locks would not show what was committed while waiting for them. A root whose row has no referrer lost it to a
# deletion, and can redeem no more.
MAY_BE_WRITTEN = """
    EXISTS (SELECT 1 FROM {users} WHERE {user_pk} = %s)
    AND current_setting('transaction_isolation') = 'read committed'
    AND (SELECT {referrer} FROM {referrals} WHERE {referred} = %s) IS NULL
"""


class _RootHasMoved(Exception):
    """The root was redeeming a code itself: its tree hangs below another root now."""


def write(user: AbstractBaseUser, referral_code: Any, *, using: str) -> Referral:
    """Make `user` the referred of the owner of a code that `ReferralCode.objects.enterable` has returned.

    Raises `AlreadyRedeemed`, `CircularReferral`, `ReferralCodeExhausted`, `InvalidReferralCode` or `Busy`.
    """
    # An owner without a referrer is the root. `None`: the root above has to be looked for.
    root = referral_code.user_id if referral_code.owners_referrer is None else None
    insert = INSERT_BY_VENDOR.get(connections[using].vendor, _insert_with_row_locks)
    for _ in range(TRIES):
        referral = Referral(referrer_id=referral_code.user_id, code=referral_code.code, referred=user)  # type: ignore[misc]
        try:
            insert(referral, referral_code, root, using)
        except _RootHasMoved:
            root = None
            continue
        except IntegrityError:  # A foreign key.
            raise _missing(referral, using) from None
        except OperationalError as error:
            if statements.waited_for_locks(error) and connections[using].get_autocommit():
                raise Busy(retry_after=1) from None
            raise
        return referral
    raise Busy(retry_after=1)


def _insert_with_advisory_locks(referral: Referral, referral_code: ReferralCode, root: Any, using: str) -> None:
    """PostgreSQL: locks on two numbers, which end with the transaction and write nothing.

    A popular code's root is locked shared, so its redeemers do not wait for each other.
    """
    connection = connections[using]
    root = _root_above(referral, using) if root is None else root
    me = _lock_key(referral.pk)
    kinds = {_lock_key(root): "pg_advisory_xact_lock_shared", me: "pg_advisory_xact_lock"}
    locks = [f"{kinds[key]}({key})" for key in sorted(kinds)]
    if connection.get_autocommit():
        # Until our transaction ends. A transaction of the host's would keep it.
        locks.insert(0, f"set_config('lock_timeout', '{MAX_WAIT}', true)")
    lock = f"SELECT {', '.join(locks)}"
    key_of: Any = get_user_model()._meta.pk.get_db_prep_value
    condition = tree.with_names(MAY_BE_WRITTEN, using)
    parameters = [key_of(key, connection) for key in (referral.referrer_id, root)]
    is_limited = referral_code.max_uses is not None
    if not is_limited and connection.get_autocommit() and _takes_two_statements(connection):
        # Sent together they are a transaction, in which the second sees what was committed while the first waited.
        if not statements.insert(referral, using=using, condition=condition, parameters=parameters, after=lock):
            raise _reason(referral, using)
        return
    with transaction.atomic(using=using):
        with connection.cursor() as cursor:
            cursor.execute(lock)
        if is_limited:
            # The owner before the code: the order of `accounts.lock`, with which the deletion of a user begins.
            _lock_rows([referral.referrer_id], referral, using, no_key=True)
        if not statements.insert(referral, using=using, condition=condition, parameters=parameters):
            raise _reason(referral, using)
        _take_one_use(referral_code)


def _takes_two_statements(connection: Any) -> bool:
    """Return whether the driver sends two statements at once: psycopg 3 does, if it binds parameters by itself."""
    return connection.Database.__name__ == "psycopg" and not connection.features.uses_server_side_binding


def _reason(referral: Referral, using: str) -> Exception:
    """Return why nothing was written."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_isolation')")
        isolation = cursor.fetchone()[0]
    if isolation != "read committed":
        return TransactionManagementError(f"redeem() needs READ COMMITTED, not {isolation.upper()}.")
    has_redeemed = Referral.objects.using(using).filter(pk=referral.pk).exists()
    return AlreadyRedeemed() if has_redeemed else _RootHasMoved()


def _insert_with_row_locks(referral: Referral, referral_code: ReferralCode, root: Any, using: str) -> None:
    """Any database with SELECT … FOR UPDATE: locks on the rows of the users, in one order for everybody.

    The owner's too: the foreign key locks it when the edge is written, which out of order would be a deadlock.
    """
    # Before the transaction: to one that repeats its reads, the first of them would hide what is committed later.
    root = _root_above(referral, using) if root is None else root
    with transaction.atomic(using=using):
        _lock_rows([referral.pk, root, referral.referrer_id], referral, using)
        # Once more, now under the locks.
        rows = Referral.objects.using(using).filter(pk__in=[referral.pk, root])
        redeemed = dict(rows.values_list("referred", "referrer"))
        if referral.pk in redeemed:
            raise AlreadyRedeemed
        # A root whose row has no referrer lost it to a deletion, and can redeem no more.
        if redeemed.get(root) is not None:
            raise _RootHasMoved
        _take_one_use(referral_code)
        _insert(referral, using)


def _insert_first(referral: Referral, referral_code: ReferralCode, root: Any, using: str) -> None:
    """SQLite: one writer at a time, so the first write is the lock. Beginning with a read would not be one."""
    with transaction.atomic(using=using):
        _insert(referral, using)
        _root_above(referral, using)
        _take_one_use(referral_code)


INSERT_BY_VENDOR: dict[str, Callable[[Referral, ReferralCode, Any, str], None]] = {
    "postgresql": _insert_with_advisory_locks,
    "sqlite": _insert_first,
}


def _lock_rows(pks: list[Any], referral: Referral, using: str, *, no_key: bool = False) -> None:
    users = get_user_model()._base_manager.using(using).filter(pk__in=pks).order_by("pk")
    gone = {*pks}.difference(users.select_for_update(no_key=no_key).values_list("pk", flat=True))
    # The code's owner or the redeemer was deleted a moment ago. Not every database reports that for an ignored INSERT.
    if referral.referrer_id in gone:
        raise InvalidReferralCode
    if referral.pk in gone:
        raise AccountDisabled


def _insert(referral: Referral, using: str) -> None:
    if not statements.insert(referral, using=using):
        raise AlreadyRedeemed


def _missing(referral: Referral, using: str) -> Exception:
    """Return the refusal for a broken foreign key: one of the two users was deleted a moment ago."""
    users = get_user_model()._base_manager.using(using)
    return InvalidReferralCode() if users.filter(pk=referral.pk).exists() else AccountDisabled()


def _root_above(referral: Referral, using: str) -> Any:
    owner: Any = referral.referrer_id
    root = tree.root_above(owner, using=using)
    if root is None and not get_user_model()._base_manager.using(using).filter(pk=owner).exists():
        # The code's owner was deleted a moment ago.
        raise InvalidReferralCode
    if root in {None, referral.pk}:
        raise CircularReferral
    return root


def _take_one_use(referral_code: ReferralCode) -> None:
    if referral_code.max_uses is not None and not referral_code.take_one_use():
        raise ReferralCodeExhausted


def _lock_key(pk: Any) -> int:
    """Return the 64-bit number that stands for a user in PostgreSQL's advisory locks."""
    digest = blake2b(f"phone_referrals.user:{pk}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
