from phone_referrals.testing.fixtures import last_code, sign_in

__all__ = ["last_code", "sign_in"]  # These, not those of the conftest.py.


def test_a_profile_shows_the_number(client, sign_in):
    sign_in(client, "+12015550123")
    assert client.get("/api/users/me/").json()["phone_number"] == "+12015550123"


def test_a_code_signs_in(client, last_code):
    client.post("/api/users/get_verify_code/", {"phone_number": "+12015550123"})
    data = {"phone_number": "+12015550123", "code": last_code("+12015550123")}
    assert client.post("/api/users/auth/", data).status_code == 201
