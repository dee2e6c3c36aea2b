"""Instants of the past as people type them: ``-2h``, ``02:30``, ``2026-11-25T23:58``."""

import re
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from quotadeck.domain.typed import TypedWrong, duration_ms

_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def ago_us(typed: str, now_us: int, zone: tzinfo | None = None) -> int:
    """UTC microseconds of ``-2h`` or ``2h`` ago, of ``02:30`` at its last occurrence, of a date.

    Clock times are those of ``zone``, by default the machine's; an instant with an offset
    (``…T09:00Z``) is what it says. Raises TypedWrong; what is to come, or was before
    1970, is none.
    """
    text = typed.strip()
    now = datetime.fromtimestamp(now_us / 1_000_000, zone)
    try:
        if _CLOCK.fullmatch(text):
            at = datetime.combine(now.date(), time.fromisoformat(text.zfill(5)))
            if _utc_us(at, zone) > now_us:
                at -= timedelta(days=1)
        elif _DAY.match(text):
            at = datetime.fromisoformat(text.upper())
        else:
            return now_us - duration_ms(text.removeprefix("-")) * 1_000
        found_us = _utc_us(at, zone)
    except (ValueError, OverflowError):  # TypedWrong is one, and speaks of a change's end
        raise TypedWrong("typed.no_past", typed=typed) from None
    if found_us < 0:
        raise TypedWrong("typed.no_past", typed=typed)
    if found_us > now_us:
        raise TypedWrong("typed.to_come", typed=typed)
    return found_us


def _utc_us(at: datetime, zone: tzinfo | None) -> int:
    placed = at if at.tzinfo or zone is None else at.replace(tzinfo=zone)
    return round(placed.timestamp() * 1_000_000)
