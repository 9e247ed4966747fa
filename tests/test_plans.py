"""How PostgreSQL reads what grows: by index, and as much for the last page as for the first."""

import json
from contextlib import suppress

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.authtoken.models import Token

from phone_referrals import keyset, urls
from phone_referrals.accounts import get_accounts
from phone_referrals.admin_lists import CappedPaginator
from phone_referrals.exceptions import PhoneReferralsError
from phone_referrals.models import PhoneVerification, RedeemedPhone, Referral, ReferralCode, SmsUsage, UserSession
from phone_referrals.profiles import queries
from phone_referrals.referrals import codes, invitees, tree
from phone_referrals.referrals.redeem import redeem
from phone_referrals.signin.verification import check_code, request_code

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="The plans are PostgreSQL's."),
    pytest.mark.django_db,
    pytest.mark.slow,
]

USERS = 50_000
STAR = 5_000  # invitees of the first user
MAX_BUFFERS = 150
FRIEND = 500  # invitees of the second one, who brought a few people each

# Rows of the sizes above, made by the server: no phone number is ever sent anything.
ROWS = """
    INSERT INTO {users} (password, is_superuser, is_staff, is_active, date_joined)
    SELECT '', false, false, true, now() FROM generate_series(1, %(users)s);

    INSERT INTO {referrals} (referred_id, referrer_id, code, created_at)
    SELECT id, first + CASE WHEN n <= %(star)s + 1 THEN 0 WHEN n <= %(star)s + %(friend)s + 1 THEN 1 ELSE n / 2 END,
           'A' || n / 2, now() - n * interval '1 minute'
    FROM (SELECT id, min(id) OVER () AS first, row_number() OVER (ORDER BY id) - 1 AS n FROM {users}) AS numbered
    WHERE n > 1;

    INSERT INTO {codes} (user_id, active_for_id, code, is_disabled, uses, created_at)
    SELECT id, id, 'A' || row_number() OVER (ORDER BY id) - 1, false, 0, now() FROM {users};

    INSERT INTO {verifications} (phone_number, purpose, version, wrong_guesses_since_success, sent_at,
                                 sent_since_success, refused_in_a_row, unbound_guesses_at,
                                 unbound_guesses_since_success, updated_at)
    SELECT 'phone ' || n, 'sign_in', 0, 0, '[]', 0, 0, '[]', 0, extract(epoch FROM now())
    FROM generate_series(1, %(users)s) AS n;

    INSERT INTO {usage} (day, region, slot, sent, segments, verified, failed, limit_reported, pause_reported)
    SELECT date '1980-01-01' + n, 'US', 0, 1, 1, 1, 0, false, false FROM generate_series(1, %(users)s) AS n;

    INSERT INTO {tokens} (key, user_id, created) SELECT lpad(to_hex(id), 40, '0'), id, now() FROM {users};

    INSERT INTO {knox_tokens} (digest, token_key, user_id, created, expiry)
    SELECT 'digest ' || id, id, id, now(), now() + interval '1 day' FROM {users};

    INSERT INTO {sessions} (user_id, kind, key, user_agent, signed_in_at)
    SELECT id, 'knox', 'digest ' || id, '', extract(epoch FROM now()) FROM {users};

    INSERT INTO {redeemed_phones} (digest, created_at)
    SELECT 'digest ' || n, now() FROM generate_series(1, %(users)s) AS n
"""


def tables():
    """The tables that grow, by the name they have above."""
    models = {
        "users": get_user_model(),
        "referrals": Referral,
        "codes": ReferralCode,
        "verifications": PhoneVerification,
        "usage": SmsUsage,
        "tokens": Token,
        "knox_tokens": AuthToken,
        "sessions": UserSession,
        "redeemed_phones": RedeemedPhone,
    }
    return {name: model._meta.db_table for name, model in models.items()}


