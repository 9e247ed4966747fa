import ast

import pictures
import pytest

import phone_referrals
from tests.docs.pages import DOCS, ROOT

SOURCE = ROOT / "src/phone_referrals"


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_the_committed_picture_is_the_one_that_is_drawn(name):
    drawn = str(pictures.PICTURES[name]())
    assert (DOCS / f"images/{name}.svg").read_text() == drawn, "Run: make reference"


def imports_of(file):
    """Return the rooms that a file imports."""
    imports = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith(f"{phone_referrals.__name__}.")}


def test_the_arrows_of_the_layout_are_the_imports():
    files = [file for room in pictures.ROOMS for file in SOURCE.joinpath(room).rglob("*.py") if file.name != "urls.py"]
    arrows = {(file.relative_to(SOURCE).parts[0], name) for file in files for name in imports_of(file)}
    assert {(room, name) for room, name in arrows if name in pictures.ROOMS and room != name} == set(pictures.IMPORTS)
