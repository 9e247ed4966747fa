from typing import Any

from allauth.account.signals import user_signed_up
from django.db import transaction  # +
from django.dispatch import receiver

from phone_referrals.referrals import invites  # +


@receiver(user_signed_up)  # +
def accept_invitation(request: Any, user: Any, **kwargs: Any) -> None:  # +
    transaction.on_commit(lambda: invites.accept(request, user))  # +
