"""Calendar days of 23, 24 and 25 hours, and instants as text."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quotadeck.domain.days import day_at, micros, rfc3339

HOUR_US = 3_600_000_000
SINCE_2015_US = st.integers(1_420_070_400_000_000, 2_200_000_000_000_000)
ZONES = st.sampled_from(sorted(available_timezones()))


def at(text: str) -> int:
    return micros(text)


@pytest.mark.parametrize(
    ("zone", "noon", "hours"),
    [
        ("UTC", "2026-06-01T12:00:00Z", 24),
        ("Europe/Berlin", "2026-03-29T10:00:00Z", 23),
        ("Europe/Berlin", "2026-10-25T11:00:00Z", 25),
        ("America/New_York", "2026-11-01T17:00:00Z", 25),
        ("Australia/Lord_Howe", "2026-04-05T02:00:00Z", 24.5),
        ("America/Havana", "2026-03-08T16:00:00Z", 23),
        ("America/Havana", "2026-11-01T17:00:00Z", 25),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(zone: str, noon: str, hours: float) -> None:
    day = day_at(at(noon), zone)
    assert day.name == noon[:10]
    assert day.end_us - day.start_us == hours * HOUR_US


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-11-24T03:02:00Z", "UTC", "2026-11-24"),
        ("2026-11-24T03:02:00Z", "America/New_York", "2026-11-23"),
        ("2026-11-24T22:00:00Z", "Asia/Tokyo", "2026-11-25"),
        ("2011-12-30T09:59:59.999999Z", "Pacific/Apia", "2011-12-29"),
        ("2011-12-30T10:00:00Z", "Pacific/Apia", "2011-12-31"),
    ],
)
def test_an_instant_falls_on_the_zones_own_date(instant: str, zone: str, day: str) -> None:
    assert day_at(at(instant), zone).name == day


def test_a_day_that_a_zone_skipped_has_no_length() -> None:
    day = day_at(at("2011-12-30T09:59:59Z"), "Pacific/Apia")
    assert rfc3339(day.end_us) == "2011-12-30T10:00:00Z"


def test_a_date_that_is_shown_again_after_midnight_is_not_begun_again() -> None:
    """St. John's set its clocks back at 00:01: yesterday's last hour came twice."""
    again_us = at("2010-11-07T02:45:00Z")
    assert datetime.fromtimestamp(again_us // 1_000_000, ZoneInfo("America/St_Johns")).day == 6
    assert day_at(again_us, "America/St_Johns").name == "2010-11-07"
    assert day_at(at("2010-11-07T02:30:00Z"), "America/St_Johns").name == "2010-11-07"


@given(SINCE_2015_US, ZONES)
@example(at_us=1_520_136_000_000_000, zone="America/Sao_Paulo")
def test_the_days_of_a_zone_follow_each_other_without_gap_or_overlap(at_us: int, zone: str) -> None:
    day = day_at(at_us, zone)
    assert day.start_us <= at_us < day.end_us
    assert day_at(day.start_us, zone) == day_at(day.end_us - 1, zone) == day
    following = day_at(day.end_us, zone)
    assert following.start_us == day.end_us
    assert following.name > day.name
    assert 22 * HOUR_US < following.end_us - following.start_us < 26 * HOUR_US


@given(st.integers(-(10**15), 10**17))
def test_an_instant_survives_being_written_and_read(at_us: int) -> None:
    assert micros(rfc3339(at_us)) == at_us


def test_instants_are_written_without_needless_zeros() -> None:
    assert rfc3339(1_795_489_320_123_456) == "2026-11-24T03:02:00.123456Z"
    assert rfc3339(1_795_489_320_000_000) == "2026-11-24T03:02:00Z"


def test_an_offset_is_read_as_what_it_is() -> None:
    assert micros("2026-11-24T05:02:00+02:00") == at("2026-11-24T03:02:00Z")
    moment = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(microseconds=7)
    assert micros(moment.isoformat()) % 1_000_000 == 7


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-11-24",
        "2026-11-24T03:02:00",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
    ],
)
def test_what_is_no_instant_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        micros(text)
