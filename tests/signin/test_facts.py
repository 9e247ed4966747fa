import json

import pytest
from django.http import QueryDict

from phone_referrals.signin.facts import facts_of, host_of


@pytest.mark.parametrize(
    ("sent_to", "host"), [("example.com", "example.com"), ("example.com:8443", "example.com"), ("[::1]:80", "[::1]")]
)
def test_a_domain_has_no_port(rf, settings, sent_to, host):
    settings.ALLOWED_HOSTS = ["*"]
    assert host_of(rf.post("/", headers={"host": sent_to})) == host


@pytest.mark.parametrize("body", [QueryDict("captcha=1&captcha=2"), json.loads('{"captcha": "2"}')])
def test_guards_are_told_the_same_of_a_form_and_of_json(rf, body):
    facts = facts_of(rf.post("/", REMOTE_ADDR="198.51.100.7"), body)
    assert facts == {"host": "testserver", "address": "198.51.100.7", "data": {"captcha": "2"}}
