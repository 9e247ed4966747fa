"""The documentation as the tests read it: its pages, and the blocks of code in them."""

import re
from pathlib import Path

from from_code import write

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PAGES = {
    str(file.relative_to(ROOT)): write(file.read_text())
    for file in [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]
    if "_build" not in file.parts
}


def blocks(text, language):
    """Return the blocks of a language, each without its indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def without_blocks(text):
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """Return the addresses of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
