"""What a limit had to be for the last hour to pass."""

import pytest

from quotadeck.domain.commands import Field
from quotadeck.domain.needed import needed
from quotadeck.domain.series import Cells, Series
from quotadeck.domain.subject import Subject

NONE = (0,) * 60


def series(asked: Cells, ended: Cells | None = None, tokens: Cells = NONE) -> Series:
    of = Subject.project("analytics")
    return Series(of, asked, NONE, NONE, asked if ended is None else ended, tokens, NONE)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((10,) * 60, 11),
        ((1,) * 57 + (100,) * 3, 2),
        ((1,) * 56 + (100,) * 4, 110),
        ((None,) * 50 + (10,) * 10, 11),
        ((0,) * 57 + (100,) * 3, 1),
        ((0,) * 60, None),
        ((None,) * 60, None),
    ],
)
def test_it_is_the_95th_percentile_of_a_minute_and_a_tenth_more(
    asked: Cells, expected: int | None
) -> None:
    assert needed(Field.RPM, series(asked)) == expected


def test_tokens_of_what_was_refused_are_as_many_as_those_of_what_passed() -> None:
    page = series((20,) * 60, (5,) * 60, (5_000,) * 60)
    assert needed(Field.TPM, page) == 22_000
    all_refused = series((20,) * 60, (0,) * 59 + (5,), (0,) * 59 + (5_000,))
    assert needed(Field.TPM, all_refused) == 22_000
