"""Terms that people type, read into what is sought of the calls; what is no term is told so."""

from datetime import timedelta, timezone

import pytest

from quotadeck.domain.ago import ago_us
from quotadeck.domain.days import rfc3339
from quotadeck.domain.sought import ANY, Sought, sought
from quotadeck.domain.typed import TypedWrong
from quotadeck.words.times import clock_time
from tests.tui.call_book import call, night
from tests.tui.scenes import AT_US
from tests.wording import refuses

JST = timezone(timedelta(hours=9), "JST")
MINUTE_US = 60_000_000
ID = "req_01a2099261f070008000000000000008"


def found(typed: str) -> list[int]:
    """Which of the night's calls, by their number."""
    it = sought(typed, AT_US, JST)
    return [number for number, one in enumerate(night(), 1) if it.finds(one)]


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("project:search", [2, 4]),
        ("project:checkout cause:budget", [6, 7]),
        ("budget", [6, 7]),
        ("refused", [5, 6, 7]),
        ("outcome:upstream_error", [4]),
        ("target:main/gemini-2.5-flash", [1, 3]),
        ("key:21a86f", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("key:…21a86f model:gpt-4.1 since:-20s", [5, 6, 7, 8]),
        ("since:03:01:50", [6, 7, 8]),
        ("until:-1h", [1]),
        ("since:2026-11-24T03:01:20 until:2026-11-24T03:01:40", [3, 4]),
        (ID, [8]),
        ("01a2099261", [8]),
        ("id:req_01A209926", [8]),
        ("01a2…0008", [8]),
        ("…0007 refused", [7]),
    ],
)
def test_what_is_found(typed: str, numbers: list[int]) -> None:
    assert found(typed) == numbers


def test_an_id_narrows_the_time_to_what_its_digits_say() -> None:
    made_us = call(8, ago_ms=2_000).at_us
    for typed in (ID, ID[:12], ID[:9]):
        it = sought(typed, AT_US, JST)
        assert it.since_us is not None
        assert it.until_us is not None
        assert it.since_us <= made_us < it.until_us
    assert (sought(ID, AT_US).whole_id, sought(ID[:30], AT_US).whole_id) == (ID, "")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("price:3", "'price:3' is no term; there are id:, project:, model:, target:, key:"),
        ("project:", "'project:' is no term"),
        ("checkout", "'checkout' is no request's id"),
        ("id:01a", "'01a' is no request's id"),
        ("cause:money", "'money' is no cause; there are bad_key, broken_reply, budget"),
        ("outcome:bad", "'bad' is no outcome; there are ok"),
        ("since:tomorrow", "'tomorrow' is no time of the past such as -2h"),
        ("until:-99d", "'-99d' is no time of the past"),
        ("since:2030-01-01", "'2030-01-01' is yet to come"),
    ],
)
def test_what_is_no_term_is_told_so(typed: str, why: str) -> None:
    with refuses(TypedWrong, why):
        sought(typed, AT_US, JST)


def test_nothing_asks_for_all() -> None:
    assert sought("  ", AT_US) == ANY == Sought()


@pytest.mark.parametrize(
    ("typed", "ago"),
    [("-2h", 120), ("15m", 15), ("03:00", 2), ("3:02", 0), ("03:03", 1_439), ("23:58", 184)],
)
def test_a_time_of_day_is_the_last_one(typed: str, ago: int) -> None:
    assert ago_us(typed, AT_US, JST) == AT_US - ago * MINUTE_US


@pytest.mark.parametrize(
    "typed", ["0001-01-01", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z"]
)
def test_nothing_was_before_1970(typed: str) -> None:
    with pytest.raises(TypedWrong) as wrong:
        ago_us(typed, AT_US, JST)
    assert wrong.value.told.kind == "typed.no_past"


def test_an_id_of_no_year_is_looked_for_in_the_last_one() -> None:
    it = sought("req_ffffffffffff70008000000000000008", AT_US)
    assert it.since_us is not None
    assert rfc3339(it.since_us) == "9999-12-31T23:59:59.999999Z"
    assert clock_time(it.since_us, JST)
