import pytest

from phone_referrals.referrals.links import link_to


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
