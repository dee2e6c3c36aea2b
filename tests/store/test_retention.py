"""Old rows go in chunks; what is kept for ever stays."""

import pytest

from quotadeck.domain.cause import Cause
from quotadeck.store import Keep
from quotadeck.store.sqlite.tables import PERIODS
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import ended, event, refused

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def test_calls_go_after_seven_days_minutes_and_levels_after_two(
    open_ledger: Opener, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.sqlite.retention.CHUNK_ROWS", 3)
    ledger = await open_ledger()
    for day in range(10):
        for number in range(4):
            ledger.end_call(ended(f"req_{day}_{number}", at_us=clock.wall_us(), day=f"day {day}"))
        ledger.levels(clock.wall_us(), {}, {"a:rpm": (day, day, 60)})
        ledger.event(event(f"evt_{day}"))
        await ledger.flushed()
        clock.advance_ms(DAY_MS)
    ledger.event(event("evt_last"))
    while len(await ledger.reader.calls()) > 28:
        await ledger.flushed()

    reader = ledger.reader
    assert [call.id for _, call in await reader.calls(limit=4)] == [
        f"req_3_{number}" for number in range(4)
    ]
    assert [row.day for row in await reader.rollups(per="day")] == [f"day {n}" for n in range(10)]
    while len(await reader.rollups(per="minute")) > 2 or len(await reader.levels()) > 2:
        await ledger.flushed()
    assert [sample.least for sample in await reader.levels()] == [8, 9]
    assert len(await reader.rollups(per="minute")) == 2
    assert len(await reader.events()) == 11


async def test_the_oldest_calls_go_when_the_file_is_too_large(
    open_ledger: Opener, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.sqlite.retention.CHUNK_ROWS", 100)
    ledger = await open_ledger(Keep(file_bytes=300_000))
    for number in range(2_000):
        ledger.end_call(ended(f"req_{number}"))
    await ledger.flushed()
    clock.advance_ms(61_000)
    ledger.event(event("evt_1"))
    await ledger.flushed()
    while len(await ledger.reader.calls(limit=-1)) > 1_200:
        clock.advance_ms(61_000)
        ledger.event(event(f"evt_{clock.wall_us()}"))
        await ledger.flushed()
    left = [call.id for _, call in await ledger.reader.calls(limit=-1)]
    assert left == [f"req_{number}" for number in range(2_000 - len(left), 2_000)]
    (day,) = await ledger.reader.rollups(per="day")
    assert day.forwarded == 2_000


async def test_a_cursor_is_not_used_again_after_all_rows_went(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await open_ledger()
    ledger.end_call(ended("req_1", at_us=clock.wall_us()))
    await ledger.flushed()
    clock.advance_ms(8 * DAY_MS)
    ledger.event(event("evt_1"))
    while await ledger.reader.calls():
        await ledger.flushed()
    ledger.end_call(ended("req_2", at_us=clock.wall_us()))
    await ledger.flushed()
    assert [cursor for cursor, _ in await ledger.reader.calls()] == [2]


@pytest.mark.parametrize("ahead_days", [8, 400], ids=["a week", "a year"])
@pytest.mark.parametrize("restarted", [False, True], ids=["while it runs", "before a start"])
async def test_a_clock_that_is_ahead_for_hours_deletes_nothing(
    open_ledger: Opener, clock: HandClock, ahead_days: int, restarted: bool
) -> None:
    async def keep_house(hours: int) -> None:
        for part in range(hours * 2):
            clock.advance_ms(HOUR_MS // 2)
            for again in range(2):  # the first one's housekeeping is done before the second one
                ledger.event(event(f"evt_{clock.wall_us()}_{part}_{again}"))
                await ledger.flushed()

    async def rows() -> tuple[int, int, int]:
        reader = ledger.reader
        minutes = await reader.rollups(per="minute")
        return len(await reader.calls()), len(await reader.levels()), len(minutes)

    ledger = await open_ledger()
    ledger.end_call(ended("req_1", at_us=clock.wall_us()))
    ledger.levels(clock.wall_us(), {}, {"a:rpm": (1, 1, 60)})
    await keep_house(7)
    right_us = clock.wall_us()
    if restarted:
        await ledger.close()
    clock.set_wall(right_us + ahead_days * DAY_MS * 1_000)
    if restarted:
        ledger = await open_ledger()
    await keep_house(3)
    assert await rows() == (1, 1, 1)
    clock.set_wall(right_us + 3 * HOUR_MS * 1_000)
    await keep_house(7)
    assert await rows() == (1, 1, 1)
    clock.advance_ms(9 * DAY_MS)
    await keep_house(1)
    assert await rows() == (0, 0, 0)


async def test_hours_go_after_ninety_days_with_their_refusals_and_days_stay(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await open_ledger()
    ledger.end_call(ended("req_1", at_us=clock.wall_us()))
    ledger.end_call(refused("req_2", Cause.RPM, 30, at_us=clock.wall_us()))
    await ledger.flushed()

    async def rows() -> list[int]:
        tables = [f"{kind}_{per}" for per in PERIODS for kind in ("rollups", "refusals")]
        counts = [await ledger.reader._rows(f"SELECT count(*) FROM {t}", ()) for t in tables]
        return [count[0][0] for count in counts]

    assert await rows() == [1, 1, 1, 1, 1, 1]
    for days, left in ((80, [0, 0, 1, 1, 1, 1]), (20, [0, 0, 0, 0, 1, 1])):
        clock.advance_ms(days * DAY_MS)
        while await rows() != left:
            ledger.event(event(f"evt_{clock.wall_us()}"))
            await ledger.flushed()
    assert [day.refused for day in await ledger.reader.rollups(per="day")] == [{"rpm": 30}]
