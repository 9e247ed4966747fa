"""The same calls with neither Django nor an ORM: a WSGI function and psycopg, on the floor's tables."""

import json
import os
import re
import secrets
from hmac import compare_digest
from urllib.parse import parse_qs

import psycopg

PAGE = 20
MAX_COUNT = 1000
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
database = None


def connect():
    global database  # noqa: PLW0603 - one for each worker, which answers one request at a time
    if database is None:
        host, user, name = (os.environ[f"BENCH_{part}"] for part in ("HOST", "USER", "DATABASE"))
        database = psycopg.connect(host=host, user=user, dbname=name, autocommit=True)
    return database


def application(environ, start_response):
    path = environ["PATH_INFO"]
    profile_of = re.fullmatch(r"/api/users/(\d+)/", path)
    if profile_of:
        status, answer = 200, profile(environ, reader_of(environ), int(profile_of[1]))
    else:
        status, answer = CALLS[path](environ)
    content = json.dumps(answer, default=str).encode()
    start_response(f"{status} -", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


def body_of(environ):
    return json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))


def read_phone(data):
    if not re.fullmatch(r"\+[1-9]\d{6,14}", data["phone_number"]):
        raise ValueError
    return data["phone_number"]


def get_verify_code(environ):
    phone_number = read_phone(body_of(environ))
    code = f"{secrets.randbelow(10**6):06}"
    sent = connect().execute(
        """
        INSERT INTO floor_code (phone_number, code, sent_at) VALUES (%s, %s, now()) ON CONFLICT (phone_number)
        DO UPDATE SET code = EXCLUDED.code, sent_at = now() WHERE floor_code.sent_at < now() - interval '30 seconds'
        """,
        [phone_number, code],
    )
    if not sent.rowcount:
        return 429, {"detail": "Wait."}
    return 200, {"phone_number": phone_number, "expires_in": 600, "resend_in": 30, "code": code}


def auth(environ):
    data = body_of(environ)
    phone_number = read_phone(data)
    connection = connect()
    row = connection.execute(
        "SELECT code FROM floor_code WHERE phone_number = %s AND sent_at > now() - interval '10 minutes'",
        [phone_number],
    ).fetchone()
    if row is None or not compare_digest(row[0], data["code"]):
        return 400, {"detail": "Wrong code."}
    connection.execute("DELETE FROM floor_code WHERE phone_number = %s", [phone_number])
    known = connection.execute(
        """
        UPDATE floor_user SET last_login = now() FROM floor_token
        WHERE phone_number = %s AND floor_token.user_id = floor_user.id RETURNING floor_user.id, key
        """,
        [phone_number],
    ).fetchone()
    if known is None:
        key = secrets.token_hex(20)
        code = "".join(secrets.choice(ALPHABET) for _ in range(6))
        with connection.transaction():
            (pk,) = connection.execute(
                """
                INSERT INTO floor_user (phone_number, is_active, last_login, date_joined)
                VALUES (%s, true, now(), now()) RETURNING id
                """,
                [phone_number],
            ).fetchone()
            connection.execute("INSERT INTO floor_token (key, user_id, created) VALUES (%s, %s, now())", [key, pk])
            connection.execute("INSERT INTO floor_referralcode (code, user_id) VALUES (%s, %s)", [code, pk])
    else:
        pk, key = known
    created = known is None
    user = {"id": pk, "phone_number": phone_number}
    answer = {"token": key, "token_type": "Token", "created": created, "user": user, "referral": None}
    return (201 if created else 200), answer


def users(environ):
    reader = reader_of(environ)
    cursor = int(parse_qs(environ["QUERY_STRING"]).get("cursor", [2**62])[0])
    rows = (
        connect()
        .execute("SELECT id, phone_number FROM floor_user WHERE id < %s ORDER BY id DESC LIMIT 21", [cursor])
        .fetchall()
    )
    results = [{"id": pk, "phone_number": shown(pk, phone, reader)} for pk, phone in rows[:PAGE]]
    return 200, {"next": following(environ, rows[PAGE - 1][0]) if len(rows) > PAGE else None, "results": results}


def me(environ):
    reader = reader_of(environ)
    return 200, profile(environ, reader, reader)


def redeem(environ):
    reader = reader_of(environ)
    code = body_of(environ)["referral_code"].upper()
    connection = connect()
    root, owner = connection.execute(
        """
        WITH RECURSIVE above(pk) AS (
            SELECT user_id FROM floor_referralcode WHERE code = %(code)s
            UNION SELECT referrer_id FROM floor_referral JOIN above ON referred_id = above.pk
        )
        SELECT pk, (SELECT user_id FROM floor_referralcode WHERE code = %(code)s)
        FROM above WHERE NOT EXISTS (SELECT 1 FROM floor_referral WHERE referred_id = above.pk)
        """,
        {"code": code},
    ).fetchone()
    if root == reader:
        return 409, {"detail": "A circle."}
    connection.execute(
        "INSERT INTO floor_referral (referred_id, referrer_id, created_at) VALUES (%s, %s, now())", [reader, owner]
    )
    return 201, profile(environ, reader, reader)


def reader_of(environ):
    key = environ["HTTP_AUTHORIZATION"].removeprefix("Token ")
    return connect().execute("SELECT user_id FROM floor_token WHERE key = %s", [key]).fetchone()[0]


def profile(environ, reader, pk):
    connection = connect()
    phone, code, referrer, referrer_phone = connection.execute(
        """
        SELECT u.phone_number, code, referrer_id, r.phone_number FROM floor_user u
        LEFT JOIN floor_referralcode ON user_id = u.id LEFT JOIN floor_referral ON referred_id = u.id
        LEFT JOIN floor_user r ON r.id = referrer_id WHERE u.id = %s
        """,
        [pk],
    ).fetchone()
    rows = connection.execute(
        """
        SELECT referred_id, phone_number, created_at FROM floor_referral JOIN floor_user ON id = referred_id
        WHERE referrer_id = %s ORDER BY created_at DESC, referred_id DESC LIMIT 21
        """,
        [pk],
    ).fetchall()
    count = len(rows)
    if count > PAGE:
        (count,) = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM floor_referral WHERE referrer_id = %s LIMIT 1001) AS counted", [pk]
        ).fetchone()
    own = pk == reader
    return {
        "id": pk,
        "phone_number": shown(pk, phone, reader),
        "referral_code": code if own else None,
        "referral_link": f"http://{environ['HTTP_HOST']}/?ref={code}" if own else None,
        "referred_by": referrer and {"id": referrer, "phone_number": shown(referrer, referrer_phone, reader)},
        "invitees": {
            "count": min(count, MAX_COUNT),
            "capped": count > MAX_COUNT,
            "results": [
                {"id": each, "phone_number": shown(each, phone, reader), "created_at": at}
                for each, phone, at in rows[:PAGE]
            ],
            "next": following(environ, rows[PAGE - 1][0]) if len(rows) > PAGE else None,
        },
    }


def shown(pk, phone, reader):
    return phone if pk == reader else f"{phone[:2]} *** *** **{phone[-2:]}"


def following(environ, cursor):
    return f"http://{environ['HTTP_HOST']}{environ['PATH_INFO']}?cursor={cursor}"


CALLS = {
    "/api/users/get_verify_code/": get_verify_code,
    "/api/users/auth/": auth,
    "/api/users/": users,
    "/api/users/me/": me,
    "/api/referrals/referral_code/": redeem,
}
