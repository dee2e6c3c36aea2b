"""Calendar days in a project's zone: 23, 24 or 25 hours long, each with a name and an end."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MICROS = 1_000_000


@lru_cache(maxsize=4096)
def _bounds(day: date, zone: str) -> tuple[int, int]:
    tz = ZoneInfo(zone)
    start = datetime.combine(day, time.min, tz).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time.min, tz).astimezone(UTC)
    return round(start.timestamp()) * MICROS, round(end.timestamp()) * MICROS


def day_of(at_us: int, zone: str) -> tuple[str, int]:
    """The local date (ISO) that the instant falls on, and the instant at which that day ends."""
    local = datetime.fromtimestamp(at_us // MICROS, ZoneInfo(zone)).date()
    return local.isoformat(), _bounds(local, zone)[1]


def rfc3339(at_us: int) -> str:
    """``2026-11-24T03:02:00.123456Z``; microseconds are left out when zero."""
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
