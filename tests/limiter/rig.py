"""A limiter and the clock it reads, with the small vocabulary that the promises are told in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from quotadeck.domain.limits import MICRO, BudgetLimit, Priority, RateLimit, SlotLimit, Take
from quotadeck.limiter import Admitted, BucketState, Limiter, Refused, TurnName
from tests.clocks import HandClock

RPM, TPM, SLOTS, MONEY = (
    "project:a:rpm",
    "project:a:tpm",
    "project:a:concurrency",
    "project:a:budget",
)
TARGET_RPM, TARGET_TPM = "target:u/m:rpm", "target:u/m:tpm"
DAY_US = 86_400_000_000


@dataclass(slots=True)
class Rig:
    """What a test holds: it asks for reservations and reads levels as of now."""

    limiter: Limiter
    clock: HandClock
    _ids: "count[int]" = field(default_factory=count)

    async def ask(
        self,
        *takes: Take,
        name: str = "",
        priority: Priority = Priority.MEDIUM,
        ttl_ms: int = 3_600_000,
        turn: str = "",
        owner: str = "a",
    ) -> Admitted | Refused:
        """Acquire under ``name``, or under a name never used before; ``owner`` wants the turn."""
        name = name or f"req_{next(self._ids)}"
        wanted = TurnName(owner, turn) if turn else None
        return await self.limiter.acquire(name, takes, priority, ttl_ms, wanted)

    async def admits(self, *takes: Take, name: str = "", ttl_ms: int = 3_600_000) -> str:
        """The shadow limit that it names, as a rule none; refusing fails."""
        answer = await self.ask(*takes, name=name, ttl_ms=ttl_ms)
        assert isinstance(answer, Admitted), answer
        return answer.shadowed

    async def moves(
        self, name: str, gone: Mapping[str, int], *takes: Take, ttl_ms: int = 3_600_000
    ) -> Admitted | Refused | None:
        """Exchange at medium priority."""
        return await self.limiter.exchange(name, gone, takes, Priority.MEDIUM, ttl_ms)

    async def passes(self, *takes: Take, priority: Priority = Priority.MEDIUM) -> bool:
        return isinstance(await self.ask(*takes, priority=priority), Admitted)

    async def passing(self, *takes: Take, priority: Priority = Priority.MEDIUM) -> int:
        """How many such requests pass until the first refusal."""
        passed = 0
        while await self.passes(*takes, priority=priority):
            passed += 1
        return passed

    async def state(self, key: str) -> BucketState:
        return (await self.limiter.levels([key]))[key]

    async def left(self, key: str) -> int:
        """The level now: micro-units refilled, free slots or nano-dollars."""
        return (await self.state(key)).level

    async def spent(self, key: str) -> int:
        """Nano-dollars spent on the bucket's day."""
        state = await self.state(key)
        assert isinstance(state.limit, BudgetLimit)
        return state.limit.nano_usd - state.level - state.held

    async def all_left(self, *keys: str) -> Mapping[str, int]:
        return {key: await self.left(key) for key in keys}


def one(limit: RateLimit, key: str = RPM, *, shared: bool = False, shadow: bool = False) -> Take:
    """A whole request of a rate bucket."""
    return Take(key, MICRO, limit, shared=shared, shadow=shadow)


def tokens(number: int, limit: RateLimit, key: str = TPM, *, shared: bool = False) -> Take:
    return Take(key, number * MICRO, limit, shared=shared)


def slot(slots: int) -> Take:
    return Take(SLOTS, 1, SlotLimit(slots))


def money(nano: int, budget: BudgetLimit, *, shadow: bool = False) -> Take:
    return Take(MONEY, nano, budget, shadow=shadow)


def budget(
    nano: int, clock: HandClock, day: str = "2026-11-24", in_us: int = DAY_US
) -> BudgetLimit:
    """A budget whose day ends ``in_us`` from the clock's present."""
    return BudgetLimit(nano, day, clock.wall_us() + in_us)
