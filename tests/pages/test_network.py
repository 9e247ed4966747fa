import re

import pytest
from django.utils import translation

from tests.people import add_invitees

pytestmark = pytest.mark.django_db


@pytest.mark.unmeasured
@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("count", [1, 40, 201])
def test_no_language_spoils_the_numbers_of_the_picture(make_user, client, settings, language, count):
    settings.USE_THOUSAND_SEPARATOR = True
    me = make_user()
    add_invitees(me, count)
    client.force_login(me, "phone_referrals.signin.backend.PhoneCodeBackend")

    with translation.override(language):
        page = client.get("/", headers={"accept-language": language}).content.decode()

    (svg,) = re.findall(r'<figure class="network">\s*(<svg.*?</svg>)', page, re.DOTALL)
    numbers = re.findall(r'\b(?:x|y|x1|y1|x2|y2|cx|cy|r|width)="(.*?)"', svg)
    assert len(numbers) >= 7 * min(count, 200)
    assert [each for each in numbers if not re.fullmatch(r"-?\d+", each)] == []
    assert re.search(r'viewBox="-?\d+ -?\d+ \d+ \d+"', svg)


def test_a_screen_reader_is_read_the_picture_as_a_list(make_user, refer, client):
    me, a, b, c = map(make_user, range(4))
    refer(me, a)
    refer(a, b)
    refer(b, c)
    client.force_login(me, "phone_referrals.signin.backend.PhoneCodeBackend")

    page = client.get("/").content.decode()

    assert re.search(r'<svg [^>]*aria-hidden="true"', page)
    (nested,) = re.findall(r"</summary>(.*?)</details>", page, re.DOTALL)
    said = re.sub(r"<span[^>]*>(.*?)</span>", r"\1", re.sub(r">\s+<", "><", nested.strip()))
    hidden = "+1 *** *** **"
    assert said == f"<ul><li>{hidden}01<ul><li>{hidden}02<ul><li>{hidden}03</li></ul></li></ul></li></ul>"


@pytest.mark.parametrize(("count", "said"), [(200, False), (201, True)])
def test_it_is_said_when_not_everybody_fits(make_user, client, text_of, count, said):
    me = make_user()
    add_invitees(me, count)
    client.force_login(me, "phone_referrals.signin.backend.PhoneCodeBackend")

    assert ("Not everybody fits into the picture." in text_of(client.get("/"))) is said


@pytest.mark.parametrize(("name", "said"), [("+1 *** *** **01", True), ("a***@example.com", False)])
def test_digits_are_explained_where_phones_are_shown(make_user, client, text_of, monkeypatch, name, said):
    me = make_user()
    add_invitees(me, 1)
    client.force_login(me, "phone_referrals.signin.backend.PhoneCodeBackend")
    monkeypatch.setattr("phone_referrals.accounts.PhoneAccounts.display_name", lambda self, user: name)

    assert ("The numbers are the last digits of their phones." in text_of(client.get("/"))) is said


def test_who_invited_nobody_is_shown_no_picture(make_user, client):
    client.force_login(make_user(), "phone_referrals.signin.backend.PhoneCodeBackend")

    page = client.get("/").content.decode()

    assert "Nobody yet. Share your code!" in page
    assert 'class="network"' not in page
