"""What is true of the README beside what `test_names.py` finds; and the Russian one keeps step with it.

Its walk with curl is run against the demo by `ci/readme_walk.py`, its ten lines by `ci/from_wheel.py`.
"""

import re

from ci import readme
from tests.docs.blocks import blocks, without_blocks
from tests.docs.pages import PAGES

ENGLISH, RUSSIAN = PAGES["README.md"], PAGES["README.ru.md"]
LANGUAGES = ["console", "python", "html", "text"]


def levels(text):
    return [len(marks) for marks in re.findall(r"^(#+) ", without_blocks(text), re.MULTILINE)]


def code(text):
    """Return what stands in the blocks, without comments but for those that name a file."""
    return [re.sub(r" +# .+$", "", block, flags=re.MULTILINE) for each in LANGUAGES for block in blocks(text, each)]


def test_the_russian_readme_has_the_same_headings_and_code():
    assert levels(RUSSIAN) == levels(ENGLISH)
    assert code(RUSSIAN) == code(ENGLISH)
    assert len(code(ENGLISH)) >= 10


def links(text):
    return re.findall(r"\]\(([^)]+)\)", text)


def test_it_has_the_same_links_and_pictures_and_tables():
    assert set(links(RUSSIAN)) - {"README.md"} == set(links(ENGLISH)) - {"README.ru.md"}
    assert re.findall(r'src="([^"]+)"', RUSSIAN) == re.findall(r'src="([^"]+)"', ENGLISH)
    rows = [[line.count("|") for line in text.splitlines() if line.startswith("|")] for text in (ENGLISH, RUSSIAN)]
    assert rows[0] == rows[1]


def test_it_names_the_same_code_in_its_sentences():
    named = [set(re.findall(r"`([^`\n]+)`", without_blocks(text))) for text in (ENGLISH, RUSSIAN)]
    assert named[0] == named[1]


def test_adoption_takes_ten_lines():
    (block,) = [each for each in blocks(ENGLISH, "python") if each.startswith("# settings.py")]
    lines = [line for line in block.splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 10


def test_on_the_package_index_its_links_lead_to_the_repository(tmp_path):
    (tmp_path / "src/phone_referrals").mkdir(parents=True)
    (tmp_path / "src/phone_referrals/__init__.py").write_text('__version__ = "1.2"\n')
    (tmp_path / "README.md").write_text(ENGLISH)
    urls = '[project.urls]\nRepository = "https://example.com/phones/"\n'
    (tmp_path / "pyproject.toml").write_text("[project]\n" + urls)
    readme.rewrite(tmp_path)
    shown = (tmp_path / "README.md").read_text()
    assert readme.LINK.search(shown) is None
    assert "](https://example.com/phones/blob/v1.2/docs/tutorial.md)" in shown
    assert 'src="https://example.com/phones/raw/v1.2/docs/images/code.png"' in shown
    assert re.sub(r"https://example\.com/phones/(blob|raw)/v1\.2/", "", shown) == ENGLISH


def test_without_an_address_its_links_stay(tmp_path):
    assert readme.absolute(ENGLISH, "") == ENGLISH
