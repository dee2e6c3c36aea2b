"""Calendar days in a project's zone, 23, 24 or 25 hours long, and instants as text."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MICROS = 1_000_000
FIRST_US = -62_135_596_800_000_000
LAST_US = 253_402_300_799_999_999
"""The first and the last instant that dates can name: the years 1 to 9999, in UTC."""


@dataclass(frozen=True, slots=True)
class Day:
    """A local date (``name``, ISO) and the instants from its first midnight to the next date's."""

    name: str
    start_us: int
    end_us: int


def day_at(at_us: int, zone: str) -> Day:
    """The day of the zone that the instant falls on: every instant is on exactly one."""
    date_there = datetime.fromtimestamp(at_us // MICROS, ZoneInfo(zone)).date()
    day = _day(date_there, zone)
    # Clocks set back over midnight show yesterday's date once more; the new day has begun.
    return day if at_us < day.end_us else _day(date_there + timedelta(days=1), zone)


@lru_cache(maxsize=4096)
def _day(name: date, zone: str) -> Day:
    tz = ZoneInfo(zone)
    start, end = (
        datetime.combine(midnight, time.min, tz).astimezone(UTC)
        for midnight in (name, name + timedelta(days=1))
    )
    return Day(name.isoformat(), round(start.timestamp()) * MICROS, round(end.timestamp()) * MICROS)


def rfc3339(at_us: int) -> str:
    """``2026-11-24T03:02:00.123456Z``; microseconds are left out when zero.

    An instant that no date can name, as a made-up id may have it, is the nearest that one can.
    """
    at_us = min(max(at_us, FIRST_US), LAST_US)
    moment = datetime.fromtimestamp(at_us // MICROS, UTC).replace(microsecond=at_us % MICROS)
    return moment.isoformat().replace("+00:00", "Z")


def micros(text: str) -> int:
    """UTC microseconds of an RFC 3339 text. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no zone; write 2026-11-24T03:02:00Z")
    try:
        whole = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from None
    return round(whole.replace(microsecond=0).timestamp()) * MICROS + whole.microsecond
