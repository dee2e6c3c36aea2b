"""An instant says its day where that is not today, on the clocks of the stated zone."""

from zoneinfo import ZoneInfo

import pytest

from quotadeck.domain.days import micros
from quotadeck.words.times import day_time, zone_name

NOW_US = micros("2026-11-23T15:30:00Z")
TOKYO, UTC = ZoneInfo("Asia/Tokyo"), ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("at", "zone", "told"),
    [
        ("2026-11-23T15:02:09Z", UTC, "15:02"),
        ("2026-11-23T14:59:00Z", UTC, "14:59"),
        ("2026-11-23T14:59:00Z", TOKYO, "23 Nov 23:59"),
        ("2026-11-24T02:00:00Z", TOKYO, "11:00"),
        ("2025-11-23T15:30:00Z", UTC, "23 Nov 2025 15:30"),
    ],
)
def test_the_day_is_told_where_it_is_not_today(at: str, zone: ZoneInfo, told: str) -> None:
    assert day_time(micros(at), NOW_US, zone) == told


@pytest.mark.parametrize(("hour", "told"), [(23, "01:30"), (0, "02:30 CEST"), (1, "02:30 CET")])
def test_of_an_hour_that_comes_twice_it_is_told_which(hour: int, told: str) -> None:
    at_us = micros(f"2026-10-{24 if hour == 23 else 25}T{hour:02}:30:00Z")
    assert day_time(at_us, micros("2026-10-25T08:00:00Z"), ZoneInfo("Europe/Berlin")) == told


def test_a_table_has_the_seconds_and_its_head_the_zone() -> None:
    at_us = micros("2026-11-22T15:02:09Z")
    assert day_time(at_us, NOW_US, TOKYO, seconds=True) == "23 Nov 00:02:09"
    assert zone_name(at_us, TOKYO) == "JST"
