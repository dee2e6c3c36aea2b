"""Keeps bucket levels: the record from which a restart starts, and their history."""

from collections.abc import Callable

from console.domain.bucket import refill
from console.domain.clock import Clock
from console.domain.limits import RateLimit
from console.gateway.plan import Plan, limits_of
from console.limiter import BucketState, Limiter
from console.store import Ledger

RECORD_EVERY_S = 10


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
        for key, state in (await self._states()).items():
            if self._seen.get(key) != state:
                self._seen[key] = state
                self._least[key] = min(state.level, self._least.get(key, state.level))
        self._seconds += 1
        if self._seconds % RECORD_EVERY_S == 0:
            await self.record()

    async def record(self) -> None:
        """Write the levels down as of now. Raises OSError where the journal cannot be written."""
        states = await self._states()
        now_ns, at_us = self._clock.monotonic_ns(), self._clock.wall_us()
        not_full: dict[str, int] = {}
        for key, state in states.items():
            if isinstance(state.limit, RateLimit):
                level = refill(state.level, state.at_ns, state.limit, now_ns)[0]
                if level < state.limit.capacity:
                    not_full[key] = level
        touched = {
            key: (least, not_full.get(key, states[key].level))
            for key, least in self._least.items()
            if key in states
        }
        self._least.clear()
        self._ledger.levels(at_us, not_full, touched)

    async def _states(self) -> dict[str, BucketState]:
        return await self._limiter.levels(list(limits_of(self._plan())))
