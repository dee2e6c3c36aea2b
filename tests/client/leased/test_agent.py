"""What goes on in the background: many projects at once, and an end by which nothing is lost."""

import asyncio
import gc
import json
import threading
from typing import Any

import pytest

from quotadeck.client import Estimate, QuotaManager, SyncQuotaManager
from quotadeck.client.leased.agent import MOST_THREADS
from quotadeck.client.leased.core import LeasedCore
from tests.client.help.door import Given, door
from tests.clocks import HandClock
from tests.processes import PATIENCE_S, Gateway, wait_until

from .standing_in import standing_in
from .test_odd_gateways import LEASE

KEY = "qd_" + "x" * 40
ASKED = Estimate(80, 20, 2_000_000, "gpt-4.1")


def leases(gateway: Gateway, project: str) -> list[dict[str, Any]]:
    return [row for row in gateway.get("/leases")["leases"] if row["project"] == project]


def told(gateway: Gateway, key: str, count: int) -> list[dict[str, Any]]:
    """The records of what that key's managers have told, once they have told of so many calls."""

    def all_told() -> Any:
        calls = gateway.calls(key=key[3:11])
        return sum(call["count"] for call in calls) >= count and calls

    calls: list[dict[str, Any]] = wait_until(all_told)
    assert sum(call["count"] for call in calls) == count
    return calls


def test_what_was_used_is_told_of_managers_that_nobody_closed(gateway: Gateway) -> None:
    key = gateway.add_key("dropped")

    def job() -> None:
        manager = SyncQuotaManager(gateway=gateway.base_url, key=key)
        manager.acquire("dropped", ASKED).settle(60, 10, cost_nano=700_000)

    def forgets() -> None:
        SyncQuotaManager(gateway=gateway.base_url, key=key).acquire("dropped", ASKED)

    for _ in range(4):
        job()
    forgets()
    gc.collect()
    calls = told(gateway, key, 5)
    assert sum(call["cost_nano_usd"] for call in calls) == 4 * 700_000 + 2_000_000
    wait_until(lambda: not leases(gateway, "dropped"))


def test_managers_of_one_name_are_each_told_from_one_on(gateway: Gateway) -> None:
    key = gateway.add_key("named")
    for _ in range(3):
        manager = SyncQuotaManager(gateway=gateway.base_url, key=key, name="worker")
        manager.acquire("named", ASKED).settle(60, 10)
        manager.close()
    told(gateway, key, 3)


@pytest.mark.parametrize("ends_by", ["an operator", "a pause"])
def test_what_was_used_is_told_at_the_end_also_without_a_lease(
    gateway: Gateway, ends_by: str
) -> None:
    key = gateway.add_key("leaseless")
    manager = SyncQuotaManager(gateway=gateway.base_url, key=key)
    reservation = manager.acquire("leaseless", ASKED)
    (lease,) = leases(gateway, "leaseless")
    if ends_by == "a pause":
        gateway.command("pause", "project:leaseless", for_ms=600_000)
    else:
        gateway.command("end_lease", f"lease:{lease['id']}")
    reservation.settle(60, 10)
    manager.close()
    told(gateway, key, 1)
    if ends_by == "a pause":
        gateway.command("resume", "project:leaseless")
    assert leases(gateway, "leaseless") == [], "to tell takes none"
    quota = next(row for row in gateway.snapshot().projects if row.id == "leaseless")
    assert quota.budget.held_nano == 0


def test_what_ends_after_the_manager_is_told_all_the_same(gateway: Gateway) -> None:
    key = gateway.add_key("behind")
    manager = SyncQuotaManager(gateway=gateway.base_url, key=key)
    reservations = [manager.acquire("behind", ASKED) for _ in range(2)]
    manager.close()
    reservations.pop().settle(60, 10)
    told(gateway, key, 1)
    del reservations, manager  # that one is forgotten by all
    gc.collect()
    told(gateway, key, 2)


