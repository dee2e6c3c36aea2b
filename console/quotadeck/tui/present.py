"""The reader's present: what time it is for the figures on the screen, and what they cover."""

from dataclasses import dataclass
from typing import Final

FORECAST_US: Final = 600_000_000
MINUTE_US: Final = 60_000_000
LEAST_US: Final = 10_000_000
"""A rate divides by the time that was counted, at least this: no rate from one request."""


@dataclass(frozen=True, slots=True)
class Present:
    """The reader's present on the sender's clocks. ``live`` is False when readings are late.

    ``counted_us`` is how much of the last ten minutes' spend the sender knows of, ``counting_us``
    how long it has counted everything else: less than a window after its start.
    """

    now_ms: int
    now_us: int
    live: bool = True
    counted_us: int = FORECAST_US
    counting_us: int = FORECAST_US
    lacks: frozenset[str] = frozenset()
    """What of a past instant is not on record: see `quotadeck.domain.snapshot.Gap`."""


def counted_minute_us(now: Present) -> int:
    """How much of the last minute the sender's figures cover: less right after its start."""
    return max(LEAST_US, min(now.counting_us, MINUTE_US))
