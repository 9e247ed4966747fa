"""Signals of the package. All are sent after the change is committed, and never carry a code.

A receiver that raises is logged and changes nothing for the visitor. Django's `pre_save` and `post_save` are not sent
for rows of `Referral` and `PhoneVerification`, which are written by statements of their own.

| signal | sender | keywords |
|---|---|---|
| `code_sent` | `PhoneVerification` | `phone_number`, `purpose` |
| `sms_limit_reached` | `SmsUsage` | `region` (empty: all), `limit`, `setting` to raise; once for each day and region |
| `sms_paused` | `SmsUsage` | `region`; once for each day and region |
| `phone_verified` | `PhoneVerification` | `phone_number`, `purpose` |
| `user_signed_up` | the user model | `user`, `request` |
| `phone_changed` | the user model | `user`, `old_phone_number`, `new_phone_number` |
| `referral_redeemed` | `Referral` | `referral` |
"""

from django.dispatch import Signal

code_sent = Signal()
sms_limit_reached = Signal()
sms_paused = Signal()
phone_verified = Signal()
user_signed_up = Signal()
phone_changed = Signal()
referral_redeemed = Signal()
