"""Thin views with the ORM: the statements that the answers need, and nothing beside them."""

import json
import re
import secrets
from datetime import timedelta

from django.db import connection, transaction
from django.http import JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from contenders.floor.models import Code, Referral, ReferralCode, Token, User

PAGE = 20
MAX_COUNT = 1000
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def get_verify_code(request):
    phone_number = read_phone(json.loads(request.body))
    now = timezone.now()
    row = Code.objects.filter(phone_number=phone_number).first() or Code(phone_number=phone_number)
    if row.sent_at and row.sent_at > now - timedelta(seconds=30):
        return JsonResponse({"detail": "Wait."}, status=429)
    code = row.code = f"{secrets.randbelow(10**6):06}"
    row.sent_at = now
    row.save(force_insert=row._state.adding, force_update=not row._state.adding)
    return JsonResponse({"phone_number": phone_number, "expires_in": 600, "resend_in": 30, "code": code})


def auth(request):
    data = json.loads(request.body)
    phone_number = read_phone(data)
    now = timezone.now()
    row = Code.objects.filter(phone_number=phone_number).first()
    if row is None or row.sent_at <= now - timedelta(minutes=10) or not constant_time_compare(row.code, data["code"]):
        return JsonResponse({"detail": "Wrong code."}, status=400)
    row.delete()
    user = User.objects.filter(phone_number=phone_number).select_related("token").first()
    created = user is None
    if created:
        with transaction.atomic():
            user = User.objects.create(phone_number=phone_number, last_login=now)
            token = Token.objects.create(user=user, key=secrets.token_hex(20))
            ReferralCode.objects.create(user=user, code="".join(secrets.choice(ALPHABET) for _ in range(6)))
    else:
        token = user.token
        User.objects.filter(pk=user.pk).update(last_login=now)
    return JsonResponse(
        {
            "token": token.key,
            "token_type": "Token",
            "created": created,
            "user": {"id": user.pk, "phone_number": phone_number},
            "referral": None,
        },
        status=201 if created else 200,
    )


def users(request):
    reader = reader_of(request)
    rows = User.objects.order_by("-pk")
    if "cursor" in request.GET:
        rows = rows.filter(pk__lt=request.GET["cursor"])
    rows = list(rows[: PAGE + 1])
    return JsonResponse(
        {
            "next": following(request, rows[PAGE - 1].pk) if len(rows) > PAGE else None,
            "results": [{"id": user.pk, "phone_number": shown(user, reader)} for user in rows[:PAGE]],
        }
    )


def me(request):
    reader = reader_of(request)
    return JsonResponse(profile(request, reader, reader.pk))


def user(request, pk):
    return JsonResponse(profile(request, reader_of(request), pk))


def redeem(request):
    reader = reader_of(request)
    code = ReferralCode.objects.get(code=json.loads(request.body)["referral_code"].upper())
    if root_above(code.user_id) == reader.pk:
        return JsonResponse({"detail": "A circle."}, status=409)
    Referral.objects.create(referred=reader, referrer_id=code.user_id)
    return JsonResponse(profile(request, reader, reader.pk), status=201)


def root_above(pk):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE above(pk) AS (
                SELECT %s::bigint UNION SELECT referrer_id FROM floor_referral JOIN above ON referred_id = above.pk
            )
            SELECT pk FROM above WHERE NOT EXISTS (SELECT 1 FROM floor_referral WHERE referred_id = above.pk)
            """,
            [pk],
        )
        return cursor.fetchone()[0]


def reader_of(request):
    key = request.headers["Authorization"].removeprefix("Token ")
    return Token.objects.select_related("user").get(key=key).user


def read_phone(data):
    if not re.fullmatch(r"\+[1-9]\d{6,14}", data["phone_number"]):
        raise ValueError
    return data["phone_number"]


def profile(request, reader, pk):
    user = User.objects.select_related("referralcode", "referral__referrer").get(pk=pk)
    invitees = Referral.objects.filter(referrer=user).order_by("-created_at", "-referred")
    rows = list(invitees.select_related("referred")[: PAGE + 1])
    count = invitees[: MAX_COUNT + 1].count() if len(rows) > PAGE else len(rows)
    own = user.pk == reader.pk
    referral = getattr(user, "referral", None)
    return {
        "id": user.pk,
        "phone_number": shown(user, reader),
        "referral_code": user.referralcode.code if own else None,
        "referral_link": request.build_absolute_uri(f"/?ref={user.referralcode.code}") if own else None,
        "referred_by": referral and {"id": referral.referrer_id, "phone_number": shown(referral.referrer, reader)},
        "invitees": {
            "count": min(count, MAX_COUNT),
            "capped": count > MAX_COUNT,
            "results": [
                {
                    "id": row.referred_id,
                    "phone_number": shown(row.referred, reader),
                    "created_at": row.created_at,
                }
                for row in rows[:PAGE]
            ],
            "next": following(request, rows[PAGE - 1].referred_id) if len(rows) > PAGE else None,
        },
    }


def shown(user, reader):
    return user.phone_number if user.pk == reader.pk else f"{user.phone_number[:2]} *** *** **{user.phone_number[-2:]}"


def following(request, cursor):
    return request.build_absolute_uri(f"{request.path}?cursor={cursor}")
