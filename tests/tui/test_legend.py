"""The help explains the signs of a page that no word stands beside."""

import pytest

from quotadeck.tui.keys.table import Place
from quotadeck.tui.pages.legend import legend


@pytest.mark.parametrize(("place", "sign"), [("overview", "rpm 54/m"), ("project", "≤9")])
def test_figures_that_could_be_read_otherwise_are_explained(place: Place, sign: str) -> None:
    assert dict(legend(place))[sign]
