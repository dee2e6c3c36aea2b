"""Numbers as people read them at three in the morning: three significant figures, units once."""

from datetime import UTC, datetime, tzinfo
from typing import Final

from quotadeck.domain.ages import remaining as remaining
from quotadeck.domain.ages import share

NONE: Final = "–"
_SCALES: Final = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


def grouped(text: str) -> str:
    """``1,500,000`` for ``1500000``; what is no whole number stays as it is."""
    return f"{int(text):,}" if text.isdecimal() and text.isascii() else text


def three(number: int) -> str:
    """``640``, ``1.28k``, ``74.1k``, ``310k``, ``1.1M``: at most five characters."""
    for scale, unit in _SCALES:
        if number >= scale - scale // 2_000:
            return _trim(number / scale) + unit
    return str(number)


def short(number: int) -> str:
    """As `three`, but never more than four characters: ``1.3k``, ``74k``, ``310k``, ``1.1M``."""
    text = three(number)
    if len(text) <= 4:
        return text
    value, unit = float(text[:-1]), text[-1]
    return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"


def _trim(value: float) -> str:
    places = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def percent(part: int, whole: int) -> str:
    """`share` in at most four cells: ``12%``, ``0.1%``, ``<.1%``; only the whole is 100 %."""
    text = share(part, whole)
    if len(text) > 4:
        return "<.1%" if text.startswith("<") else text.partition(".")[0] + "%"
    return text


def latency(ms: int | None) -> str:
    """``45ms``, ``0.2s``, ``4.1s``, ``120s``: at most four characters."""
    if ms is None:
        return NONE
    if ms < 100:
        return f"{ms}ms"
    if ms < 9_950:
        return f"{ms / 1000:.1f}s"
    return f"{ms // 1000}s" if ms < 1_000_000 else f"{min(999, ms // 60_000)}m"


def age(ms: int) -> str:
    """How long ago, growing: ``38s``, ``4m``, ``2h``, ``3d``. Empty below five seconds."""
    seconds = ms // 1_000
    if seconds < 5:
        return ""
    if seconds < 100:
        return f"{seconds}s"
    if seconds < 7_200:
        return f"{seconds // 60}m"
    return f"{seconds // 3_600}h" if seconds < 172_800 else f"{seconds // 86_400}d"


def clock_time(at_us: int, zone: tzinfo | None) -> str:
    """``03:02`` in the stated zone; None is the machine's."""
    return local(at_us, zone).strftime("%H:%M")


def day_time(at_us: int, now_us: int, zone: tzinfo | None) -> str:
    """`clock_time`, with the day where that is not today: ``23 Nov 23:58``."""
    then = local(at_us, zone)
    today = then.date() == local(now_us, zone).date()
    return then.strftime("%H:%M") if today else f"{then.day} {then:%b %H:%M}"


def local(at_us: int, zone: tzinfo | None) -> datetime:
    """The instant in the stated zone; None is the machine's."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(zone)


def zone_name(at_us: int, zone: tzinfo | None) -> str:
    """``JST``, ``UTC``, ``+03``."""
    return local(at_us, zone).tzname() or ""
