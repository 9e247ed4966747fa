"""README.md as the package index shows it: links and pictures lead to the repository, which has the files."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
# `](docs/tutorial.md)` and `src="docs/images/code.png"`; not what has a scheme, and not a heading of the page itself.
LINK = re.compile(r"""(\]\(|\bsrc=")(?![a-z]+:|#)([^)"\s]+)""")


def address(root: Path = ROOT) -> str:
    """Return the address of the repository at the tag of this version; empty until `pyproject.toml` names one."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    repository = str(project.get("urls", {}).get("Repository", "")).rstrip("/")
    init = (root / "src/phone_referrals/__init__.py").read_text()
    version = re.search(r'^__version__ = "(.+)"$', init, re.MULTILINE)
    return f"{repository}/{{kind}}/v{version[1]}" if repository and version else ""


def absolute(text: str, address: str) -> str:
    """Return a text whose relative links begin with the address: `raw` for pictures, `blob` for pages."""

    def link(found: re.Match[str]) -> str:
        kind = "raw" if re.search(r"\.(png|svg)$", found[2]) else "blob"
        return f"{found[1]}{address.format(kind=kind)}/{found[2]}"

    return LINK.sub(link, text) if address else text


def rewrite(root: Path) -> None:
    """Rewrite the README of a clone that a package is built from."""
    readme = root / "README.md"
    readme.write_text(absolute(readme.read_text(), address(root)))
