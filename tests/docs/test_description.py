"""What clients are made from is of today: docs/openapi.yaml, and the Postman collection that is made of it."""

import os
import subprocess
import sys

from ci.clients import postman
from tests.docs.pages import ROOT


def test_the_committed_description_is_that_of_the_example_site(tmp_path):
    made = tmp_path / "openapi.yaml"
    subprocess.run(
        [sys.executable, "manage.py", "spectacular", "--file", made],
        cwd=ROOT / "example_project",
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DEBUG": "1",
            "DATABASE_URL": "sqlite://:memory:",
        },
        check=True,
    )
    assert made.read_text() == postman.DESCRIPTION.read_text(), "Run: make reference"


def test_the_committed_collection_is_made_of_it():
    assert postman.render() == postman.COLLECTION.read_text(), "Run: make reference"
