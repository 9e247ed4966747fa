import pictures
import pytest

from tests.docs.pages import DOCS


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_the_committed_picture_is_the_one_that_is_drawn(name):
    drawn = str(pictures.PICTURES[name]())
    assert (DOCS / f"images/{name}.svg").read_text() == drawn, "Run: make reference"
