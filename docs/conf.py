"""The documentation: `make docs`. Built from the pages beside this file and from the code, without a network."""

import os
import sys
from pathlib import Path

import django

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_programs")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

import phone_referrals  # noqa: E402

project = "django-phone-referrals"
author = "django-phone-referrals contributors"
release = version = phone_referrals.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "_programs", "requirements.txt"]

# Links to headings (`page.md#heading`) are checked too; a heading has the address that GitHub gives it.
myst_enable_extensions = ["deflist", "html_image"]
myst_heading_anchors = 3
nitpicky = True
# Names of other packages, whose pages are on the network, and internal names, which have no page.
INTERNAL = (
    r"phone_referrals\.(admin_lists|api|keyset|natural_keys"
    r"|signin\.serializers|signin\.\w+\.(Failure|Message|State))\b.*"
)
nitpick_ignore_regex = [("py:.*", r"(?!phone_referrals).*"), ("py:.*", INTERNAL)]

# Docstrings are written for an editor, with `code` in single backquotes.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "show-inheritance": True}

html_theme = "furo"
html_title = f"django-phone-referrals {release}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sourcelink = False
