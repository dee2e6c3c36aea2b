"""The readings of the command line in another language than English."""

from collections.abc import Iterator

import pytest

from quotadeck.words import use
from tests.cli.conftest import Run
from tests.words.pseudo import PSEUDO


@pytest.fixture
def pseudo() -> Iterator[None]:
    before = use(PSEUDO)
    yield
    use(before)


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("command", ["status", "projects", "audit"])
def test_a_reading_is_worded_in_another_language(inside: Run, command: str) -> None:
    assert inside("resume", "quiet").code == 1  # an entry of the audit, with a reason to word
    assert inside("pause", "quiet", "--reason", "night").code == 0  # a state to word
    done = inside(command)
    assert inside("resume", "quiet").code == 0
    assert (done.code, done.err) == (0, "")
    assert "語" in done.out
