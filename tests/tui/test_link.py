"""Late readings are said to be late, levels stop drifting, and the gateway may come back."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from quotadeck.domain.snapshot import Snapshot
from quotadeck.sources.base import Reading, SourceGone
from quotadeck.tui.link import STALE_MS, Link
from tests.clocks import HandClock
from tests.tui.scenes import AT_US, ME, NOW_MS, calm
from tests.tui.scripted import Scripted


class Fed(Scripted):
    """A source whose stream yields what the test puts in: a reading, or an error to raise."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(iter(()))
        self.clock = clock
        self.inbox: asyncio.Queue[tuple[Snapshot, bool] | SourceGone] = asyncio.Queue()
        self.opened = 0

    async def stream(self) -> AsyncIterator[Reading]:
        self.opened += 1
        while True:
            item = await self.inbox.get()
            try:
                if isinstance(item, SourceGone):
                    raise item
                yield Reading(item[0], ME, self.clock.monotonic_ns(), fresh=item[1])
            finally:
                self.inbox.task_done()


class Follower:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.source = Fed(self.clock)
        self.news = asyncio.Event()
        self.link = Link(self.source, self.clock, self.news.set)
        self.link.go_on()
        self.task = asyncio.create_task(self.link.follow())

    async def take(self, item: tuple[Snapshot, bool] | SourceGone) -> None:
        """Feed one item and wait until the link came back for the next."""
        await self.source.inbox.put(item)
        await self.source.inbox.join()
        await asyncio.sleep(0)


@pytest.fixture
async def follower() -> AsyncIterator[Follower]:
    made = Follower()
    yield made
    made.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await made.task


async def test_time_runs_on_between_heartbeats(follower: Follower) -> None:
    assert follower.link.picture() is None
    await follower.take((calm(), True))
    follower.clock.advance_ms(1_000)
    picture = follower.link.picture()
    assert picture is not None
    assert picture.present.now_ms == NOW_MS + 1_000
    assert picture.present.now_us == AT_US + 1_000_000
    assert picture.present.live
    assert picture.present.counted_us == AT_US - calm().vitals.counting_since_us


async def test_a_heartbeat_with_the_same_snapshot_does_not_turn_time_back(
    follower: Follower,
) -> None:
    snapshot = calm()
    await follower.take((snapshot, True))
    for _ in range(5):
        follower.clock.advance_ms(1_000)
        await follower.take((snapshot, False))
    picture = follower.link.picture()
    assert picture is not None
    assert picture.present.now_ms == NOW_MS + 5_000
    assert picture.present.live


async def test_three_seconds_of_silence_stop_the_levels_not_the_clock(follower: Follower) -> None:
    await follower.take((calm(), True))
    follower.clock.advance_ms(STALE_MS - 1)
    picture = follower.link.picture()
    assert picture is not None
    assert picture.present.live
    assert picture.silent_ms == 0
    follower.clock.advance_ms(9_001)
    picture = follower.link.picture()
    assert picture is not None
    assert not picture.present.live
    assert picture.silent_ms == 12_000
    assert picture.present.now_ms == NOW_MS + STALE_MS
    assert picture.present.now_us == AT_US + 12_000_000


async def test_the_gateways_death_and_return_are_survived(follower: Follower) -> None:
    await follower.take((calm(), True))
    follower.news.clear()
    await follower.take(SourceGone("/run/x: nobody answers"))
    await follower.news.wait()
    picture = follower.link.picture()
    assert picture is not None
    assert picture.problem == "/run/x: nobody answers"
    assert picture.snapshot.projects  # the last picture stays
    assert not picture.present.live  # at once: nothing more will be heard
    follower.news.clear()
    await follower.source.inbox.put((calm(), True))
    await follower.news.wait()
    picture = follower.link.picture()
    assert picture is not None
    assert picture.problem == ""
    assert follower.source.opened == 2


async def test_the_stream_is_followed_when_its_first_reading_was_shown() -> None:
    clock, news = HandClock(), asyncio.Event()
    source = Fed(clock)
    link = Link(source, clock, news.set)
    following = asyncio.create_task(link.follow())
    source.inbox.put_nowait((calm(), True))
    await news.wait()
    source.inbox.put_nowait((calm(), False))
    await asyncio.sleep(0)
    assert (link.answered, source.inbox.qsize()) == (True, 1)
    link.go_on()
    await source.inbox.join()
    following.cancel()
