"""What people type for a duration or a limit, read into values; one reading for CLI and screen."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from quotadeck.domain.commands import MAX_OVERRIDE_MS, Field, Value
from quotadeck.domain.money import parse_usd
from quotadeck.domain.notice import NoticeError
from quotadeck.domain.rules import is_money

_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_TIME: Final = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_NUMBER: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([kKmMgG]?)")
_GROUPED: Final = re.compile(r"[$]?[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]+)?")
_SCALE: Final = re.compile(
    r"[x×]([0-9]{1,9}(?:\.[0-9]{1,9})?)|([-+−]?)([0-9]{1,9}(?:\.[0-9]{1,9})?)%"
)
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


def ending(text: str, now_us: int, zone: tzinfo | None = None) -> tuple[int | None, int | None]:
    """An end as typed: its duration in ms, or its instant; the other is None.

    ``1h30m`` is a duration, all that `instant_us` reads an instant.
    """
    typed = text.replace(" ", "")
    if typed and not _DURATION.sub("", typed):
        return duration_ms(typed), None
    try:
        return None, instant_us(text, now_us, zone)
    except TypedWrong as wrong:
        if wrong.told.kind != "typed.no_time":
            raise
        raise TypedWrong("typed.no_end", typed=text) from None


def instant_us(text: str, now_us: int, zone: tzinfo | None = None) -> int:
    """UTC microseconds of a time as it is typed, or as a screen prints it.

    ``09:00``, at its next occurrence; ``tomorrow 09:00``, ``Thu 09:00``, ``27 Nov 09:00``, or
    ``2026-11-27T09:00``. All are on the clocks of ``zone``, by default the machine's, or of the
    zone behind them (``UTC``, ``Europe/Berlin``); an instant with an offset (``…T09:00Z``) is what
    it says. ``until`` may stand before it. From a second to 31 days ahead.
    """
    typed = re.sub(r"^until\s+", "", " ".join(text.split()), flags=re.IGNORECASE)
    try:
        at, zone = _at(typed, now_us, zone)
        found_us = round(_utc(at, zone) * 1_000_000)
    except (ValueError, OverflowError, KeyError, OSError):
        raise TypedWrong("typed.no_time", typed=text) from None
    if not 1_000 <= (found_us - now_us) // 1_000 <= MAX_OVERRIDE_MS:
        raise TypedWrong("typed.time_range", typed=text)
    return found_us


def _at(typed: str, now_us: int, zone: tzinfo | None) -> tuple[datetime, tzinfo | None]:
    """What the text says, and on whose clocks. Raises ValueError, KeyError or OSError."""
    words = typed.split(" ")
    if len(words) > 1 and (last := words[-1])[:1].isalpha():
        words, zone = words[:-1], _zone(last, now_us, zone)
    now = datetime.fromtimestamp(now_us / 1_000_000, zone)
    *day, clock = words
    if not _TIME.fullmatch(clock):
        at = datetime.fromisoformat(" ".join(words).upper())
        if not _TIME.search(typed):
            raise ValueError(typed)
        return at, zone
    at = datetime.combine(now.date(), time.fromisoformat(clock))
    passed = _utc(at, zone) * 1_000_000 <= now_us
    match [word.lower() for word in day]:
        case []:
            return at + timedelta(days=passed), zone
        case ["today" | "tomorrow" as word]:
            return at + timedelta(days=word == "tomorrow"), zone
        case [word] if word in _WEEKDAYS:
            days = (_WEEKDAYS.index(word) - now.weekday()) % 7
            return at + timedelta(days=days or 7 * passed), zone
        case [number, month, *year] if month in _MONTHS:
            found = date(int(year[0]) if year else now.year, _MONTHS.index(month) + 1, int(number))
            at = datetime.combine(found, at.time())
            ago = not year and _utc(at, zone) * 1_000_000 <= now_us
            return at.replace(year=at.year + ago), zone
    return datetime.fromisoformat(" ".join(words).upper()), zone


def _zone(name: str, now_us: int, own: tzinfo | None) -> tzinfo | None:
    """The zone of that name: the operator's by its short name, UTC, or one of IANA's."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    names = (
        datetime.fromtimestamp(now_us / 1_000_000 + days * 86_400, UTC).astimezone(own).tzname()
        for days in (0, 182)
    )
    return own if name in names else ZoneInfo(name)


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
    (given in nano-dollars); ``x2``, ``x0.5`` and ``50%`` scale, and so do ``+40%`` and ``-20%``,
    by which it is more or less than it is.
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
    percent = Decimal(match[1]) * 100 if match[1] else Decimal(match[3])
    if sign := match[2]:
        percent = 100 + percent if sign == "+" else 100 - percent
    if percent != percent.to_integral_value() or not 1 <= percent <= 100_000:
        raise TypedWrong("typed.no_scale", typed=text)
    return int(percent)
