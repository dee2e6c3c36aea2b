"""The hub of the stream: one encoding for all, at once when hurried, never a backlog."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from quotadeck.domain.snapshot import (
    Budget,
    Flow,
    Level,
    LimitReading,
    ProjectRow,
    Snapshot,
    Vitals,
)
from quotadeck.gateway.watch.feed import Feed
from quotadeck.wire.stream import Decoder

NEVER_S = 3_600.0


def project(name: str, requests: int = 0) -> ProjectRow:
    return ProjectRow(
        id=name,
        name=name,
        priority="medium",
        version=0,
        paused=False,
        limits=(LimitReading("rpm", 12, requests, level=Level(1_000_000, 2_000_000, 5)),),
        budget=Budget(None, 0, 0, 0),
        flow=Flow(requests_60s=requests),
    )


@dataclass
class Source:
    """A picture that the test changes, and how often it was taken."""

    rows: tuple[ProjectRow, ...] = (project("analytics"), project("search"))
    taken: int = 0
    broken: bool = False
    now_ms: int = 1_000
    vitals: Vitals = field(default_factory=lambda: Vitals("gw", "1", "src_1", 0))

    async def snapshot(self) -> Snapshot:
        self.taken += 1
        self.now_ms += 1
        if self.broken:
            raise RuntimeError("no picture today")
        return Snapshot(self.now_ms, self.now_ms * 1_000, self.vitals, self.rows, (), (), ())

    def requests(self, count: int) -> None:
        self.rows = (replace(self.rows[0], flow=Flow(requests_60s=count)), *self.rows[1:])


class Listener:
    """One reader: the names of its events, and the picture that it sees."""

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self._events = events
        self._decoder = Decoder()
        self.names: list[str] = []
        self.raw: list[bytes] = []
        self.seen: Snapshot | None = None

    async def next(self) -> str:
        async with asyncio.timeout(10):
            event = await anext(self._events)
        name, data = event.decode().removesuffix("\n\n").split("\n")
        assert (name[:7], data[:6]) == ("event: ", "data: ")
        self.seen = self._decoder.apply(name[7:], data[6:].encode())
        self.names.append(name[7:])
        self.raw.append(event)
        return name[7:]

    @property
    def requests(self) -> int:
        assert self.seen is not None
        return self.seen.projects[0].flow.requests_60s


@asynccontextmanager
async def listening(feed: Feed, who: str = "") -> AsyncIterator[Listener]:
    events: Any = feed.listen(who)
    async with aclosing(events):
        yield Listener(events)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (the feed's task makes it true)
            await asyncio.sleep(0)


def quiet_feed(source: Source) -> Feed:
    """A feed that reads only when it is hurried."""
    return Feed(source.snapshot, interval_s=NEVER_S, least_gap_s=0)


async def test_who_listens_is_told_to_all_of_them_until_they_leave() -> None:
    feed = quiet_feed(Source())

    async def here(one: Listener, *names: str) -> None:
        async with asyncio.timeout(10):
            while one.seen is None or one.seen.here != names:
                feed.hurry()
                await one.next()

    async with listening(feed, "mika") as one:
        await here(one, "mika")
        async with listening(feed, "ken") as other, listening(feed, "ken") as third:
            await here(third, "ken", "mika")
            await here(other, "ken", "ken", "mika")
            await here(one, "ken", "ken", "mika")
        await here(one, "mika")


async def test_first_the_whole_then_changes_then_heartbeats() -> None:
    source = Source()
    feed = quiet_feed(source)
    async with listening(feed) as one:
        assert await one.next() == "snapshot"
        assert one.seen is not None
        assert one.seen.projects == source.rows
        source.requests(7)
        feed.hurry()
        assert await one.next() == "changes"
        assert one.requests == 7
        feed.hurry()
        assert await one.next() == "heartbeat"
        assert (one.requests, one.seen.now_ms) == (7, source.now_ms)


async def test_the_interval_alone_brings_readings() -> None:
    source = Source()
    feed = Feed(source.snapshot, interval_s=0.001, least_gap_s=0)
    async with listening(feed) as one:
        for _ in range(5):
            await one.next()
        assert one.names == ["snapshot"] + ["heartbeat"] * 4


async def test_all_readers_get_the_same_bytes_of_one_reading() -> None:
    source = Source()
    feed = quiet_feed(source)
    async with listening(feed) as one, listening(feed) as two, listening(feed) as three:
        for reader in (one, two, three):
            assert await reader.next() == "snapshot"
        for count in (3, 4):
            source.requests(count)
            feed.hurry()
            for reader in (one, two, three):
                assert (await reader.next(), reader.requests) == ("changes", count)
        assert one.raw == two.raw == three.raw
        assert source.taken == 3


async def test_who_comes_later_is_shown_everything_at_once_and_follows() -> None:
    source = Source()
    feed = quiet_feed(source)
    async with listening(feed) as one:
        await one.next()
        source.requests(5)
        feed.hurry()
        await one.next()
        async with listening(feed) as late:
            assert (await late.next(), late.requests) == ("snapshot", 5)
            assert source.taken == 2, "no reading of its own"
            source.requests(6)
            feed.hurry()
            assert (await late.next(), late.requests) == ("changes", 6)
            assert (await one.next(), one.requests) == ("changes", 6)


async def test_a_slow_reader_gets_the_latest_state_and_no_backlog() -> None:
    source = Source()
    feed = quiet_feed(source)
    async with listening(feed) as slow, listening(feed) as quick:
        await slow.next()
        await quick.next()
        for count in range(1, 51):
            source.requests(count)
            feed.hurry()
            await quick.next()
        assert (await slow.next(), slow.requests) == ("snapshot", 50)
        source.requests(51)
        feed.hurry()
        assert (await slow.next(), slow.requests) == ("changes", 51)
        assert quick.names == ["snapshot"] + ["changes"] * 50


async def test_one_waiting_change_is_not_yet_a_backlog() -> None:
    source = Source()
    feed = quiet_feed(source)
    async with listening(feed) as slow, listening(feed) as quick:
        await slow.next()
        await quick.next()
        source.requests(1)
        feed.hurry()
        await quick.next()
        feed.hurry()
        assert await quick.next() == "heartbeat"
        assert (await slow.next(), slow.requests) == ("changes", 1)


async def test_nothing_is_read_while_nobody_listens() -> None:
    source = Source()
    feed = Feed(source.snapshot, interval_s=0.001, least_gap_s=0)
    async with listening(feed) as one:
        await one.next()
    taken = source.taken
    for _ in range(20):
        feed.hurry()
        await asyncio.sleep(0)
    assert source.taken == taken
    source.requests(9)
    async with listening(feed) as again:
        assert (await again.next(), again.requests) == ("snapshot", 9)


async def test_many_hurries_are_one_reading() -> None:
    source = Source()
    feed = quiet_feed(source)
    async with listening(feed) as one:
        await one.next()
        for _ in range(100):
            feed.hurry()
        await one.next()
        assert source.taken == 2


async def test_hurries_keep_the_least_gap() -> None:
    source = Source()
    feed = Feed(source.snapshot, interval_s=NEVER_S, least_gap_s=0.02)
    loop = asyncio.get_running_loop()
    async with listening(feed) as one:
        await one.next()
        began = loop.time()
        for _ in range(3):
            feed.hurry()
            await one.next()
        assert loop.time() - began >= 0.02 * 2


async def test_closing_ends_every_stream_and_lets_none_begin() -> None:
    feed = quiet_feed(Source())
    async with listening(feed) as one, listening(feed) as two:
        await one.next()
        await two.next()
        waiting = [asyncio.create_task(reader.next()) for reader in (one, two)]
        await asyncio.sleep(0)
        feed.close()
        for task in waiting:
            with pytest.raises(StopAsyncIteration):
                await task
    async with listening(feed) as late:
        with pytest.raises(StopAsyncIteration):
            await late.next()


async def test_a_reading_that_fails_is_logged_and_the_next_one_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source()
    feed = quiet_feed(source)
    async with listening(feed) as one:
        await one.next()
        source.broken = True
        with caplog.at_level(logging.ERROR):
            feed.hurry()
            await until(lambda: source.taken == 2)
        source.broken = False
        source.requests(2)
        feed.hurry()
        assert (await one.next(), one.requests) == ("changes", 2)
    assert "no picture today" in caplog.text


async def test_a_reader_that_is_cancelled_leaves_no_task_behind() -> None:
    source = Source()
    feed = quiet_feed(source)
    before = asyncio.all_tasks()
    async with listening(feed) as one:
        await one.next()
        waiting = asyncio.create_task(one.next())
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
    await until(lambda: asyncio.all_tasks() == before)
