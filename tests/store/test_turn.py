"""The records of one turn of the event loop: one write, all or none, in the order of the calls."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from orjson import loads

from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.test_records import payloads
from tests.store.values import all_calls, ended, entry, opened

FULL = OSError(errno.EIO, os.strerror(errno.EIO))


def names(directory: Path) -> list[str]:
    """What the newest segment has on record behind its head, and of which call."""
    data = max((directory / "journal").iterdir()).read_bytes()
    lists = [loads(payload) for payload in payloads(data)]
    return [f"{kind} {what}" for kind, what, *_ in lists[1:]]


async def test_what_a_turn_records_is_one_write(
    open_ledger: Opener, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger()
    write, sizes = os.write, list[int]()

    def counted(descriptor: int, data: bytes) -> int:
        sizes.append(len(data))
        return write(descriptor, data)

    monkeypatch.setattr("quotadeck.store.journal.journal.os.write", counted)
    written = [ledger.open_call(opened(f"req_{number}")) for number in range(100)]
    written += [ledger.end_call(ended(f"req_{number}")) for number in range(100)]
    assert not sizes
    await asyncio.gather(*written)
    assert len(sizes) == 1
    await ledger.end_call(ended("req_later"))
    assert len(sizes) == 2
    monkeypatch.undo()
    expected = [f"{kind} req_{number}" for kind in ("open", "end") for number in range(100)]
    assert names(directory)[:200] == expected


async def test_what_cannot_be_written_is_refused_for_the_whole_turn_and_the_next_goes_on(
    open_ledger: Opener,
    directory: Path,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ledger = await open_ledger()
    await ledger.open_call(opened("req_1"))
    write = os.write

    def torn(descriptor: int, data: bytes) -> int:
        if len(data) < 1_000:
            raise FULL
        return write(descriptor, data[:-20])

    monkeypatch.setattr("quotadeck.store.journal.journal.os.write", torn)
    batch = [ledger.open_call(opened("req_2")), ledger.end_call(ended("req_1"))]
    ledger.open_call(opened("req_3"))  # nobody waits for it
    told = await asyncio.gather(*batch, return_exceptions=True)
    assert told == [FULL, FULL]
    assert ledger.unwritable
    assert names(directory) == ["open req_1"], "no record of it stays, not a whole one either"
    monkeypatch.undo()
    del batch, told
    await ledger.open_call(opened("req_4"))
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)
    ledger.levels(1, {}, {})
    assert names(directory) == ["open req_1", "open req_4", "levels 1"], "as they live on"
    await ledger.close()
    again = await Ledger.open(directory, clock)
    assert [call.id for call in again.recovered.unknown] == ["req_1", "req_4"]
    await again.close()
    assert not caplog.records


async def test_all_that_is_written_at_once_comes_behind_what_waited(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    first = ledger.open_call(opened("req_1"))
    ledger.end_now(ended("req_2"))
    assert first.done()
    ledger.open_call(opened("req_3"))
    ledger.state(1, "a_state", "paused", "", entered=True, facts={})
    ledger.open_call(opened("req_4"))
    await ledger.command(entry("cmd_1"), durable=True)
    ledger.end_call(ended("req_4"))
    await ledger.flushed()
    assert [name for name in names(directory) if not name.startswith("command")] == [
        *("open req_1", "end req_2", "open req_3", "state 1", "open req_4", "end req_4"),
    ]
    assert names(directory)[5].startswith("command")
    assert [call.id for call in await all_calls(ledger.reader)] == ["req_2", "req_4"]


async def test_a_task_that_is_cancelled_takes_the_record_from_nobody_and_knows_how_it_went(
    open_ledger: Opener,
) -> None:
    ledger = await open_ledger()
    known: list[bool] = []

    async def record(name: str) -> None:
        written = ledger.open_call(opened(name))
        try:
            await written
        except asyncio.CancelledError:
            known.append(written.done() and written.exception() is None)
            raise

    tasks = [asyncio.create_task(record(f"req_{number}")) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in told] == [type(None), asyncio.CancelledError, type(None)]
    assert known == [True]