@pytest.fixture(scope="module")
def first(django_db_setup, django_db_blocker):
    """The key of the first user of a big site; the others' follow it. It is built once, for all tests of this file."""
    user = get_user_model()
    quoted = {name: connection.ops.quote_name(table) for name, table in tables().items()}
    empty = f"TRUNCATE {', '.join(quoted.values())} CASCADE"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        # VACUUM does not trouble the indexes for the few dead rows that other tests have left, nor marks their page.
        cursor.execute(empty)
        # What was committed asynchronously, VACUUM does not mark as visible to all until it has been flushed.
        cursor.execute("SET synchronous_commit = on")
        for statement in ROWS.format(**quoted).split(";"):
            cursor.execute(statement, {"users": USERS, "star": STAR, "friend": FRIEND})
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(quoted.values())}")
        first = user.objects.order_by("pk").values_list("pk", flat=True)[0]
    yield first
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(empty)
        cursor.execute("RESET synchronous_commit")


def nodes_of(call):
    """Run `call`; return the nodes of the plans of what it read, the top one of each statement first."""
    with CaptureQueriesContext(connection) as captured, suppress(PhoneReferralsError):
        call()
    reads = [query["sql"] for query in captured if query["sql"].lstrip().startswith(("SELECT", "WITH"))]
    assert reads
    nodes = []
    with connection.cursor() as cursor:
        for sql in reads:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
            (plans,) = cursor.fetchone()
            nodes += flatten((json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"])
    return nodes


def flatten(node):
    return [node, *(below for child in node.get("Plans", ()) for below in flatten(child))]


def buffers(node):
    return node["Shared Hit Blocks"] + node["Shared Read Blocks"]


def cursor_at(first, place, *, backwards):
    """The cursor of the page after the invitee of the first user at `place`, or before it."""
    referral = Referral.objects.of(first).order_by("-created_at", "-referred")[place]
    return keyset._encode(referral, ["created_at", "referred"], backwards=backwards)


def cursor_of_users(key):
    return keyset._encode(get_user_model()(pk=key), ["pk"], backwards=False)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("place", [None, 19, STAR // 2, STAR - 30])
def test_a_page_of_newest_invitees_is_read_from_the_index_alone(first, place, backwards):
    cursor = "" if place is None else cursor_at(first, place + 2 * backwards, backwards=backwards)

    top, *nodes = nodes_of(lambda: invitees.invitees_page(first, cursor))

    (scan,) = [node for node in nodes if node.get("Relation Name") == Referral._meta.db_table]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Only Scan", "phone_referrals_newest")
    assert scan["Heap Fetches"] == 0
    assert scan["Actual Rows"] == keyset.PAGE_SIZE + 1
    assert buffers(scan) <= 6
    assert buffers(top) <= 6 + 4 * (keyset.PAGE_SIZE + 1)
    assert "Sort" not in {node["Node Type"] for node in nodes}


def test_a_popular_referrer_is_not_counted_to_the_last_invitee(first):
    _, *nodes = nodes_of(lambda: invitees.invitees(first))

    scans = [node for node in nodes if node.get("Relation Name") == Referral._meta.db_table]
    assert {(scan["Node Type"], scan["Heap Fetches"]) for scan in scans} == {("Index Only Scan", 0)}
    assert max(scan["Actual Rows"] for scan in scans) == invitees.MAX_COUNT + 1


READS = {
    "root above": lambda first: tree.root_above(first + USERS - 1, using="default"),
    "levels below a star": lambda first: tree.levels_below(first, using="default"),
    "levels below a friend": lambda first: tree.levels_below(first + 1, using="default"),
    "levels below a newcomer": lambda first: tree.levels_below(first + USERS - 1, using="default"),
    "users": lambda first: queries.users_page(),
    "users, deep": lambda first: queries.users_page(cursor_of_users(first + 5000)),
    "people of a star": lambda first: queries.network_page(get_user_model()(pk=first)),
    "people of a friend": lambda first: queries.network_page(get_user_model()(pk=first + 1)),
    "a stranger": lambda first: list(queries.near(get_user_model()(pk=first), queries.users()).filter(pk=first + 1)),
    "profile of an invitee": lambda first: queries.near(get_user_model()(pk=first), queries.profiles()).get(
        pk=first + 7
    ),
    "profile": lambda first: queries.profiles().get(pk=first + 7),
    "invitees and their count": invitees.invitees,
    "code of a user": lambda first: codes.code_of(get_user_model()(pk=first + 7)),
    "code that is entered": lambda first: redeem(get_user_model()(pk=first + 7), "A4711"),
    "code of nobody": lambda first: redeem(get_user_model()(pk=first + 7), "NONE"),
    "user of a phone": lambda first: get_accounts().find("+12015550100"),
    "guess": lambda first: check_code(phone_number="phone 4711", code="000000"),
    "request": lambda first: request_code(phone_number="+12015550100", host="example.com"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_no_table_is_read_whole(first, read):
    nodes = nodes_of(lambda: read(first))

    scans = [node for node in nodes if "Relation Name" in node]
    assert scans
    assert [node for node in scans if node["Node Type"] == "Seq Scan"] == []


def test_reading_a_person_costs_the_same_below_a_star(first):
    for reader in (first, first + 1, first + USERS - 1):
        near = queries.near(get_user_model()(pk=reader), queries.profiles())
        for pk in (first, first + 7, first + USERS - 1):
            top, *_ = nodes_of(lambda users=near, pk=pk: list(users.filter(pk=pk)))
            assert buffers(top) <= 40


def test_a_walk_up_costs_a_few_blocks_for_each_step(first):
    newcomer = first + USERS - 1
    steps = nodes_of(lambda: tree.root_above(newcomer, using="default"))

    assert buffers(steps[0]) <= 4 * 20
    assert tree.root_above(newcomer, using="default") in {first, first + 1}


def test_a_walk_down_stops_at_its_limit(first):
    walk = nodes_of(lambda: tree.levels_below(first, using="default"))

    (counted,) = [node for node in walk if node["Node Type"] == "Limit"]
    assert counted["Actual Rows"] == tree.MAX_ROWS + 1
    assert buffers(walk[0]) <= 40


def invite(site):
    return {"referral_code": ReferralCode.objects.get(user=site.first + 4000).code}


# Each address of the API: who calls it, and how. A star, a user in the middle of the tree and a newcomer are looked at.
CALLS = {
    "get_verify_code": [lambda site: site.post("users/get_verify_code/", phone_number="+12015550100")],
    "auth": [
        lambda site: site.post("users/auth/", phone_number="+12015550100", code=site.code("+12015550100")),
        lambda site: site.post("users/auth/", phone_number="+12015550199", code=site.code("+12015550199")),
        lambda site: site.post(
            "users/auth/", phone_number="+12015550101", code=site.code("+12015550101"), **invite(site)
        ),
    ],
    "user_list": [lambda site: site.get("users/"), lambda site: site.follow("users/")],
    "me": [lambda site: site.get("users/me/")],
    "user_detail": [
        lambda site: site.get(f"users/{site.first}/"),
        lambda site: site.get(f"users/{site.first + 7000}/"),
        lambda site: site.get(f"users/{site.first + USERS - 1}/"),
    ],
    "invitees": [
        lambda site: site.get(f"users/{site.first}/invitees/"),
        lambda site: site.follow(f"users/{site.first}/invitees/"),
        lambda site: site.get(f"users/{site.first + 7000}/invitees/"),
    ],
    "redeem": [lambda site: site.post("referrals/referral_code/", **invite(site))],
    "referrals": [lambda site: site.get("referrals/")],
    "own_invitees": [lambda site: site.get("referrals/invitees/")],
    "get_change_code": [lambda site: site.post("users/me/phone/get_verify_code/", phone_number="+12015550102")],
    "change_phone": [
        lambda site: site.post(
            "users/me/phone/",
            phone_number="+12015550103",
            code=site.code("+12015550103", "me/phone/"),
            current_code=site.last_code("+12015550199"),
        )
    ],
    "get_delete_code": [lambda site: site.post("users/me/get_verify_code/")],
    "delete": [lambda site: site.post("users/me/delete/", code=site.code("+12015550199", "me/"))],
    "logout": [lambda site: site.post("users/logout/")],
    "logout_all": [lambda site: site.post("users/logout_all/")],
    "sessions": [lambda site: site.get("users/me/sessions/")],
    "end_session": [lambda site: site.post(f"users/me/sessions/{site.session()}/end/")],
    "end_other_sessions": [lambda site: site.post("users/me/sessions/end_others/")],
}


class Site:
    """The API of a big site, as somebody who is signed in calls it."""

    def __init__(self, first, client, last_code):
        self.first, self.client, self.last_code = first, client, last_code
        self.nodes = []

    def code(self, phone, where=""):
        """Ask for a code, which is no part of the call."""
        data = {} if where == "me/" else {"phone_number": phone}
        assert self.client.post(f"/api/users/{where}get_verify_code/", data, format="json").status_code == 200
        return self.last_code(phone)

    def session(self):
        (session,) = self.client.get("/api/users/me/sessions/").json()["results"]
        return session["id"]

    def get(self, path):
        return self.explained(lambda: self.client.get(f"/api/{path}"))

    def follow(self, path):
        following = self.client.get(f"/api/{path}").json()["next"]
        return self.explained(lambda: self.client.get(following))

    def post(self, path, **data):
        return self.explained(lambda: self.client.post(f"/api/{path}", data, format="json"))

    def explained(self, call):
        with CaptureQueriesContext(connection) as captured:
            assert call().status_code < 300
        statements = [query["sql"] for query in captured]
        assert statements
        return [plan_of(sql) for sql in statements if reads(sql)]


def reads(sql):
    """Return whether a statement looks for rows, be it to write them."""
    begins = sql.lstrip().startswith
    return begins(("SELECT", "WITH", "UPDATE", "DELETE")) or (begins("INSERT") and " SELECT " in sql)


def plan_of(sql):
    """Return the plan by which a statement runs, and what it reads. It is run once more, and undone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        (plans,) = cursor.fetchone()
        transaction.set_rollback(True)
    return (json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]


def test_circles_are_found_without_comparing_all_pairs(first):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '30s'")  # It takes one or two.

    nodes = nodes_of(lambda: tree.in_circles(using="default"))

    assert max(node["Actual Loops"] * node["Actual Rows"] for node in nodes) < 10 * USERS


def test_every_address_of_the_api_is_called_below():
    assert {pattern.name for pattern in urls.urlpatterns} == set(CALLS)


@pytest.mark.parametrize(
    ("name", "call"), [(name, call) for name, calls in CALLS.items() for call in calls], ids=lambda each: str(each)[:20]
)
def test_no_call_of_the_api_reads_more_than_its_page(first, settings, sign_in, last_code, name, call):
    settings.PHONE_REFERRALS_USERS_PERMISSION = "rest_framework.permissions.IsAuthenticated"
    if "session" in name:
        settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.knox.KnoxTokenIssuer"
    site = Site(first, sign_in("+12015550199"), last_code)

    plans = call(site)

    grown = set(tables().values())
    for plan in plans:
        scans = [node for node in flatten(plan) if node.get("Relation Name") in grown]
        assert [node for node in scans if node["Node Type"] == "Seq Scan"] == []
        # A page has 21 rows, each found by an index of four levels at most; a popular referrer's are counted to 1001.
        assert buffers(plan) <= MAX_BUFFERS


@pytest.mark.parametrize(
    "page",
    [
        "phone_referrals/referral/",
        "phone_referrals/referral/?p=3",
        "phone_referrals/referral/?q=%2B12015550107",
        "phone_referrals/referral/?q=A77",
        f"phone_referrals/referral/?created_at__gte={timezone.now().year}-01-01%2000:00:00%2B00:00",
        "phone_referrals/referralcode/",
        "phone_referrals/referralcode/?q=%2B12015550107",
        "phone_referrals/referralcode/?q=A77",
        "phone_referrals/referralcode/?is_disabled__exact=1",
        "phone_referrals/phoneverification/",
        "phone_referrals/phoneverification/?q=%2B12015550107",
        "phone_first/user/",
        "phone_first/user/?q=%2B12015550107",
    ],
)
def test_no_list_of_the_admin_reads_a_table_whole(first, client, page):
    client.force_login(
        get_user_model().objects.create_superuser("+12015550107"), "django.contrib.auth.backends.ModelBackend"
    )

    nodes = nodes_of(lambda: client.get(f"/admin/{page}"))

    reads = [
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in nodes
        if "Relation Name" in node
    ]
    assert max(reads) <= CappedPaginator.MAX_COUNT + 1  # The last of a join is looked at before it ends.
