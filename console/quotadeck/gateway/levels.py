"""Keeps bucket levels: the record from which a restart starts, and their history."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from quotadeck.domain.bucket import refill
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import RateLimit
from quotadeck.gateway.plan import Plan, limits_of
from quotadeck.limiter import BucketState, Limiter
from quotadeck.store import Ledger

RECORD_EVERY_S = 10
_KEYS_A_SLICE = 400
"""Read in well under a millisecond."""


class LevelKeeper:
    """`second` is called once a second: it samples, and every tenth time records."""

    def __init__(
        self, ledger: Ledger, limiter: Limiter, clock: Clock, plan: Callable[[], Plan]
    ) -> None:
        self._ledger = ledger
        self._limiter = limiter
        self._clock = clock
        self._plan = plan
        self._seconds = 0
        self._least: dict[str, int] = {}
        self._seen: dict[str, BucketState] = {}

    async def second(self) -> None:
        """Note the least level of each bucket that was touched."""
        keys = list(limits_of(self._plan()))
        async for key, state in levels_in_slices(self._limiter, keys):
            if self._seen.get(key) != state:
                self._seen[key] = state
                self._least[key] = min(state.level, self._least.get(key, state.level))
        self._seconds += 1
        if self._seconds % RECORD_EVERY_S == 0:
            await self.record()

    async def record(self) -> None:
        """Write the levels down as of now. Raises OSError where the journal cannot be written.

        All in one go: what is taken between two slices would be neither in the record nor after.
        """
        states = await self._limiter.levels(list(limits_of(self._plan())))
        now_ns, at_us = self._clock.monotonic_ns(), self._clock.wall_us()
        not_full: dict[str, int] = {}
        for key, state in states.items():
            if isinstance(state.limit, RateLimit):
                level = refill(state.level, state.at_ns, state.limit, now_ns)[0]
                if level < state.limit.capacity:
                    not_full[key] = level
        touched = {
            key: (least, not_full.get(key, states[key].level), states[key].limit.amount)
            for key, least in self._least.items()
            if key in states
        }
        self._least.clear()
        self._ledger.levels(at_us, not_full, touched)


async def levels_in_slices(
    limiter: Limiter, keys: Sequence[str]
) -> AsyncIterator[tuple[str, BucketState]]:
    """The states of the buckets that exist; requests get their turn every few hundred keys."""
    for start in range(0, len(keys), _KEYS_A_SLICE):
        for item in (await limiter.levels(keys[start : start + _KEYS_A_SLICE])).items():
            yield item
        await asyncio.sleep(0)
