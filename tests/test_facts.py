import pytest
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from phone_referrals.http import facts_of, host_of
from phone_referrals.models import PhoneVerification


@pytest.mark.parametrize(
    ("sent_to", "host"), [("example.com", "example.com"), ("example.com:8443", "example.com"), ("[::1]:80", "[::1]")]
)
def test_a_domain_has_no_port(rf, settings, sent_to, host):
    settings.ALLOWED_HOSTS = ["*"]
    assert host_of(rf.post("/", headers={"host": sent_to})) == host


@pytest.mark.django_db
def test_a_host_that_is_no_domain_is_sent_no_message(client, settings, outbox, phone):
    settings.ALLOWED_HOSTS = [".example.com"]
    path, data = "/api/users/get_verify_code/", {"phone_number": phone}
    too_long = f"{'a' * 242}.example.com"
    assert client.post(path, data, headers={"host": too_long}).status_code == 400
    assert (len(outbox), PhoneVerification.objects.count()) == (0, 0)
    assert client.post(path, data, headers={"host": f"{too_long[1:]}:8000"}).status_code == 200
    assert len(outbox) == 1


def test_guards_are_told_the_same_of_a_form_and_of_json(rf):
    told = {"host": "testserver", "address": "198.51.100.7", "data": {"captcha": "2"}}
    form = rf.post("/", "captcha=1&captcha=2", "application/x-www-form-urlencoded", REMOTE_ADDR="198.51.100.7")
    assert facts_of(form) == told
    json = rf.post("/", {"captcha": "2"}, "application/json", REMOTE_ADDR="198.51.100.7")
    assert facts_of(Request(json, parsers=[JSONParser()])) == told


def test_guards_are_told_nothing_that_a_middleware_made(rf):
    request = rf.post("/", {"captcha": "2"})
    request.data = ["what a middleware of the site has read"]
    assert facts_of(request)["data"] == {"captcha": "2"}
