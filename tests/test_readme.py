"""What the README says of settings and code is so. Its walk with curl is run against the demo by `readme_walk.py`."""

import ast
import re
from pathlib import Path

from phone_referrals.conf import Conf, conf

README = Path(__file__).parents[1].joinpath("README.md").read_text()


def test_the_table_of_settings_names_every_setting_and_its_default(monkeypatch):
    monkeypatch.setattr("phone_referrals.conf._get", lambda name, default: default)
    table = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`(.+?)`|.*?) \|", README, re.MULTILINE))
    assert {name.lower() for name in table} == {name for name in vars(Conf) if not name.startswith("_")}
    for name, default in table.items():
        if name != "ALLOWED_REGIONS":  # Its default depends on DEBUG.
            assert getattr(conf, name.lower()) == ast.literal_eval(default), name


def test_every_setting_says_what_it_is():
    assert all(Conf.__dict__[name].__doc__ for name in vars(Conf) if not name.startswith("_"))


def test_python_blocks_are_python():
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        ast.parse(block)
