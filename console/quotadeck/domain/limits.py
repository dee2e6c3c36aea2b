"""Limits as values: what a bucket's level is measured against.

Levels and amounts are integers in micro-units (a millionth of a request or of a token), money in
nano-dollars, slots in whole slots.
"""

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

MICRO = 1_000_000
_MICRO_PER_MINUTE_NS = 60_000
"""per_minute × 10⁶ micro-units ÷ (60 × 10⁹ ns): micro-units per ns are per_minute ÷ 60,000."""

REQUEST_WINDOW_S = 10
TOKEN_WINDOW_S = 60
MAX_WINDOW_S = 3_600
MAX_PER_MINUTE = 1_000_000_000_000
MAX_SLOTS = 1_000_000
NEVER_US = 1 << 62
"""The end of a budget that no day renews, such as that of a whole job."""


class Priority(IntEnum):
    """Classes of requests; a smaller number goes first."""

    HIGH = 0
    MEDIUM = 1
    LOW = 2

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> "Priority":
        """The class of that word. Raises KeyError."""
        return cls[word.upper()]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket: ``per_minute`` units a minute, holding at most ``window_s`` seconds of them.

    The refill is the reduced fraction ``gain`` micro-units every ``every_ns`` nanoseconds, so that
    crediting whole steps loses nothing, however often it is asked.
    """

    per_minute: int
    window_s: int
    capacity: int = field(init=False)
    gain: int = field(init=False)
    every_ns: int = field(init=False)

    def __post_init__(self) -> None:
        if not 1 <= self.per_minute <= MAX_PER_MINUTE:
            raise ValueError(f"a limit of {self.per_minute} per minute is not in 1 … 10^12")
        if not 1 <= self.window_s <= MAX_WINDOW_S:
            raise ValueError(f"a window of {self.window_s} s is not in 1 … {MAX_WINDOW_S}")
        step = math.gcd(self.per_minute, _MICRO_PER_MINUTE_NS)
        capacity = max(MICRO, self.per_minute * MICRO * self.window_s // 60)
        object.__setattr__(self, "capacity", capacity)
        object.__setattr__(self, "gain", self.per_minute // step)
        object.__setattr__(self, "every_ns", _MICRO_PER_MINUTE_NS // step)

    @property
    def amount(self) -> int:
        """The limit as people set it, in whole units."""
        return self.per_minute


@dataclass(frozen=True, slots=True)
class SlotLimit:
    """At most ``slots`` requests at the same time."""

    slots: int

    @property
    def amount(self) -> int:
        """The limit as people set it."""
        return self.slots


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """Money of one calendar day in the project's zone: ``day`` (ISO) ends at ``ends_at_us``."""

    nano_usd: int
    day: str
    ends_at_us: int
    starts_at_us: int = 0

    @property
    def amount(self) -> int:
        """The limit as people set it, in nano-dollars."""
        return self.nano_usd


Limit = RateLimit | SlotLimit | BudgetLimit


def rpm(per_minute: int, window_s: int = REQUEST_WINDOW_S) -> RateLimit:
    """Requests per minute; the default burst is ten seconds' worth, at least one request."""
    return RateLimit(per_minute, window_s)


def tpm(per_minute: int, window_s: int = TOKEN_WINDOW_S) -> RateLimit:
    """Tokens per minute; the default burst is a whole minute's worth."""
    return RateLimit(per_minute, window_s)


class Take(NamedTuple):
    """What a request asks of one bucket: a tuple, for a request makes half a dozen.

    ``amount`` is in the limit's unit: micro-units, slots or nano-dollars. ``shared`` buckets serve
    several projects and keep reserves for higher classes; a ``shadow`` limit refuses nothing.
    """

    key: str
    amount: int
    limit: Limit
    shared: bool = False
    shadow: bool = False
