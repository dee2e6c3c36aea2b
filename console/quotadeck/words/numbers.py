"""Numbers as people read them at three in the morning: three significant figures, units once."""

from typing import Final

from quotadeck.domain.ages import share
from quotadeck.domain.money import usd_short

NONE: Final = "–"
_SCALES: Final = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


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


def call_cost(nano: int) -> str:
    """What one call cost, in at most eight characters: ``$0.00021``, ``$1.25``; `NONE` for none."""
    if nano <= 0:
        return NONE
    if nano >= 10_000_000:
        return usd_short(nano)
    if nano < 10_000:
        return "<$.00001"
    return f"${nano / 1_000_000_000:.{5 if nano < 1_000_000 else 4}f}"


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
