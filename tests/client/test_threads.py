"""The manager of threads, alone and beside asyncio; forks, pickles and copies."""

import asyncio
import copy
import os
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from quotadeck.client import AcquireTimeout, QuotaManager, SyncQuotaManager, WrongProcess
from tests.clocks import HandClock


def made(**told: Any) -> SyncQuotaManager:
    manager = SyncQuotaManager(None, None, None)
    manager.set_project_quota("a", **told)
    return manager


def test_a_thread_waits_for_a_slot_and_gets_it() -> None:
    manager = made(concurrency=2)
    under_way, most, lock = 0, 0, threading.Lock()

    def one(_: int) -> float:
        nonlocal under_way, most
        with manager.acquire("a", 10) as reservation:
            with lock:
                under_way += 1
                most = max(most, under_way)
            threading.Event().wait(0.001)
            with lock:
                under_way -= 1
            reservation.settle(7)
        return reservation.waited_s

    with ThreadPoolExecutor(16) as pool:
        waited = list(pool.map(one, range(64)))
    assert most == 2
    assert max(waited) > 0
    report = manager.usage_report()["a"]
    assert (report.requests, report.input_tokens, report.waiting) == (64, 7 * 64, 0)
    assert [room.left for room in report.rooms] == [2]


def test_a_thread_gives_up_after_its_timeout() -> None:
    manager = made(concurrency=1)
    with manager.acquire("a"), pytest.raises(AcquireTimeout):
        manager.acquire("a", timeout=0.01)
    with manager.acquire("a", timeout=0):
        pass


def test_threads_and_loops_share_one_state() -> None:
    manager = made(concurrency=3)
    beside = manager.for_asyncio()
    assert isinstance(beside, QuotaManager)

    async def tasks() -> None:
        async def one() -> None:
            async with beside.acquire("a"):
                await asyncio.sleep(0)

        await asyncio.gather(*[one() for _ in range(100)])

    def calls() -> None:
        for _ in range(100):
            with manager.acquire("a"):
                pass

    threads = [threading.Thread(target=calls) for _ in range(3)]
    loops = [threading.Thread(target=lambda: asyncio.run(tasks())) for _ in range(3)]
    for thread in (*threads, *loops):
        thread.start()
    for thread in (*threads, *loops):
        thread.join(30)
    assert beside.usage_report()["a"].requests == 600
    assert [room.left for room in manager.check("a").rooms] == [3]


def test_a_forked_process_is_told_so() -> None:
    manager = made(rpm=60)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            manager.acquire("a")
        except WrongProcess as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = os.read(read, 1_000).decode()
    assert f"made in process {os.getpid()} and this is its fork {child}" in told
    manager.acquire("a", timeout=0).settle()


def test_neither_a_manager_nor_a_reservation_is_pickled_or_copied() -> None:
    manager = made(rpm=60)
    reservation = manager.acquire("a")
    for one in (manager, reservation):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(one)
        with pytest.raises(TypeError, match="cannot be pickled"):
            copy.deepcopy(one)
    reservation.settle()


class Interrupted(HandClock):
    """Lets another thread run, for as long as it can, when it is read for the ``at``-th time."""

    def __init__(self, at: int, work: Callable[[], object]) -> None:
        super().__init__()
        self.reads, self.at = 0, at
        self.other = threading.Thread(target=work)

    def wall_us(self) -> int:
        self.reads += 1
        if self.reads == self.at:
            self.other.start()
            self.other.join(0.1)
        return super().wall_us()


@pytest.mark.parametrize("at", range(1, 7))
def test_a_quota_that_is_set_in_the_middle_of_a_check_holds_for_the_next(at: int) -> None:
    clock = Interrupted(at, lambda: manager.set_project_quota("a", rpm=600))
    manager = QuotaManager(None, None, None, clock=clock)
    manager.set_project_quota("a", rpm=60)
    while clock.reads < at:
        manager.check("a")
    clock.other.join()
    assert [room.limit for room in manager.check("a").rooms] == [600]


class Interrupting(Decimal):
    """An amount: while it is read another thread runs, for as long as it can."""

    other: threading.Thread

    def __str__(self) -> str:
        if not self.other.ident:
            self.other.start()
            self.other.join(0.1)
        return super().__str__()


def test_of_two_limits_that_are_set_at_the_same_time_none_undoes_the_other() -> None:
    manager = made()
    budget = Interrupting(3)
    budget.other = threading.Thread(target=lambda: manager.set_project_quota("a", tpm=9))
    manager.set_project_quota("a", budget=budget)
    budget.other.join()
    assert {room.kind: room.limit for room in manager.check("a").rooms} == {
        "tpm": 9,
        "budget": 3 * 10**9,
    }


@pytest.mark.parametrize("at", range(4, 10))
def test_a_project_that_is_new_in_the_middle_of_a_report_disturbs_nobody(at: int) -> None:
    clock = Interrupted(at, lambda: manager.set_project_quota("new", rpm=6))
    manager = QuotaManager(None, None, None, clock=clock)
    for name in ("a", "b"):
        manager.set_project_quota(name, rpm=60)
    while clock.reads < at:
        assert {"a", "b"} <= {one.project for one in manager.usage_report().projects}
    clock.other.join()
    assert manager.usage_report()["new"].rooms[0].limit == 6


def test_who_waits_for_quota_in_a_loops_thread_is_told() -> None:
    manager = SyncQuotaManager(rpm_limit=60, tpm_limit=None, daily_budget=None, burst_window=1)

    async def story() -> None:
        manager.acquire("a")
        with (
            pytest.warns(RuntimeWarning, match=r"use QuotaManager there .*for_asyncio"),
            pytest.raises(AcquireTimeout),
        ):
            manager.acquire("a", timeout=0.01)

    asyncio.run(story())
