"""Acquire, settle and wait, by asyncio in simulated time."""

import asyncio
from typing import Any

import pytest

from quotadeck.client import (
    AcquireTimeout,
    BudgetSpent,
    Estimate,
    NeverFits,
    NotSettled,
    PriceUnknown,
    QuotaManager,
    TooManyWaiting,
    Usage,
    core,
)
from tests.client.rig import simulated
from tests.clocks import HandClock

HALF: Any = 0.5
TOKENS = Estimate(1_000, 100, cost_nano=5_000_000)


def made(clock: HandClock | None = None, **told: Any) -> QuotaManager:
    """A manager without limits of everything."""
    return QuotaManager(None, None, None, clock=clock or HandClock(), **told)


def left(manager: QuotaManager, project: str = "a") -> dict[str, int]:
    return {room.kind: room.left for room in manager.check(project).rooms}


async def test_what_is_acquired_is_taken_and_what_was_used_stays() -> None:
    manager = made()
    manager.set_project_quota("a", rpm=60, tpm=60_000, budget="0.5", concurrency=3)
    before = {"rpm": 10, "concurrency": 3, "tpm": 60_000, "budget": 500_000_000}
    assert left(manager) == before
    async with manager.acquire("a", TOKENS) as reservation:
        held = {"rpm": 9, "concurrency": 2, "tpm": 58_900, "budget": 495_000_000}
        assert left(manager) == held
        reservation.sent()
        charge = reservation.settle(900, 50, cost_nano=4_000_000)
    assert (charge.input_tokens, charge.output_tokens, charge.cost_nano) == (900, 50, 4_000_000)
    after = {"rpm": 9, "concurrency": 3, "tpm": 59_050, "budget": 496_000_000}
    assert left(manager) == after
    assert reservation.settle(1) == charge, "it ends once"
    reservation.release()
    assert left(manager) == after


async def test_left_without_settling_it_is_charged_as_estimated() -> None:
    manager = made()
    manager.set_project_quota("a", tpm=60_000)
    async with manager.acquire("a", TOKENS) as reservation:
        pass
    assert reservation.charge == (1_000, 100, 5_000_000, True)
    assert left(manager) == {"tpm": 58_900}


@pytest.mark.parametrize(("sent", "remains"), [(False, 60_000), (True, 58_900)])
async def test_an_error_releases_what_was_not_sent(sent: bool, remains: int) -> None:
    manager = made()
    manager.set_project_quota("a", tpm=60_000)

    async def fail() -> None:
        async with manager.acquire("a", TOKENS) as reservation:
            if sent:
                reservation.sent()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert left(manager) == {"tpm": remains}


async def test_a_forgotten_reservation_is_charged_and_holds_nothing() -> None:
    manager = made()
    manager.set_project_quota("a", tpm=60_000, concurrency=1)
    await manager.acquire("a", TOKENS)
    assert left(manager) == {"concurrency": 1, "tpm": 58_900}
    assert manager.usage_report()["a"].estimated == 1


async def test_a_report_knows_the_projects_that_were_named_and_no_others() -> None:
    manager = made()
    manager.check("a")
    report = manager.usage_report()
    assert (report["a"].requests, [one.project for one in report.projects]) == (0, ["a"])
    with pytest.raises(KeyError, match="nobody"):
        report["nobody"]


async def test_one_open_for_too_long_is_charged_as_estimated() -> None:
    clock = HandClock()
    manager = made(clock, lifetime_s=5)
    manager.set_project_quota("a", concurrency=1)
    kept = await manager.acquire("a")
    clock.advance_ms(4_999)
    assert left(manager) == {"concurrency": 0}
    clock.advance_ms(1_000)
    assert left(manager) == {"concurrency": 1}
    kept.settle(5)


