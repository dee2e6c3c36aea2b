"""What a manager and a project are limited to, and how that is set."""

import asyncio
from typing import Any

import pytest

from quotadeck.client import BudgetSpent, Estimate, NeverFits, QuotaManager, Room
from tests.client.rig import simulated
from tests.client.test_acquire import acquired, left, made
from tests.clocks import HandClock


def test_a_changed_quota_keeps_what_was_used_and_wakes_who_waits() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", rpm=60, budget=1)

    async def work() -> None:
        for _ in range(10):
            await acquired(manager, estimate=Estimate(cost_nano=1_000_000))
        waiting = asyncio.create_task(acquired(manager))
        await asyncio.sleep(0.25)
        manager.set_project_quota("a", rpm=90)
        assert await waiting == pytest.approx(0.25), "it did not sleep on"

    simulated(clock, work())
    assert left(manager) == {"rpm": 4, "budget": 990_000_000}
    manager.set_project_quota("a", rpm=None)
    assert left(manager) == {"budget": 990_000_000}


def test_a_day_begins_at_midnight_of_the_managers_zone() -> None:
    """It is noon in Tokyo: nine hours before its midnight, and 21 before London's."""
    clock = HandClock()
    manager = made(clock, zone="Asia/Tokyo")
    manager.set_project_quota("a", budget="0.01")
    all_of_it = Estimate(cost_nano=10_000_000)

    async def work() -> None:
        await acquired(manager, estimate=all_of_it)
        with pytest.raises(BudgetSpent) as spent:
            await manager.acquire("a", all_of_it)
        assert spent.value.wait_s == 12 * 3_600
        clock.advance_ms(12 * 3_600_000)
        await acquired(manager, estimate=all_of_it)

    simulated(clock, work())


async def test_a_bucket_holds_as_many_seconds_as_it_is_made_with() -> None:
    manager = QuotaManager(60, 6_000, None, 20, concurrency=3, token_window=30, clock=HandClock())
    assert left(manager) == {"rpm": 20, "tpm": 3_000, "concurrency": 3}
    async with manager.acquire("a", 1_000):
        assert left(manager) == {"rpm": 19, "tpm": 2_000, "concurrency": 2}


async def test_projects_share_the_limits_of_everything() -> None:
    manager = QuotaManager(60, None, "0.01", clock=HandClock())
    manager.set_project_quota("a", rpm=600, priority="high")
    rooms = manager.check("a", Estimate(cost_nano=1)).rooms
    assert rooms == (
        Room("project:a:rpm", 600, 100, 1),
        Room("all:rpm", 60, 10, 1),
        Room("all:budget", 10_000_000, 10_000_000, 1),
    )
    for _ in range(10):
        await acquired(manager, estimate=Estimate(cost_nano=1))
    refused = manager.check("b", Estimate(cost_nano=1))
    assert (bool(refused), refused.binding, refused.wait_s) == (False, "all:rpm", 2.0)
    with pytest.raises(NeverFits):
        await manager.acquire("b", Estimate(cost_nano=10_000_001))


async def test_a_clock_that_is_set_far_back_finds_a_day_with_its_money() -> None:
    clock = HandClock()
    manager = made(clock)
    manager.set_project_quota("a", budget=1)
    for _ in range(12):
        await acquired(manager, estimate=Estimate(cost_nano=400_000_000))
        clock.set_wall(clock.wall_us() + 86_400_000_000)
    clock.set_wall(clock.wall_us() - 12 * 86_400_000_000)
    assert manager.check("a", Estimate(cost_nano=1_000_000_000))
    await acquired(manager, estimate=Estimate(cost_nano=1_000_000_000))
    assert not manager.check("a", Estimate(cost_nano=1))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"burst_window": 0}, "burst_window is 1 to 3600 whole seconds, not 0"),
        ({"token_window": 2.5}, "token_window is 1 to 3600 whole seconds, not 2.5"),
        ({"lifetime_s": 0}, "lifetime_s is seconds above zero"),
        ({"zone": "Nowhere/Else"}, "zone is a name such as"),
        ({"key": "qd_of_a_gateway"}, "gateway= is missing or empty"),
        ({"rpm_limit": 2.5}, "rpm must be a whole number"),
        ({"prices": {"m": 2.5}}, "a price is"),
    ],
)
def test_what_a_manager_cannot_be_made_with_is_said_at_once(told: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        QuotaManager(**told)
