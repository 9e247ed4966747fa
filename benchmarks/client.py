"""What the clients do, in processes of their own: calls one after the other, each on a connection of its own."""

import json
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any


class Failed(Exception):
    """A call was not answered as it should have been."""


class Http:
    """As little of HTTP as it takes, so that the client costs little of the machine it shares with the server."""

    def __init__(self, port: int) -> None:
        self.address = ("127.0.0.1", port)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: str = "", expected: int = 0
    ) -> tuple[dict[str, str], Any]:
        """Return headers and JSON of the answer; raises `Failed` if its status is not `expected`, or 200 or 201."""
        content = b"" if body is None else json.dumps(body).encode()
        authorization = f"Authorization: Token {token}\r\n" if token else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n{authorization}{headers}\r\n"
        )
        with socket.create_connection(self.address) as connection:
            connection.sendall(head.encode() + content)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        top, _, rest = answer.partition(b"\r\n\r\n")
        status, *lines = top.decode().split("\r\n")
        if int(status.split()[1]) not in ({expected} if expected else {200, 201}):
            raise Failed(f"{method} {path}: {status} {rest[:300]!r}")
        answered = dict(line.lower().split(": ", 1) for line in lines)
        return answered, json.loads(rest) if rest else None


def sign_in(http: Http, phone_number: str) -> None:
    _, sent = http.call("POST", "/api/users/get_verify_code/", {"phone_number": phone_number})
    http.call("POST", "/api/users/auth/", {"phone_number": phone_number, "code": sent["code"]})


def get(http: Http, token: str, path: str) -> None:
    http.call("GET", path, token=token)


def redeem(http: Http, token: str, code: str) -> None:
    http.call("POST", "/api/referrals/referral_code/", {"referral_code": code}, token=token)


def drfpasswordless(http: Http, phone_number: str) -> None:
    headers, _ = http.call("POST", "/auth/mobile/", {"mobile": phone_number})
    http.call("POST", "/auth/token/", {"mobile": phone_number, "token": headers["x-code"]})


def allauth_sign_up(http: Http, phone_number: str) -> None:
    _allauth(http, "signup", "phone/verify", phone_number)


def allauth_sign_in(http: Http, phone_number: str) -> None:
    _allauth(http, "code/request", "code/confirm", phone_number)


def _allauth(http: Http, ask: str, confirm: str, phone_number: str) -> None:
    # 401 says that the code is what is missing now.
    headers, asked = http.call("POST", f"/_allauth/app/v1/auth/{ask}", {"phone": phone_number}, expected=401)
    session = f"X-Session-Token: {asked['meta']['session_token']}\r\n"
    http.call("POST", f"/_allauth/app/v1/auth/{confirm}", {"code": headers["x-code"]}, headers=session)


STEPS: dict[str, Callable[..., None]] = {
    step.__name__: step for step in (sign_in, get, redeem, drfpasswordless, allauth_sign_up, allauth_sign_in)
}


def run(job: tuple[int, str, Iterable[Any]]) -> list[float]:
    """Do a step for each of some arguments; return how long each took, in seconds."""
    port, step, arguments = job
    http, do = Http(port), STEPS[step]
    took = []
    for each in arguments:
        began = time.perf_counter()
        do(http, *each)
        took.append(time.perf_counter() - began)
    return took
