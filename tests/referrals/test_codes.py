import sys
import time
import unicodedata
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from phone_referrals.exceptions import (
    AccountDisabled,
    InvalidReferralCode,
    ReferralCodeReserved,
    ReferralCodeTaken,
)
from phone_referrals.models import ReferralCode
from phone_referrals.referrals import codes
from phone_referrals.referrals.redeem import redeem

TYPED = st.text(st.sampled_from([*map(chr, range(32, 127)), *"ЖжЙйßıöﬃＡｌ０–—\u00a0\u2011\u3000"]), max_size=64)


def all_a(length):
    return "A" * length


def always_taken(length):
    return "taken"


def with_words(length):
    return "Oil-Lily 24"


def test_a_generated_code_has_no_letter_that_is_misread():
    generated = "".join(codes.generate(32) for _ in range(200))

    assert set(generated) == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert not set(generated) & set("ILOU")


@pytest.mark.parametrize("length", [1, 6, 32])
def test_a_generated_code_is_as_long_as_asked(length):
    assert len(codes.generate(length)) == length


@pytest.mark.parametrize(
    "typed",
    [
        "A0B11C",
        "a0b11c",
        " A0B11C\n",
        "A0B 11C",
        "a0b-11c",
        "AOBILC",
        "aobilc",
        "A0B\u201311C",
        "A0B\u201411C",
        "A0B\u201111C",
        "A0B\u00a011C",
        "A0B\t11C",
        "\u3000A0B11C",
        "\uff210\uff22\uff11\uff11\uff23",
        "\uff41\uff4f\uff42\uff49\uff4c\uff43",
        "A0B11C.",
        "#A0B11C",
        "(a0b-11c)",
        "«A0B 11C»,",
        "“A0B11C”",
        "<A0B11C>/",
        "\u2066A0\u200bB1\ufe0f1C\u2069",
        "\ufeffA0B\u00ad11C\u2060",
        "A0B\u221211C",
        "A0B\u202f11C",
        "A٠B١١C",
    ],
)
def test_every_spelling_of_a_code_folds_into_one(typed):
    assert codes.fold(typed) == "A0B11C"


@pytest.mark.parametrize("text", ["Á0B11C", "А0В11С", "A0B11C\u0301"])
def test_marks_and_letters_of_other_scripts_are_others(text):
    assert codes.fold(text) != "A0B11C"


def test_folding_keeps_what_is_no_spelling():
    assert codes.fold("u_8.Ж\N{GRINNING FACE}") == "U_8.Ж\N{GRINNING FACE}"


@given(TYPED)
def test_folding_what_is_folded_changes_nothing(typed):
    assert codes.fold(codes.fold(typed)) == codes.fold(typed)


@pytest.mark.unmeasured
def test_folding_twice_changes_no_character_further():
    # Unassigned characters have neither case nor parts: all of them are one character to us.
    characters = [
        each for each in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(each) not in {"Cn", "Co"}
    ]
    folded = {char: codes.fold(char) for char in [*characters, "\ue000", "\U0010ffff"]}
    assert [char for char, once in folded.items() if once != char and codes.fold(once) != once] == []


def test_an_accent_after_a_dash_is_one_of_the_letter():
    assert codes.fold("e-\N{COMBINING ACUTE ACCENT}") == codes.fold("é")


def test_a_new_code_grows_by_one_for_every_three_collisions():
    lengths = [len(codes.new_code(SimpleNamespace(pk=1), collisions=collisions).code) for collisions in range(7)]

    assert lengths == [6, 6, 6, 7, 7, 7, 8]


@pytest.mark.django_db
def test_a_code_is_made_when_it_is_first_needed_and_then_kept(make_user):
    user = make_user()

    made = codes.code_of(user)

    assert len(made.code) == 6
    assert codes.code_of(user) == made == ReferralCode.objects.get()


@pytest.mark.django_db
def test_a_code_grows_where_short_ones_are_taken(make_user, settings):
    settings.PHONE_REFERRALS_CODE_GENERATOR = f"{__name__}.all_a"

    assert [codes.code_of(make_user(number)).code for number in range(3)] == ["AAAAAA", "AAAAAAA", "AAAAAAAA"]