def test_who_has_told_too_much_is_leased_to_all_the_same() -> None:
    """The gateway takes so many records of a key: what was used is told later, then."""
    too_many = Given(429, {"error": {"code": "too_many_reports"}}, {"retry-after-ms": "100"})
    clock = HandClock()
    with door(LEASE, too_many, *[LEASE] * 20) as there:
        manager = SyncQuotaManager(gateway=there.url, key=KEY, clock=clock)
        core = manager._core
        assert isinstance(core, LeasedCore)
        manager.acquire("a", 10, timeout=PATIENCE_S).settle(10)
        clock.advance_ms(600)
        core.agent.call()
        wait_until(lambda: len(there.bodies) == 2 and not core.pools["a"].asked)
        clock.advance_ms(100)
        held = [manager.acquire("a", 10, timeout=0) for _ in range(4)]  # all that is left
        wait_until(lambda: len(there.bodies) == 3)
        for reservation in held:
            reservation.release()
        clock.advance_ms(2_000)
        manager.close()
        _, refused, again, told = [json.loads(body or "{}") for body in there.bodies]
    assert (refused["used"][0]["requests"], refused["used_number"]) == (1, 1)
    assert "more" in again
    assert "used" not in again
    assert told["used_number"] == 1, "it is told by itself"


def test_a_project_does_not_wait_for_the_answers_to_others() -> None:
    """The gateway answers nobody before it has been asked for so many."""
    all_there = threading.Barrier(MOST_THREADS)

    def before(method: str, path: str) -> None:
        if method == "POST":
            all_there.wait(PATIENCE_S)

    with standing_in(before) as address:
        manager = SyncQuotaManager(gateway=address, key=KEY)
        admitted: list[str] = []

        def acquires(project: str) -> None:
            manager.acquire(project, 10, timeout=PATIENCE_S).release()
            admitted.append(project)

        names = [f"p{number}" for number in range(MOST_THREADS)]
        threads = [threading.Thread(target=acquires, args=(name,), daemon=True) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert sorted(admitted) == names
        manager.close()


def test_threads_are_few_however_many_projects_ask() -> None:
    let, asked, before_it = threading.Event(), threading.Semaphore(0), threading.enumerate()

    def before(method: str, path: str) -> None:
        asked.release()
        let.wait(PATIENCE_S)

    with standing_in(before) as address:
        manager = SyncQuotaManager(gateway=address, key=KEY)

        def acquires(project: str) -> None:
            manager.acquire(project, 10).release()

        waiters = [
            threading.Thread(target=acquires, args=(name,), daemon=True)
            for name in [f"p{number}" for number in range(3 * MOST_THREADS)]
        ]
        for waiter in waiters:
            waiter.start()
        for _ in range(MOST_THREADS):
            assert asked.acquire(timeout=PATIENCE_S)
        new = [one for one in threading.enumerate() if one not in before_it]
        assert sum(one.name == "quotadeck leases" for one in new) <= MOST_THREADS
        let.set()
        for waiter in waiters:
            waiter.join(PATIENCE_S)
            assert not waiter.is_alive()
        manager.close()


def test_nobody_who_waits_for_a_slow_gateway_asks_in_vain_again_and_again() -> None:
    let, asked = threading.Event(), threading.Event()

    def before(method: str, path: str) -> None:
        asked.set()
        let.wait(PATIENCE_S)

    with standing_in(before) as address:
        manager = SyncQuotaManager(gateway=address, key=KEY)
        waiter = threading.Thread(target=lambda: manager.acquire("a", 10).release(), daemon=True)
        waiter.start()
        assert asked.wait(PATIENCE_S)
        assert manager.check("a", 10).wait_s is None, "he is woken by the answer"
        let.set()
        waiter.join(PATIENCE_S)
        assert not waiter.is_alive()
        manager.close()


async def test_a_loop_goes_on_while_its_manager_is_closed() -> None:
    let, asked = threading.Event(), threading.Event()

    def before(method: str, path: str) -> None:
        if method == "DELETE":
            asked.set()
            assert let.wait(PATIENCE_S)

    with standing_in(before) as address:
        manager = QuotaManager(gateway=address, key=KEY)
        (await manager.acquire("a", 10)).release()
        closing = asyncio.create_task(manager.aclose())
        while not asked.is_set():
            assert not closing.done()
            await asyncio.sleep(0.001)
        let.set()
        await closing


async def test_a_block_gives_back_at_its_end(gateway: Gateway) -> None:
    key = gateway.add_key("leaseless")
    async with QuotaManager(gateway=gateway.base_url, key=key) as manager:
        (await manager.acquire("leaseless", 10)).release()
        assert leases(gateway, "leaseless")
    assert leases(gateway, "leaseless") == []


def test_so_does_a_block_of_threads(gateway: Gateway) -> None:
    key = gateway.add_key("leaseless")
    with SyncQuotaManager(gateway=gateway.base_url, key=key) as manager:
        manager.acquire("leaseless", 10).release()
        assert leases(gateway, "leaseless")
    assert leases(gateway, "leaseless") == []
