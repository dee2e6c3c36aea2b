"""A run: a job with limits of its own, which stops by itself."""

import asyncio
import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from quotadeck.client import (
    Estimate,
    NeverFits,
    QuotaManager,
    Reservation,
    Run,
    RunEnded,
    SyncQuotaManager,
)
from quotadeck.client.runs import RUNS_KEPT, seconds_of
from tests.client.rig import simulated
from tests.clocks import HandClock
from tests.processes import wait_until


def made(clock: HandClock | None = None) -> QuotaManager:
    return QuotaManager(None, None, None, clock=clock or HandClock())


async def spend(run: Run, nano: int = 0, used: int | None = None) -> None:
    async with run.acquire("a", Estimate(cost_nano=nano)) as reservation:
        reservation.settle(1, cost_nano=nano if used is None else used)


async def test_a_run_is_bound_by_its_requests_and_its_project() -> None:
    manager = made()
    manager.set_project_quota("a", rpm=60, priority="high")
    run = manager.run("import", requests=3)
    rooms = {room.bucket.partition(":")[0] + ":" + room.kind: room for room in run.check("a").rooms}
    assert (rooms["run:requests"].left, rooms["project:rpm"].left) == (3, 10)
    for _ in range(3):
        await spend(run)
    with pytest.raises(RunEnded, match="all 3 requests are made"):
        await spend(run)
    with pytest.raises(RunEnded):
        run.check("a")
    assert (run.usage().requests, run.ended) == (3, "all 3 requests are made")
    async with manager.acquire("a"):
        pass
    assert [room.left for room in manager.check("a").rooms] == [6]
    assert [each.name for each in manager.usage_report().runs] == ["import"]


async def test_a_run_ends_with_its_money_and_waits_for_what_may_come_back() -> None:
    run = made().run("import", budget="0.000000010")
    first = await run.acquire("a", Estimate(cost_nano=8))
    waiting = asyncio.create_task(spend(run, 5))
    await asyncio.sleep(0)
    assert not waiting.done()
    first.settle(1, cost_nano=3)
    await waiting
    with pytest.raises(NeverFits):
        await spend(run, 11)
    assert not run.ended
    with pytest.raises(RunEnded, match="left"):
        await spend(run, 3)
    with pytest.raises(RunEnded):
        await spend(run, 1)
    assert (run.usage().spent_nano, run.usage().held_nano) == (8, 0)


def test_a_run_ends_with_its_lifetime_also_for_who_waits() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", rpm=6)

    async def work() -> float:
        async with manager.run("import", lifetime="5s") as run:
            await spend(run)
            assert run.usage().left_s == 5
            with pytest.raises(RunEnded, match="lifetime"):
                await spend(run)
            await spend(made(clock).run("import"))
        return clock.monotonic_ns() / 1e9

    assert simulated(clock, work()) == pytest.approx(6, abs=0.01)
    assert manager.usage_report()["a"].waiting == 0


@pytest.mark.parametrize("why", ["it was ended", "all 1 requests are made"])
def test_a_run_that_ends_tells_also_who_waits_behind_others(why: str) -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", rpm=1)

    async def work() -> float:
        await manager.acquire("a")
        others = asyncio.create_task(manager.acquire("a").__aenter__())
        await asyncio.sleep(0.5)
        run = manager.run("import", requests=1)
        waiting = asyncio.create_task(spend(run))
        await asyncio.sleep(0.5)
        if why == "it was ended":
            run.end()
        else:
            for _ in range(2):
                with suppress(RunEnded):
                    async with run.acquire("b"):
                        pass
        with pytest.raises(RunEnded, match=why):
            await waiting
        others.cancel()
        return clock.monotonic_ns() / 1e9 - 2

    assert simulated(clock, work()) == pytest.approx(0, abs=0.01)


async def test_a_run_of_the_same_name_goes_on_until_it_was_ended() -> None:
    clock = HandClock()
    manager = made(clock)
    async with manager.run("import", requests=2, lifetime=60) as run:
        await spend(run)
        await spend(manager.run("import", requests=2, lifetime=60))
        with pytest.raises(ValueError, match="goes on"):
            manager.run("import", requests=3)
        with pytest.raises(RunEnded):
            await spend(run)
        with pytest.raises(RunEnded):
            await spend(manager.run("import", requests=2))
    await spend(manager.run("import", requests=1, lifetime=60))
    with pytest.raises(RunEnded, match="requests"):
        await spend(manager.run("import", requests=1))
    clock.advance_ms(60_000)
    await spend(manager.run("import", requests=1))


async def test_runs_that_are_over_leave_next_to_nothing_behind() -> None:
    manager = made()
    async with manager.run("first", budget=1) as first:
        await spend(first, 7)
    for number in range(200):
        async with manager.run(f"for request {number}", requests=1) as run:
            await spend(run, 1)
    assert len(manager.usage_report().runs) == RUNS_KEPT + 1
    for kept in ("_buckets", "_touched"):
        assert len(getattr(manager._core.limiter, kept)) < 3 * RUNS_KEPT
    assert (first.usage().requests, first.usage().spent_nano) == (1, 7)
    assert manager.usage_report()["a"].requests == 201


def test_a_thread_waits_for_a_runs_money_that_may_come_back() -> None:
    run = SyncQuotaManager(None, None, None).run("import", budget="0.000000010")
    first = run.acquire("a", Estimate(cost_nano=8))
    waited = run.check("a", Estimate(cost_nano=5))
    assert (bool(waited), waited.wait_s) == (False, None), "no day's end brings it"
    found: list[Reservation] = []
    waiting = threading.Thread(
        target=lambda: found.append(run.acquire("a", Estimate(cost_nano=5), timeout=1e12))
    )
    waiting.start()
    wait_until(lambda: run.usage().held_nano == 8 and run.check("a").waiting)
    first.settle(1, cost_nano=3)
    waiting.join(10)
    assert [one.estimate.cost_nano for one in found] == [5]
    found[0].release()


def test_a_run_of_threads_is_the_same() -> None:
    manager = SyncQuotaManager(None, None, None, clock=HandClock())
    with manager.run("import", requests=1) as run, run.acquire("a"):
        pass
    with pytest.raises(RunEnded, match="it was ended"):
        run.acquire("a")
    with manager.run("import", requests=1) as again, again.acquire("a"):
        pass


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("90s", 90), ("1h30m", 5_400), ("0.5d", 43_200), (7, 7), (timedelta(minutes=2), 120)],
)
def test_a_lifetime_is_written_in_these_ways(told: Any, seconds: float) -> None:
    assert seconds_of(told) == seconds


@pytest.mark.parametrize("told", ["", "1", "h", "-1s", 0, -3, "1 h", timedelta(0)])
def test_what_is_no_lifetime_is_refused(told: Any) -> None:
    with pytest.raises(ValueError):
        seconds_of(told)
