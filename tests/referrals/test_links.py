from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import resolve

from phone_referrals.referrals.codes import fold, read
from phone_referrals.referrals.links import link_to

ODD_CODES = [
    "A/B",
    "/A",
    "A//B",
    "A&B=C",
    "50%",
    "%41",
    "A+B",
    "A#1",
    "A?B",
    "ДЕД-МОРОЗ",
    "A;B",
    "A:B",
    "A@B",
    '"><B>',
    "😀",
]


@pytest.mark.parametrize(
    ("setting", "link"),
    [
        ("/?ref={code}", "http://testserver/?ref=A1B2C3"),
        ("/join/{code}/", "http://testserver/join/A1B2C3/"),
        ("https://example.com/{code}", "https://example.com/A1B2C3"),
        ("https://example.com/?ref={code}&from={here}", "https://example.com/?ref=A1B2C3&from=%7Bhere%7D"),
        ("app://invite/{code}", "app://invite/A1B2C3"),
    ],
)
def test_a_link_carries_the_code_to_where_the_site_says(rf, settings, setting, link):
    settings.PHONE_REFERRALS_REFERRAL_LINK = setting

    assert link_to(rf.get("/api/referrals/"), "A1B2C3") == link


def test_a_link_leads_to_the_host_that_was_asked_by_default(rf):
    assert link_to(rf.get("/api/referrals/", secure=True), "A1B2C3") == "https://testserver/?ref=A1B2C3"


@pytest.mark.parametrize("urls", ["tests.pages.urls", "tests.pages.urls_of_prefix", "tests.pages.urls_of_two"])
def test_a_link_leads_to_the_invite_page_where_there_is_one(rf, settings, urls):
    settings.ROOT_URLCONF = urls
    root = "/account" if urls.endswith("prefix") else ""
    assert link_to(rf.get("/api/referrals/"), "A1B2C3") == f"http://testserver{root}/r/A1B2C3/"


def test_what_the_site_says_comes_before_its_invite_page(rf, settings):
    settings.ROOT_URLCONF = "tests.pages.urls"
    settings.PHONE_REFERRALS_REFERRAL_LINK = "/?ref={code}"
    assert link_to(rf.get("/api/referrals/"), "A1B2C3") == "http://testserver/?ref=A1B2C3"


@pytest.mark.parametrize("code", [fold(code) for code in ODD_CODES])
@pytest.mark.parametrize("setting", ["", "/?from=me&ref={code}", "https://example.com/?ref={code}"])
def test_a_code_of_any_characters_comes_out_as_it_went_in(rf, settings, setting, code):
    settings.PHONE_REFERRALS_REFERRAL_LINK = setting

    link = link_to(rf.get("/api/referrals/"), code)

    assert link.isascii()
    assert parse_qs(urlsplit(link).query)["ref"] == [code]
    assert urlsplit(link).fragment == ""


@pytest.mark.parametrize("code", [fold(code) for code in ODD_CODES])
def test_a_code_of_any_characters_leads_to_its_invite_page(rf, settings, code):
    settings.ROOT_URLCONF = "tests.pages.urls"

    link = urlsplit(link_to(rf.get("/api/referrals/"), code))

    assert (link.query, link.fragment) == ("", "")
    match = resolve(rf.get(link.path).path_info)
    assert (match.url_name, match.kwargs) == ("invite", {"code": code})


@pytest.mark.parametrize(
    ("setting", "link"),
    [
        ("", "https://example.com/?ref=A1B2C3"),
        ("/join/{code}/", "https://example.com/join/A1B2C3/"),
        ("https://example.org/{code}", "https://example.org/A1B2C3"),
        ("app://invite/{code}", "app://invite/A1B2C3"),
    ],
)
@pytest.mark.parametrize("asked", ["example.com", "evil.example.com", "example.com:8000"])
def test_a_link_never_leads_to_a_host_that_a_stranger_made_up(rf, settings, setting, link, asked):
    settings.ALLOWED_HOSTS, settings.PHONE_REFERRALS_SITE_HOST = ["*"], "example.com"
    settings.PHONE_REFERRALS_REFERRAL_LINK = setting
    assert link_to(rf.get("/api/referrals/", headers={"host": asked}), "A1B2C3") == link


@pytest.mark.parametrize(("debug", "is_secure", "scheme"), [(True, False, "http"), (True, True, "https")])
def test_a_link_is_not_secure_where_a_site_is_developed_so(rf, settings, debug, is_secure, scheme):
    settings.DEBUG, settings.PHONE_REFERRALS_SITE_HOST = debug, "localhost"
    assert link_to(rf.get("/", secure=is_secure), "A1B2C3") == f"{scheme}://localhost/?ref=A1B2C3"


@pytest.mark.parametrize("before", ["", " ", "<", "Join us: ", "(\u2066"])
@pytest.mark.parametrize(
    "setting", ["", "/join/{code}", "app://invite/{code}", "https://example.com/?from=me&who={code}"]
)
def test_a_pasted_link_is_its_code(rf, settings, setting, before):
    settings.PHONE_REFERRALS_REFERRAL_LINK = setting
    link = link_to(rf.get("/"), "A1B2C3")
    for mark in ("", ".", ")", ",", "!", ">", "\u201d", "/", "/).", " "):
        assert read(f"{before}{link}{mark}") == "A1B2C3", mark


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/r/a1-b2c3/",
        "example.com/r/A1B2C3",
        "http://127.0.0.1:8000/account/r/A1B2C3/",
        "https://example.com/en/shop/r/A1B2C3/?utm_source=mail#top",
        "HTTPS://EXAMPLE.COM/?ref=A1B2C3&utm_source=mail",
        "https://example.com/shop/?from=me&ref=A1B2C3#top",
        "https://example.com/sign-in/?invite=A1B2C3",
    ],
)
def test_a_link_of_any_host_is_read_wherever_its_code_is(link):
    assert read(link) == "A1B2C3"


@pytest.mark.parametrize("code", [fold(code) for code in ODD_CODES])
@pytest.mark.parametrize("urls", ["tests.urls", "tests.pages.urls"])
def test_a_code_of_any_characters_is_read_from_its_link(rf, settings, urls, code):
    settings.ROOT_URLCONF = urls
    assert read(link_to(rf.get("/"), code)) == read(code) == code


@pytest.mark.parametrize("text", ["https://example.com/", "https://[/r", "www.example.com/?a=1", "A/B", "A.B", "r/A"])
def test_what_is_no_link_of_ours_is_not_looked_into(text):
    assert read(text) == fold(text)
