"""Keeps bucket levels: the record from which a restart starts, and their history."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from quotadeck.domain.bucket import refill
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import BudgetLimit, RateLimit
from quotadeck.limiter import BucketState, Limiter
from quotadeck.store import Ledger

RECORD_EVERY_S = 10
_A_SLICE = 400
"""Buckets read before the event loop gets a turn: well under a millisecond."""


class LevelKeeper:
    """`second` is called once a second: it samples, and every tenth time records.

    ``undrawn`` is what leases hold, by bucket: a restart forgets them, so that it is recorded as
    being there.
    """

    def __init__(
        self,
        ledger: Ledger,
        limiter: Limiter,
        clock: Clock,
        undrawn: Callable[[], Awaitable[Mapping[str, int]]] | None = None,
    ) -> None:
        self._undrawn = undrawn
        self._ledger = ledger
        self._limiter = limiter
        self._clock = clock
        self._seconds = 0
        self._least: dict[str, int] = {}
        self._seen: dict[str, tuple[BucketState, int]] = {}
        """As last looked at, and when: those not full when last recorded, and those touched since.
        """

    async def second(self) -> None:
        """Note the least level of each bucket that was touched."""
        await self._look()
        self._seconds += 1
        if self._seconds % RECORD_EVERY_S == 0:
            await self.record()

    async def record(self) -> None:
        """Write the levels down as of now. Raises OSError where the journal cannot be written."""
        await self._look()
        undrawn = await self._undrawn() if self._undrawn else {}
        now_ns, at_us = self._clock.monotonic_ns(), self._clock.wall_us()
        not_full: dict[str, int] = {}
        kept: dict[str, int] = {}
        for key, (state, at_ns) in self._seen.items():
            if isinstance(state.limit, RateLimit):
                level = refill(state.level, at_ns, state.limit, now_ns)[0]
                if level < state.limit.capacity:
                    not_full[key] = level
                    if (level := level + undrawn.get(key, 0)) < state.limit.capacity:
                        kept[key] = level
        seen = self._seen
        touched = {
            key: (least, not_full.get(key, seen[key][0].level), seen[key][0].limit.amount)
            for key, least in self._least.items()
        }
        self._least = {}
        self._seen = {key: seen[key] for key in not_full}
        self._ledger.levels(at_us, kept, touched)

    async def _look(self) -> None:
        """Note what was touched since the last look.

        It returns in the turn in which nothing was touched unseen: what is taken between a look
        and its record would be neither in the record nor after it.
        """
        while touched := list(await self._limiter.touched("levels")):
            for start in range(0, len(touched), _A_SLICE):
                if start:
                    await asyncio.sleep(0)
                states = await self._limiter.levels(touched[start : start + _A_SLICE])
                now_ns = self._clock.monotonic_ns()
                for key, state in states.items():
                    if not isinstance(state.limit, BudgetLimit):
                        self._seen[key] = state, now_ns
                        self._least[key] = min(state.level, self._least.get(key, state.level))