@pytest.mark.django_db
def test_a_generator_that_knows_one_code_only_is_told_of(make_user, settings):
    settings.PHONE_REFERRALS_CODE_GENERATOR = f"{__name__}.always_taken"
    codes.code_of(make_user(0))

    with pytest.raises(ImproperlyConfigured, match=r"always_taken made 30 referral codes that were all taken"):
        codes.code_of(make_user(1))


@pytest.mark.django_db
def test_a_host_may_generate_codes_of_any_format(make_user, settings):
    settings.PHONE_REFERRALS_CODE_GENERATOR = f"{__name__}.with_words"
    made = codes.code_of(make_user(0))

    assert made.code == "011111Y24"
    assert redeem(make_user(1), "oil lily-24").code == made.code


@pytest.mark.django_db
def test_codes_of_an_earlier_generator_go_on_working(make_user, settings):
    old = codes.code_of(make_user(0)).code
    settings.PHONE_REFERRALS_CODE_GENERATOR = f"{__name__}.with_words"

    assert redeem(make_user(1), old).code == old


@pytest.mark.django_db
def test_a_rotated_code_is_active_and_the_old_one_works_on(make_user):
    user = make_user(1)
    old, new = codes.code_of(user), codes.rotate(user)
    assert codes.code_of(user) == new != old
    assert redeem(make_user(2), old.code).referrer == user


@pytest.mark.django_db
def test_rotating_looks_for_a_free_code_and_gives_up_at_last(make_user, settings):
    settings.PHONE_REFERRALS_CODE_GENERATOR = "tests.referrals.test_codes.all_a"
    codes.rotate(make_user(1))
    user = make_user(2)
    assert codes.rotate(user).code == "AAAAAAA"
    settings.PHONE_REFERRALS_CODE_GENERATOR = "tests.referrals.test_codes.always_taken"
    codes.rotate(make_user(3))
    with pytest.raises(ImproperlyConfigured, match="all taken"):
        codes.rotate(user)
    assert codes.code_of(user).code == "AAAAAAA"


@pytest.mark.django_db
def test_a_code_that_is_taken_leaves_the_active_one_as_it_is(make_user):
    user, taken = make_user(1), codes.code_of(make_user(2)).code
    active = codes.code_of(user)
    with pytest.raises(ReferralCodeTaken):
        codes.activate(ReferralCode(user=user, code=taken))
    assert codes.code_of(user) == active


@pytest.mark.parametrize(("text", "code"), [("sum-mer 26", "SUMMER26"), ("лето", "ЛЕТО"), ("o" * 32, "0" * 32)])
def test_a_chosen_code_is_stored_folded(text, code):
    assert codes.chosen(text) == code


@pytest.mark.parametrize("text", ["", " - ", "!", "x" * 33, "a\0b", "a\u202eb"])
def test_what_nobody_can_type_is_not_chosen(text):
    with pytest.raises(InvalidReferralCode):
        codes.chosen(text)


@pytest.mark.parametrize("text", ["official", "0ffic1al", "ad-min"])
def test_reserved_words_are_not_chosen_in_any_spelling(text):
    with pytest.raises(ReferralCodeReserved):
        codes.chosen(text)


@pytest.mark.django_db
def test_a_code_that_was_made_meanwhile_is_the_first(make_user, monkeypatch):
    user = make_user()
    first = codes.code_of(user)
    look, seen = codes._active, iter([None])
    monkeypatch.setattr(codes, "_active", lambda user: next(seen, look(user)))
    assert codes.code_of(user) == first


@pytest.mark.django_db(transaction=True)
def test_a_user_who_was_deleted_meanwhile_gets_no_code(make_user):
    user = make_user()
    type(user).objects.all().delete()
    for make in (codes.code_of, codes.rotate):
        with pytest.raises(AccountDisabled):
            make(user)


@pytest.mark.django_db
def test_codes_are_enabled_again_when_a_deletion_fails(make_user):
    user = make_user()
    old, new = codes.code_of(user), codes.rotate(user)
    ReferralCode.objects.filter(pk=old.pk).update(is_disabled=True)

    @codes.withdrawn(user)
    def delete():
        assert not ReferralCode.objects.enabled().exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        delete()
    assert ReferralCode.objects.enabled().get() == new


@pytest.mark.parametrize("text", ["A" * 501, "A" * 1_000_000, "a.b" * 300_000, "-" * 1_000_000])
def test_what_is_too_long_for_a_link_is_not_looked_into(text):
    began = time.perf_counter()
    assert codes.read(text) == ""
    assert time.perf_counter() - began < 0.1
