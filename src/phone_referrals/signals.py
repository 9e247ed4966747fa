"""Signals of the package. All but `phone_left` are sent after the change is committed, and never carry a code.

An exception of a receiver is logged and changes nothing for the visitor. Django sends no `pre_save` and `post_save`
for rows of `Referral`, `ReferralCode` and `PhoneVerification`, because the package writes their statements itself.

`phone_left` is sent inside the transaction, before a user's phone is changed or removed; an exception of a receiver
rolls it back. A deletion sends it, too, and once more with `is_deleted` for a row that the site keeps. A receiver of
the package remembers that the phone has redeemed. A site whose own code changes phones sends this signal, too.

| signal | sender | keywords |
|---|---|---|
| `code_sent` | `PhoneVerification` | `phone_number`, `purpose` |
| `sms_limit_reached` | `SmsUsage` | `region` (empty: all), `limit`, `setting` to raise; once for each day and region |
| `sms_paused` | `SmsUsage` | `region`; once for each day and region |
| `phone_verified` | `PhoneVerification` | `phone_number`, `purpose` |
| `user_signed_up` | the user model | `user`, `request` |
| `phone_changed` | the user model | `user`, `old_phone_number`, `new_phone_number` |
| `phone_left` | the user model | `user`, `phone_number`, `is_deleted` where the site keeps the row of a deleted user |
| `referral_redeemed` | `Referral` | `referral` |
"""

from django.dispatch import Signal

code_sent = Signal()
sms_limit_reached = Signal()
sms_paused = Signal()
phone_verified = Signal()
user_signed_up = Signal()
phone_changed = Signal()
phone_left = Signal()
referral_redeemed = Signal()
