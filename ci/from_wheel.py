"""Add the package to a site that already runs, from its wheel and with the README alone.

    python -m ci.from_wheel dist/*.whl

makes an environment and a project of `startproject` with 1,000 users in it, does what the README says under "Add it to
your site", and signs in and redeems there. Then mypy and pyright read the hosts of `tests/hosts` with that wheel.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT.joinpath("README.md").read_text()
MODELS = "from django.contrib.auth.models import AbstractUser\n\n\nclass User(AbstractUser): ...\n"
GATEWAY = """
class my_gateway:
    @staticmethod
    def send(**message):
        return True
"""
USERS = """
from django.contrib.auth import get_user_model
get_user_model().objects.bulk_create([get_user_model()(username=f"user{number}") for number in range(1000)])
"""
JOURNEY = """
from django.contrib.auth import get_user_model
from django.test import Client
from phone_referrals.testing import sign_in

old = get_user_model().objects.get(username="user7")
old.phone_number = "+12015550107"
old.save()
known, new = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
answer = sign_in(known, "+1 (201) 555-0107")
assert (answer["created"], answer["user"]["id"]) == (False, old.pk), answer
code = known.get("/api/users/me/").json()["referral_code"]
answer = sign_in(new, "+12015550108", referral_code=code)
assert answer["created"] and answer["referral"]["redeemed"], answer
assert known.get("/api/users/me/").json()["invitees"]["count"] == 1
assert get_user_model().objects.count() == 1001
"""
MYPY = """
[mypy]
strict = true
plugins = mypy_django_plugin.main, mypy_drf_plugin.main

[mypy.plugins.django-stubs]
django_settings_module = tests.hosts.abstract_user.settings

[mypy-allauth.*,phonenumber_field.*,simple_history.*]
ignore_missing_imports = true
"""
# Django lets two bases of a model have a `Meta` each, which that rule does not know.
PYRIGHT = '{"include": ["tests/hosts"], "reportIncompatibleVariableOverride": false}'


class Site:
    """A project with its own environment."""

    def __init__(self, directory):
        self.directory, self.bin = directory, directory / "venv/bin"
        self.env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}

    def run(self, program, *arguments, code=None):
        subprocess.run(
            [self.bin / program, *arguments], cwd=self.directory, env=self.env, input=code, text=True, check=True
        )

    def manage(self, *arguments, code=None):
        self.run("python", "manage.py", *arguments, code=code)

    def write(self, file, text):
        self.directory.joinpath(file).write_text(text)

    def append(self, file, text):
        with self.directory.joinpath(file).open("a") as opened:
            opened.write(f"\n{text}")


def lines_of(file):
    """Return what the README says that goes into a file."""
    block, *_ = [each for each in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if f"# {file}\n" in each]
    return re.split(r"^# [\w/]+\.py\n", block.partition(f"# {file}\n")[2], flags=re.MULTILINE)[0].strip() + "\n"


def existing_site(site):
    site.run("django-admin", "startproject", "shop", ".")
    site.manage("startapp", "accounts")
    site.append("shop/settings.py", 'INSTALLED_APPS += ["accounts"]\nAUTH_USER_MODEL = "accounts.User"\n')
    site.write("accounts/models.py", MODELS)
    site.manage("makemigrations", "--verbosity=0")
    site.manage("migrate", "--verbosity=0")
    site.manage("shell", "--verbosity=0", code=USERS)


def adopt(site):
    gateway = re.search(r"`(PHONE_REFERRALS_SMS_BACKEND = [^`]+)`", README)[1]
    accepted = re.search(r"`(phone_referrals\.tokens\.\w+\.\w+)`", README)[1]
    rest_framework = f'REST_FRAMEWORK = {{"DEFAULT_AUTHENTICATION_CLASSES": ["{accepted}"]}}\n'
    site.append("shop/settings.py", lines_of("settings.py") + rest_framework + gateway + "\n")
    site.write("accounts/models.py", MODELS.partition("class")[0] + lines_of("accounts/models.py"))
    site.append("shop/urls.py", lines_of("urls.py"))
    site.write("accounts/sms.py", re.sub(r"my_gateway = .*\n", GATEWAY, lines_of("accounts/sms.py")))
    site.manage("makemigrations", "--verbosity=0")
    site.manage("migrate", "--verbosity=0")
    site.manage("check", "--fail-level=WARNING")


def main(wheel):
    with tempfile.TemporaryDirectory() as directory:
        site = Site(Path(directory))
        subprocess.run([sys.executable, "-m", "venv", site.directory / "venv"], check=True)
        site.run("pip", "install", "--quiet", "--disable-pip-version-check", str(Path(wheel).resolve()))
        existing_site(site)
        adopt(site)
        site.manage("shell", "--verbosity=0", code=JOURNEY)
        sys.stdout.write("A site of 1,000 users has adopted the package from the README.\n")
        read_types(site)


def read_types(site):
    tools = [
        "mypy",
        "django-stubs",
        "djangorestframework-stubs",
        "pyright",
        "dj-database-url",
        "django-allauth",
        "djangorestframework-simplejwt",
        "django-simple-history",
    ]
    site.run("pip", "install", "--quiet", "--disable-pip-version-check", *tools)
    shutil.copytree(ROOT / "tests/hosts", site.directory / "tests/hosts")
    shutil.copy(ROOT / "tests/settings.py", site.directory / "tests")
    site.write("tests/__init__.py", "")
    site.write("mypy.ini", MYPY)
    site.write("pyrightconfig.json", PYRIGHT)
    site.env["PYTHONPATH"] = str(site.directory)  # Where mypy's plugin looks for the settings.
    site.run("mypy", "tests/hosts")
    site.run("pyright", "--pythonpath", site.bin / "python")


if __name__ == "__main__":
    main(sys.argv[1])
