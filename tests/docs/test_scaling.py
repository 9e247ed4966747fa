"""The page on scaling shows what the check of it runs with."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_router_of_the_page_is_the_one_that_was_run():
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/topics/scaling.md").read_text(), re.DOTALL)
    used = (ROOT / "ci/scaling/settings.py").read_text()
    without_words = [re.sub(r"  #.*", "", line) for line in block.splitlines() if line.strip()]
    assert [line for line in without_words if line not in used.splitlines()] == []
