"""The documentation as the tests read it."""

import re
from pathlib import Path

from tests.docs.blocks import without_blocks

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PAGES = {
    str(file.relative_to(ROOT)): file.read_text()
    for file in [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]
    if "_build" not in file.parts
}


def anchors(text):
    """Return the addresses of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
