"""The limiter in memory: the promises of every limiter, and its own."""

import gc
from collections.abc import Coroutine
from typing import Any

import pytest

from quotadeck.domain.limits import BudgetLimit, Priority, SlotLimit, Take, rpm
from quotadeck.limiter import Limiter, MemoryLimiter, TurnName
from quotadeck.limiter.buckets import DAYS_KEPT, MoneyBucket
from tests.clocks import HandClock
from tests.limiter.conformance import LimiterPromises
from tests.limiter.rig import RPM, Rig, money, one, slot


class TestMemoryLimiter(LimiterPromises):
    def limiter_over(self, clock: HandClock) -> Limiter:
        return MemoryLimiter(clock)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def limiter(clock: HandClock) -> MemoryLimiter:
    return MemoryLimiter(clock)


def test_every_call_completes_without_suspending(limiter: MemoryLimiter) -> None:
    calls: list[Coroutine[Any, Any, object]] = [
        limiter.acquire("a", [one(rpm(6)), slot(1)], Priority.LOW, 1_000),
        limiter.acquire("b", [one(rpm(6)), slot(1)], Priority.LOW, 1_000),
        limiter.exchange("a", {RPM: 0}, [one(rpm(6))], Priority.LOW, 1_000),
        limiter.draw("a", "c", [one(rpm(6))], Priority.LOW, 1_000),
        limiter.held("a"),
        limiter.charge([one(rpm(6))]),
        limiter.settle("a", {}),
        limiter.release("a"),
        limiter.expire(),
        limiter.relimit({RPM: rpm(60)}),
        limiter.levels([RPM]),
        limiter.touched("me"),
        limiter.epoch(),
        limiter.restore({}),
        limiter.forget(TurnName("a", "mine")),
    ]
    for call in calls:
        with pytest.raises(StopIteration):
            call.send(None)


async def test_a_bucket_keeps_its_kind(limiter: MemoryLimiter, clock: HandClock) -> None:
    rig = Rig(limiter, clock)
    await rig.ask(one(rpm(60)))
    with pytest.raises(ValueError, match="project:a:rpm cannot become a SlotLimit"):
        await rig.ask(Take(RPM, 1, SlotLimit(1)))


async def test_nothing_of_ended_reservations_and_past_days_is_kept(
    limiter: MemoryLimiter, clock: HandClock
) -> None:
    rig = Rig(limiter, clock)
    for number in range(300):
        day = BudgetLimit(1_000, f"day {number:03}", clock.wall_us() + 1)
        await rig.admits(one(rpm(60_000)), slot(2), money(1, day), name=str(number))
        if number % 3 == 0:
            await limiter.settle(str(number), {})
        elif number % 3 == 1:
            await limiter.release(str(number))
        else:
            clock.advance_ms(3_600_000)
            assert await limiter.expire() == (str(number),)
    gc.collect()
    days = {one.limit.day for one in gc.get_objects() if isinstance(one, MoneyBucket)}
    assert {day for day in days if day.startswith("day ")} == {
        f"day {n}" for n in range(300 - DAYS_KEPT, 300)
    }
    assert limiter._live == {}
    assert len(limiter._buckets) == 3
