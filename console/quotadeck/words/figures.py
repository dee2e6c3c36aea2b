"""How facts are written: by the unit in a fact's name, or as the place in the sentence asks."""

from collections.abc import Callable, Mapping
from typing import Final

from quotadeck.domain.ages import age, remaining
from quotadeck.domain.money import usd_exact, usd_short
from quotadeck.domain.notice import Fact
from quotadeck.domain.typed import duration_words
from quotadeck.words.numbers import latency

Instant = Callable[[int], str]
"""How the reader writes UTC microseconds: in the local time of a terminal, or as RFC 3339."""


def usd_text(nano: int) -> str:
    """Exact dollars with at least two decimals: ``$12.50``, ``$0.00123``."""
    whole, _, cents = usd_exact(nano).partition(".")
    return f"${whole}.{cents:0<2}"


def size(count: int) -> str:
    """``640 B``, ``16 MB``, ``1.5 GB``: decimal units, two figures at least."""
    for bytes_, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= bytes_:
            return f"{count / bytes_:.3g} {unit}"
    return f"{count} B"


WRITTEN: Final[Mapping[str, Callable[[int], str]]] = {
    "nano": usd_text,
    "ms": duration_words,
    "bytes": size,
    "percent": lambda percent: f"{percent}%",
    "millis": lambda ms: f"{ms}ms",
    "took": lambda ms: f"{ms}ms" if ms < 1_000 else f"{ms / 1_000:.1f}s",
    "seconds": lambda ms: f"{ms // 1_000}s",
    "number": lambda number: f"{number:,}",
    "usd": usd_short,
    "latency": latency,
    "age": age,
    "left": lambda ms: remaining(ms * 1_000),
}
"""By the unit at the end of a fact's name, or by the word in its place. ``age`` and ``left`` take
milliseconds: how long ago, and how long until."""


def written(name: str, fact: Fact, asked: str, instant: Instant) -> str:
    """The fact as text. A word that is nobody's figure, and no fact at all, are left visible."""
    if isinstance(fact, tuple):
        return ", ".join(fact)
    if asked == "quoted":
        return repr(fact)
    if fact is None or not isinstance(fact, int) or isinstance(fact, bool):
        return str(fact) if fact is not None else "–"
    unit = asked or name.rpartition("_")[2]
    if unit == "us":
        return instant(fact)
    return WRITTEN.get(unit, str)(fact)
