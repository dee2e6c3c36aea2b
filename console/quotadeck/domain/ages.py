"""Ages and times left as people read them; an age grows in steps, so that calm stays still."""

from typing import Final

_STEPS_S: Final = (40, 20, 10, 5)


def age(ms: int) -> str:
    """How long ago: ``<5s``, ``5s``, ``10s``, ``20s``, ``40s``, ``1m``, ``4m``, ``2h``, ``3d``."""
    seconds = max(0, ms) // 1_000
    if seconds < 60:
        return next((f"{step}s" for step in _STEPS_S if seconds >= step), "<5s")
    if seconds < 7_200:
        return f"{seconds // 60}m"
    return f"{seconds // 3_600}h" if seconds < 172_800 else f"{seconds // 86_400}d"


def remaining(us: int) -> str:
    """How long until an end: whole minutes, rounded up; seconds only in the last one."""
    seconds = max(0, -(-us // 1_000_000))
    if seconds <= 60:
        return f"{seconds}s"
    minutes = -(-seconds // 60)
    if minutes < 120:
        return f"{minutes}m" if minutes != 60 else "1h"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h" if rest < 30 else f"{hours + 1}h"
    return f"{hours // 24}d"


def share(part: int, whole: int) -> str:
    """``12%``, ``99.6%``, ``<0.1%``: cut, never rounded up over a bound; a dash without a whole."""
    if whole <= 0:
        return "–"
    tenths = part * 1_000 // whole
    if part > 0 and tenths == 0:
        return "<0.1%"
    if (tenths < 100 and tenths % 10) or 990 <= tenths < 1_000:
        return f"{tenths // 10}.{tenths % 10}%"
    return f"{tenths // 10}%"
