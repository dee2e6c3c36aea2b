"""What people type for a duration or a limit, read into values; one reading for CLI and screen."""

import re
from datetime import datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from quotadeck.domain.commands import MAX_OVERRIDE_MS, Field, Value
from quotadeck.domain.money import parse_usd
from quotadeck.domain.notice import NoticeError
from quotadeck.domain.rules import is_money

_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")
_TIME: Final = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_NUMBER: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([kKmMgG]?)")
_GROUPED: Final = re.compile(r"[$]?[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]+)?")
_SCALE: Final = re.compile(r"[x×]([0-9]{1,9}(?:\.[0-9]{1,9})?)|([0-9]{1,9}(?:\.[0-9]{1,9})?)%")
_SUFFIX: Final = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


class TypedWrong(NoticeError, ValueError):
    """The text is not what was asked for."""


def duration_ms(text: str) -> int:
    """Milliseconds of ``90s``, ``15m``, ``1h30m`` or ``2d``, from a second to 31 days."""
    parts = _DURATION.findall(text)
    if not parts or "".join(a + b for a, b in parts) != text:
        raise TypedWrong("typed.no_duration", typed=text)
    total = sum(int(number) * _UNITS_MS[unit] for number, unit in parts)
    if not 1_000 <= total <= MAX_OVERRIDE_MS:
        raise TypedWrong("typed.duration_range", typed=text)
    return total


def instant_us(text: str, now_us: int, zone: tzinfo | None = None) -> int:
    """UTC microseconds of ``09:00``, at its next occurrence, or of ``2026-11-27T09:00``.

    Both are on the clocks of ``zone``, by default the machine's; an instant with an offset
    (``…T09:00Z``) is what it says. From a second to 31 days ahead.
    """
    typed = text.strip().upper()
    now = datetime.fromtimestamp(now_us / 1_000_000, zone)
    try:
        if _TIME.fullmatch(typed):
            at = datetime.combine(now.date(), time.fromisoformat(typed))
            if _utc(at, zone) * 1_000_000 <= now_us:
                at += timedelta(days=1)
        else:
            at = datetime.fromisoformat(typed)
            if not _TIME.search(typed):
                raise ValueError(typed)
        found_us = round(_utc(at, zone) * 1_000_000)
    except (ValueError, OverflowError):
        raise TypedWrong("typed.no_time", typed=text) from None
    if not 1_000 <= (found_us - now_us) // 1_000 <= MAX_OVERRIDE_MS:
        raise TypedWrong("typed.time_range", typed=text)
    return found_us


def _utc(at: datetime, zone: tzinfo | None) -> float:
    # A datetime without a zone is taken as the machine's.
    return (at if at.tzinfo or zone is None else at.replace(tzinfo=zone)).timestamp()


def duration_words(ms: int) -> str:
    """``1h30m``: the two largest units that are not zero; under a second is ``0s``."""
    seconds, words = ms // 1_000, []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _UNITS_MS[unit] // 1_000)
        if count:
            words.append(f"{count}{unit}")
    return "".join(words[:2]) or "0s"


def limit_value(field: Field, text: str) -> tuple[Value | None, int | None]:
    """A limit as typed: its value, or the percentage to scale it by; the other is None.

    ``40``, ``80k``, ``1.5M``, ``80,000`` are values (whole units), ``12.50`` dollars for a budget
    (given in nano-dollars); ``x2``, ``x0.5`` and ``50%`` scale.
    """
    if _GROUPED.fullmatch(text):  # as the screen prints them
        text = text.replace(",", "")
    scale = _scale_percent(text)
    if scale is not None:
        return None, scale
    money = is_money(field)
    match = _NUMBER.fullmatch(text.removeprefix("$") if money else text)
    if match is None:
        kind = "typed.no_money" if money else "typed.no_value"
        raise TypedWrong(kind, typed=text, field=field.value)
    amount = Decimal(match[1]) * _SUFFIX[match[2].lower()]
    if money:
        return parse_usd(format(amount, "f")), None
    if amount != amount.to_integral_value():
        raise TypedWrong("typed.not_whole", typed=text, field=field.value)
    return int(amount), None


def _scale_percent(text: str) -> int | None:
    match = _SCALE.fullmatch(text)
    if match is None:
        return None
    percent = Decimal(match[1]) * 100 if match[1] else Decimal(match[2])
    if percent != percent.to_integral_value() or not 1 <= percent <= 100_000:
        raise TypedWrong("typed.no_scale", typed=text)
    return int(percent)
