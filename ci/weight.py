"""Print what the app adds to the start of a site: `python -m ci.weight`.

The same small site is started with and without it, in a process of its own each time, and asked for its memory and the
time of the processor: the least of several starts. What it needs beside Django is counted for itself, for most sites
have some of it already.
"""

import json
import subprocess
import sys

RUNS = 9
DJANGO = ["django.contrib.auth", "django.contrib.contenttypes"]
NEEDED = ["rest_framework", "rest_framework.authtoken", "phonenumber_field"]
IMPORTS = "import rest_framework.generics, rest_framework.authtoken.models, phonenumber_field.modelfields, phonenumbers"
SITES = {
    "Django": (DJANGO, "pass"),
    "and what the app needs": (
        [*DJANGO, *NEEDED],
        IMPORTS,
    ),
    "and the app, its API and its pages": (
        [*DJANGO, *NEEDED, "phone_referrals"],
        f"{IMPORTS}, phone_referrals.urls, phone_referrals.pages.urls",
    ),
}
START = """
import json, sys, time
began = time.process_time()
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=json.loads(sys.argv[1]), SECRET_KEY="x", USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()
exec(sys.argv[2])
seconds = time.process_time() - began
with open("/proc/self/status") as status:
    memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
print(json.dumps([seconds * 1000, memory / 1024]))
"""


def start(apps, imports):
    """Return the milliseconds and the MB of one start."""
    words = [sys.executable, "-c", START, json.dumps(apps), imports]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main():
    least = {name: [9e9, 9e9] for name in SITES}
    for _ in range(RUNS):
        for name, site in SITES.items():
            least[name] = [min(pair) for pair in zip(start(*site), least[name], strict=True)]
    before = [0, 0]
    sys.stdout.write(f"{'':36}{'ms':>8}{'MB':>8}{'more ms':>10}{'more MB':>10}\n")
    for name, now in least.items():
        more = [one - other for one, other in zip(now, before, strict=True)]
        sys.stdout.write(f"{name:36}{now[0]:8.0f}{now[1]:8.1f}{more[0]:10.0f}{more[1]:10.1f}\n")
        before = now


if __name__ == "__main__":
    main()
