"""Leases: a part of a project's quota that one of its applications holds ahead of its calls.

Amounts are whole requests, whole tokens and nano-dollars; None is no limit of that kind, of which
nothing needs to be held. Instants are UTC microseconds, waits milliseconds.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

LIFE_MS: Final = 60_000
"""A lease that nobody renews ends then."""
RATE_S: Final = 10
"""So many seconds of a project's own rates its leases hold together at most."""
MONEY_PART: Final = 10
"""A lease holds one part in so many of the money that is left at most."""
MOST_OF_A_KEY: Final = 64
MOST_OF_A_PROJECT: Final = 256


class Amounts(NamedTuple):
    """What is leased, asked for, drawn or given back."""

    requests: int | None = None
    tokens: int | None = None
    nano_usd: int | None = None


class LeaseEnd(StrEnum):
    """How a lease came to its end."""

    GIVEN_BACK = "given_back"
    RAN_OUT = "ran_out"
    """Nobody renewed it."""
    BY_OPERATOR = "by_operator"
    PAUSED = "paused"
    """Its project was paused."""
    KEY_GONE = "key_gone"
    """Its key was revoked, ran out, or serves its project no more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Those in an application who wait for quota, as its manager tells: ``count`` of ``who``.

    ``limit`` is what they wait for: ``requests``, ``tokens``, ``money``, or a word of the
    manager's own; ``longest_ms`` is how long the first of them has waited when it was told.
    """

    who: str
    limit: str
    count: int
    longest_ms: int
    priority: str = ""


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease that lives: what it holds, which no call has drawn yet, and what calls have drawn.

    ``until_us`` is when it ends unless it is renewed; ``age_ms`` how long it has lived.
    """

    id: str
    project: str
    key_id: str
    manager: str
    since_us: int
    until_us: int
    age_ms: int
    calls: int
    """So many calls have named it."""
    requests: int | None
    tokens: int | None
    nano_usd: int | None
    drawn_requests: int
    drawn_tokens: int
    drawn_nano_usd: int


@dataclass(frozen=True, slots=True)
class ManagerRow:
    """What a manager in an application told last, ``age_ms`` ago.

    ``lease_id`` is the lease that it holds; empty while it waits for one.
    """

    name: str
    project: str
    key_id: str
    lease_id: str
    told_us: int
    age_ms: int
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class LeasesPage:
    """All leases that live, as of ``at_us``, oldest first; and the managers that told lately."""

    at_us: int
    leases: tuple[LeaseRow, ...] = ()
    managers: tuple[ManagerRow, ...] = ()
