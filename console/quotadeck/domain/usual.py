"""What is usual for a project at this hour of the day, and what is not. Pure.

The hour is of UTC's clock: where clocks are put forward, the usual is an hour off for two weeks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.latency import quantile_ms
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.state import Held, State, StateKind, Urgency

HOUR_US: Final = 3_600_000_000
DAYS: Final = 14
"""So many days are looked back on."""
LEAST_DAYS: Final = 3
LEAST_CALLS: Final = 100
"""From fewer, in all of them, nothing is known to be usual."""
LEAST_ENDED: Final = 20
"""Calls of the last minute whose 95th percentile says something; and a fourth of it goes on to."""
TIMES_IN, TIMES_OUT = 3, 2
LEAST_NANO: Final = NANO_PER_USD
"""Who spends less than this an hour above the usual is not worth a word."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Of the same hour on the days before: the 95th percentile, nano-dollars an hour."""

    p95_ms: int
    nano_an_hour: int


@dataclass(frozen=True, slots=True)
class Lately:
    """What is held against it: the last minute's calls, and the money of it and of ten minutes."""

    ended: int = 0
    p95_ms: int | None = None
    nano_60s: int = 0
    nano_10m: int = 0

    @property
    def nano_an_hour(self) -> int:
        """The rate of the last ten minutes."""
        return self.nano_10m * 6


NOTHING_LATELY: Final = Lately()


def same_hours(now_us: int) -> list[int]:
    """The beginnings of this hour of the day, on the days before."""
    hour_us = now_us - now_us % HOUR_US
    return [hour_us - 24 * HOUR_US * days for days in range(1, DAYS + 1)]


def usual_of(days: int, nano: int, latencies: Sequence[int]) -> Usual | None:
    """From the sums of so many days' hours; None where they are too few to say."""
    p95_ms = quantile_ms(tuple(latencies), 0.95)
    if days < LEAST_DAYS or sum(latencies) < LEAST_CALLS or p95_ms is None:
        return None
    return Usual(p95_ms, nano // days)


def unusual(before: State, usual: Usual | None, lately: Lately) -> Iterable[Held]:
    """Slow and spending fast, in by three times the usual and out below twice."""
    if usual is None:
        return
    slow = bool(before.held(StateKind.SLOW))
    bound, least = (TIMES_OUT, LEAST_ENDED // 4) if slow else (TIMES_IN, LEAST_ENDED)
    p95_ms = lately.p95_ms
    if p95_ms is not None and lately.ended >= least and p95_ms > bound * usual.p95_ms:
        yield Held(
            StateKind.SLOW, Urgency.ATTENTION, "p95", "", p95_ms, usual.p95_ms, over_ms=60_000
        )
    fast = bool(before.held(StateKind.SPENDING))
    bound = TIMES_OUT if fast else TIMES_IN
    # What was spent ten minutes ago says nothing of now, and one dear call nothing of the hour.
    now_too = lately.nano_60s > 0 if fast else lately.nano_60s * 60 > bound * usual.nano_an_hour
    rate = lately.nano_an_hour
    if now_too and rate > bound * usual.nano_an_hour and rate - usual.nano_an_hour > LEAST_NANO:
        yield Held(
            StateKind.SPENDING,
            Urgency.ATTENTION,
            "spend",
            "",
            rate,
            usual.nano_an_hour,
            over_ms=600_000,
        )