def test_whoever_must_wait_waits_exactly_and_first_come_is_first_served() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", rpm=60)
    served: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        async with manager.acquire("a") as reservation:
            served.append((number, round(reservation.waited_s, 2)))

    async def all_of_them() -> None:
        await asyncio.gather(*map(one, range(14)))

    simulated(clock, all_of_them())
    assert served == [(n, max(0.0, n - 9.0)) for n in range(14)]


def test_a_higher_class_goes_ahead_and_a_lower_one_is_not_starved() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", rpm=6)
    served: list[str] = []

    async def one(priority: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        async with manager.acquire("a", priority=priority):
            served.append(f"{priority} of {after_s}")

    async def all_of_them() -> None:
        async with manager.acquire("a"):
            pass
        low = asyncio.create_task(one("low", 0))
        others = [asyncio.create_task(one("high", after)) for after in (1, 11, 21, 29)]
        await asyncio.gather(low, *others)

    simulated(clock, all_of_them())
    assert served == ["high of 1", "high of 11", "low of 0", "high of 21", "high of 29"]


def test_a_higher_class_takes_the_turn_of_the_head_that_it_displaces() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", rpm=6)

    async def work() -> tuple[float, float]:
        await acquired(manager)
        before = asyncio.create_task(acquired(manager))
        await asyncio.sleep(1)
        higher = await acquired(manager, priority="high")
        return higher, await before

    assert simulated(clock, work()) == pytest.approx((9, 20), abs=0.01)


def test_a_slot_that_comes_back_goes_to_the_head_at_once() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", concurrency=1)

    async def work() -> float:
        first = await manager.acquire("a")
        waiting = asyncio.create_task(acquired(manager))
        await asyncio.sleep(0.1)
        first.settle()
        return await waiting

    assert simulated(clock, work()) == pytest.approx(0.1)


async def acquired(manager: QuotaManager, **how: Any) -> float:
    async with manager.acquire("a", **how) as reservation:
        return reservation.waited_s


def test_a_timeout_ends_the_wait_and_leaves_nothing_behind() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", rpm=6)

    async def work() -> None:
        await acquired(manager)
        with pytest.raises(AcquireTimeout) as late:
            await manager.acquire("a", timeout=3)
        assert late.value.waited_s == pytest.approx(3, abs=0.01)
        assert late.value.wait_s == pytest.approx(7, abs=0.01)
        assert late.value.bucket == "project:a:rpm"
        with pytest.raises(TimeoutError):
            await manager.acquire("a", timeout=0)
        assert await acquired(manager, timeout=8) == pytest.approx(7, abs=0.01)

    simulated(clock, work())
    report = manager.usage_report()["a"]
    assert (report.refused, report.waiting, report.requests) == (2, 0, 2)


def test_a_timeout_tells_the_whole_wait_also_of_one_that_was_promised_no_turn() -> None:
    """A turn is promised a minute ahead; whoever is later asks again meanwhile."""
    clock = HandClock()
    manager = QuotaManager(1, None, None, clock=clock)

    async def work() -> None:
        await acquired(manager)
        first = asyncio.create_task(acquired(manager))
        await asyncio.sleep(0)
        with pytest.raises(AcquireTimeout, match=r"all:rpm, 118\.0 s more were needed") as late:
            await manager.acquire("b", timeout=2)
        assert late.value.wait_s == pytest.approx(118, abs=0.01)
        with pytest.raises(
            AcquireTimeout, match="behind 1 more of its requests: give it a longer timeout"
        ):
            await manager.acquire("a", timeout=1)
        await first

    simulated(clock, work())


async def test_a_line_that_is_full_takes_nobody_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "MOST_WAITING", 2)
    manager = made()
    manager.set_project_quota("a", concurrency=1)
    first = await manager.acquire("a")
    waiting = [asyncio.create_task(acquired(manager)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyWaiting, match="2 requests of project a wait already") as full:
        await manager.acquire("a")
    assert full.value.waiting == 2
    report = manager.usage_report()["a"]
    assert (report.refused, report.waiting) == (1, 2)
    first.settle()
    await asyncio.gather(*waiting)


def test_a_cancelled_head_lets_the_next_one_go_on() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", tpm=600)

    async def work() -> float:
        await acquired(manager, estimate=600)
        large = asyncio.create_task(acquired(manager, estimate=600))
        await asyncio.sleep(0)
        small = asyncio.create_task(acquired(manager, estimate=10))
        await asyncio.sleep(2)
        large.cancel()
        return await small

    assert simulated(clock, work()) == pytest.approx(2, abs=0.01)


async def test_spent_money_is_told_at_once_and_held_money_is_waited_for() -> None:
    manager = made()
    manager.set_project_quota("a", budget="0.010")
    first = await manager.acquire("a", Estimate(cost_nano=6_000_000))
    waiting = asyncio.create_task(acquired(manager, estimate=Estimate(cost_nano=6_000_000)))
    await asyncio.sleep(0)
    assert not waiting.done()
    first.settle(1, cost_nano=1_000_000)
    await waiting
    with pytest.raises(BudgetSpent) as spent:
        await manager.acquire("a", Estimate(cost_nano=6_000_000))
    assert (spent.value.left_nano, spent.value.asked_nano) == (3_000_000, 6_000_000)
    with pytest.raises(NeverFits):
        await manager.acquire("a", Estimate(cost_nano=10_000_001))


async def test_a_request_without_a_price_is_not_free() -> None:
    manager = made(prices={"m": ("2", "8")}, unknown_price=None)
    manager.set_project_quota("a", budget=1)
    async with manager.acquire("a", Estimate(1_000, 100, model="m")) as reservation:
        reservation.settle(Usage(500, 0, 100))
    assert reservation.charge == (500, 100, 500 * 2_000 + 100 * 8_000, False)
    with pytest.raises(PriceUnknown, match="model x"):
        await manager.acquire("a", Estimate(1_000, model="x"))
    (await manager.acquire("no budget", Estimate(1_000, model="x"))).settle()
    assert made().check("a", 1_000).rooms == ()


async def test_what_tells_no_usage_settles_nothing() -> None:
    manager = made()
    manager.set_project_quota("a", concurrency=1)
    reservation = await manager.acquire("a")
    for nothing in ("12", object(), {"id": "x"}, -1, True, {"usage": None}, Usage(-1), 1.5):
        with pytest.raises(NotSettled):
            reservation.settle(nothing)
    for cost in (-1, HALF):
        with pytest.raises(NotSettled, match="whole nano-dollars"):
            reservation.settle(1, cost_nano=cost)
    assert (reservation.ended, left(manager)) == (False, {"concurrency": 0})
    reservation.settle(1)
    assert left(manager) == {"concurrency": 1}


@pytest.mark.parametrize(
    "wrong", [-1, 2.5, True, "5", None, Estimate(-1), Estimate(HALF), Estimate(1, 2, HALF)]
)
async def test_what_is_no_estimate_is_refused_and_takes_nothing(wrong: Any) -> None:
    manager = made()
    manager.set_project_quota("a", rpm=60, tpm=60_000)
    for ask in (manager.check, manager.acquire, manager.for_threads().acquire):
        with pytest.raises((TypeError, ValueError), match=r"estimate|tokens"):
            ask("a", wrong)
    assert left(manager) == {"rpm": 10, "tpm": 60_000}


async def test_a_tier_without_a_price_costs_what_was_held() -> None:
    manager = made(prices={"m": "1"})
    estimate = Estimate(input_tokens=1_000, output_tokens=0, model="m")
    for tier, nano in (("", 10_000), ("ultrafast", 1_000_000)):
        reservation = await manager.acquire("a", estimate)
        charge = reservation.settle(Usage(10, 0, 0, tier=tier), model="m")
        assert charge.cost_nano == nano
