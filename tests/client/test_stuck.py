"""A loop that was closed, or stands still, with somebody in it who waits: the others go on."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from quotadeck.client import AcquireTimeout, QuotaManager, Reservation
from tests.client.rig import simulated
from tests.clocks import HandClock
from tests.processes import wait_until


class Other:
    """A loop in a thread of its own, in which one waits."""

    def __init__(self, manager: QuotaManager, project: str = "a") -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.found: list[Reservation] = []
        self.began = threading.Event()

        async def wait() -> None:
            self.loop.call_soon(self.began.set)
            self.found.append(await manager.acquire(project))

        self.task = asyncio.run_coroutine_threadsafe(wait(), self.loop)
        assert self.began.wait(10)
        wait_until(lambda: manager.usage_report()[project].waiting == 1)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        assert not self.loop.is_running()

    def close(self) -> None:
        self.stop()
        self.loop.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def manager(clock: HandClock) -> QuotaManager:
    """All of the first ten requests of project a are made, of 60 a minute."""
    manager = QuotaManager(None, None, None, clock=clock)
    manager.set_project_quota("a", rpm=60)
    for _ in range(10):
        manager.for_threads().acquire("a").settle()
    return manager


@pytest.mark.parametrize("ends", [Other.close, Other.stop], ids=["closed", "stands still"])
def test_its_project_goes_on_without_it(
    manager: QuotaManager, clock: HandClock, ends: Callable[[Other], None]
) -> None:
    other = Other(manager)
    clock.advance_ms(3_000)
    ends(other)
    assert manager.check("a")
    manager.for_threads().acquire("a", timeout=0).settle()
    assert manager.usage_report()["a"].waiting == 0
    if not other.loop.is_closed():
        other.loop.close()


def test_who_stands_behind_it_goes_on_without_being_told(
    manager: QuotaManager, clock: HandClock
) -> None:
    async def behind() -> float:
        other = Other(manager)
        waiting = asyncio.create_task(manager.acquire("a").__aenter__())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert manager.usage_report()["a"].waiting == 2
        other.close()
        return (await waiting).waited_s

    assert simulated(clock, behind()) <= 11


def test_what_it_stood_for_is_free_for_other_projects(clock: HandClock) -> None:
    manager = QuotaManager(None, None, None, concurrency=1, clock=clock)
    threads = manager.for_threads()
    held = threads.acquire("b")
    other = Other(manager)
    other.close()
    held.settle()
    clock.advance_ms(1_000)
    threads.acquire("b", timeout=0).settle()


def test_one_that_goes_on_later_has_the_place_that_it_had(
    manager: QuotaManager, clock: HandClock
) -> None:
    other = Other(manager)
    other.stop()
    clock.advance_ms(1_000)
    manager.for_threads().acquire("a", timeout=0).settle()
    assert manager.usage_report()["a"].waiting == 0
    later = Other(manager)
    clock.advance_ms(1_000)
    other.thread = threading.Thread(target=other.loop.run_forever)
    other.thread.start()
    other.task.result(10)
    assert (len(other.found), len(later.found)) == (1, 0)
    clock.advance_ms(1_000)
    with pytest.raises(AcquireTimeout):
        manager.for_threads().acquire("a", timeout=0)
    later.loop.call_soon_threadsafe(manager._core.wake_heads)
    later.task.result(10)
    other.close()
    later.close()


async def test_what_a_collection_ends_in_the_middle_of_a_step_hangs_nobody() -> None:
    """The garbage collector closes what nobody holds any more at any moment, in any thread: also in
    one that is at that moment under the lock."""
    manager = QuotaManager(None, None, None)
    manager.set_project_quota("a", concurrency=1)
    held = await manager.acquire("a")
    waiting = manager.acquire("a").__await__()
    waiting.send(None)
    assert manager.usage_report()["a"].waiting == 1
    with manager._core.lock:
        waiting.close()
        held.release()
    (await manager.acquire("a", timeout=0.5)).release()
    assert manager.usage_report()["a"].waiting == 0
