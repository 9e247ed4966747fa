"""One process of those that enter one code at once, without HTTP: by `redeem()`, or by the bare insert.

python influencer.py redeem|insert FIRST COUNT      (users of these keys; it begins when it reads a line)
"""

import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from seed import code_of  # noqa: E402

from phone_referrals.models import Referral  # noqa: E402
from phone_referrals.referrals.redeem import redeem  # noqa: E402

STAR = 1


def main(how: str, first: int, count: int) -> None:
    users = list(get_user_model().objects.filter(pk__in=range(first, first + count)))
    print("ready", flush=True)
    sys.stdin.readline()
    for user in users:
        if how == "redeem":
            redeem(user, code_of(STAR))
        else:
            Referral.objects.create(referred=user, referrer_id=STAR, code=code_of(STAR))
    print("done", flush=True)
    connection.close()


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
