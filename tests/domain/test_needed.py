"""What a limit had to be for the last hour to pass."""

import pytest

from quotadeck.domain.commands import Field
from quotadeck.domain.needed import needed
from quotadeck.domain.series import Cells, Series
from quotadeck.domain.snapshot import Flow
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
    assert needed(Field.RPM, series(asked), Flow()) == expected


def test_tokens_of_what_was_refused_are_as_many_as_those_of_what_passed() -> None:
    page = series((20,) * 60, (5,) * 60, (5_000,) * 60)
    assert needed(Field.TPM, page, Flow()) == 22_000
    all_refused = series((20,) * 60, (0,) * 59 + (5,), (0,) * 59 + (5_000,))
    assert needed(Field.TPM, all_refused, Flow()) == 22_000


def test_it_is_no_less_than_what_the_last_60_s_asked_for() -> None:
    flow = Flow(requests_60s=20, refused_60s=30, tokens_60s=40_000)
    assert needed(Field.RPM, series(NONE), flow) == 55
    assert needed(Field.TPM, series(NONE), flow) == 110_000
    assert needed(Field.RPM, series((100,) * 60), flow) == 110
