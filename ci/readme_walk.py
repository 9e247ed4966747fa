"""Run the README's walk against a running demo, and fail unless the answers are the ones that it shows.

    python -m ci.readme_walk http://127.0.0.1:8000

Codes, tokens and times differ from run to run: what the README shows of them stands for what is received.
"""

import json
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

SHOWN = Path(__file__).parents[1] / "README.md"
VARYING = {"token", "request_id", "referral_code", "referral_link", "created_at"}


def main(site: str) -> None:
    blocks = re.findall(r"```console\n(.*?)```", SHOWN.read_text(), re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    received: dict[str, str] = {}
    walked = 0
    for line, answer in pairwise(lines):
        if not line.startswith("$ curl"):
            continue
        walked += 1
        command = line.removeprefix("$ ").replace("$API", f"{site}/api")
        for shown, real in received.items():
            command = command.replace(shown, real)
        words = ["curl", "--silent", *shlex.split(command)[1:]]
        output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        sys.stdout.write(f"$ {command}\n{output}\n")
        compare_answers(answer, output, received)
    assert walked >= 8, "The README's walk was not found."
    sys.stdout.write(f"The README's walk: {walked} calls, every answer as shown.\n")


def compare_answers(shown: str, real: str, received: dict[str, str]) -> None:
    """Compare two answers in JSON, and note what was received for each of the values that differ."""
    compare(json.loads(shown), json.loads(real), received)


def compare(shown: object, real: object, received: dict[str, str], key: str = "") -> None:
    if isinstance(shown, dict) and isinstance(real, dict):
        assert list(shown) == list(real), f"keys {list(real)} instead of {list(shown)}"
        for name in shown:
            compare(shown[name], real[name], received, name)
    elif isinstance(shown, list) and isinstance(real, list):
        assert len(shown) == len(real), f"{key}: {len(real)} instead of {len(shown)}"
        for one, other in zip(shown, real, strict=True):
            compare(one, other, received, key)
    elif isinstance(shown, str) and isinstance(real, str) and (key in VARYING or shown.isdigit()):
        received[shown] = real
    else:
        assert shown == real, f"{key}: {real!r} instead of {shown!r}"


if __name__ == "__main__":
    main(sys.argv[1])
