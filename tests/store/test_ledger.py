"""The ledger's promises while it runs."""

import asyncio
from pathlib import Path

import pytest

from quotadeck.store import Ledger
from quotadeck.store.places import ledger_file
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import (
    all_calls,
    assert_sums,
    ended,
    entry,
    event,
    modes,
    opened,
)
from tests.wording import said


async def test_a_store_is_made_readable_for_its_group_alone(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    ledger.end_call(ended("req_1"))
    await ledger.flushed()
    found = modes(directory)
    assert found.pop("journal") == 0o750
    assert found.pop("state") == 0o750
    assert set(found) == {
        "ledger.db",
        "ledger.db-wal",
        "ledger.db-shm",
        "lock",
        "ballast",
        "0000000001.journal",
    }
    assert found.pop("lock") == 0o600, "who may read a file may lock it"
    assert set(found.values()) == {0o640}


async def test_a_call_written_is_in_the_file_before_the_writer_has_run(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    ledger.open_call(opened("req_1"))
    ledger.end_now(ended("req_1"))
    journal = (directory / "journal" / "0000000001.journal").read_bytes()
    assert journal.count(b'"req_1"') == 2
    assert ledger.backlog_records == 2
    await ledger.flushed()
    assert ledger.backlog_records == 0
    assert await ledger.reader.calls() == [(1, ended("req_1", charged=()))]


async def test_an_event_counts_once(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    ledger.event(event("evt_1"))
    ledger.event(event("evt_1"))
    await ledger.flushed()
    ledger.event(event("evt_1", "another wording"))
    ledger.event(event("evt_2"))
    await ledger.flushed()
    assert [event for _, event in await ledger.reader.events()] == [
        event("evt_1"),
        event("evt_2"),
    ]


async def test_levels_become_samples_of_the_buckets_touched(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    ledger.levels(10, {"a:rpm": 3, "b:rpm": 4}, {"a:rpm": (-1, 3, 60)})
    ledger.levels(20, {}, {"a:rpm": (2, 9, 60), "b:rpm": (0, 1, None)})
    await ledger.flushed()
    samples = await ledger.reader.levels()
    assert [(s.at_us, s.bucket, s.least, s.last) for s in samples] == [
        (10, "a:rpm", -1, 3),
        (20, "a:rpm", 2, 9),
        (20, "b:rpm", 0, 1),
    ]
    assert await ledger.reader.levels(bucket="a:rpm", after=samples[0].seq) == [samples[1]]


async def test_many_commands_at_once_make_one_chain(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    answers = await asyncio.gather(
        *(ledger.command(entry(f"cmd_{n}"), durable=n % 2 == 0) for n in range(20))
    )
    assert sorted(item.seq for item in answers) == list(range(1, 21))
    await ledger.flushed()
    assert (await ledger.reader.chain()).broken is None


async def test_a_caller_that_goes_away_does_not_half_write_a_command(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    task = asyncio.create_task(ledger.command(entry("cmd_1"), durable=True))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    second = await ledger.command(entry("cmd_2"), durable=True)
    await ledger.flushed()
    log = await ledger.reader.log()
    assert log[-1] == second
    assert (await ledger.reader.chain()).broken is None


async def test_a_command_that_cannot_be_made_durable_is_not_in_the_log(
    open_ledger: Opener, directory: Path, monkeypatch: pytest.MonkeyPatch, clock: HandClock
) -> None:
    ledger = await open_ledger()
    first = await ledger.command(entry("cmd_1"), durable=True)

    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    # A disk that refuses to sync cannot be had without a device of one's own.
    with monkeypatch.context() as broken:
        broken.setattr("quotadeck.store.journal.journal._sync_data", failing)
        with pytest.raises(OSError, match="Input/output"):
            await ledger.command(entry("cmd_2"), durable=True)
    third = await ledger.command(entry("cmd_3"), durable=True)
    assert third.prev_hash == first.hash
    await ledger.flushed()
    assert await ledger.reader.log() == [first, third]
    await ledger.close()
    again = await open_ledger()
    assert again.recovered.entries == (first, third)
    fourth = await again.command(entry("cmd_4"), durable=True)
    await again.flushed()
    assert (await again.reader.log())[-1] == fourth


async def test_a_segment_that_goes_while_a_command_is_synced_is_no_failure(
    open_ledger: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)
    ledger = await open_ledger()
    ledger.end_call(ended("req_1"))
    sync = ledger._journal.sync_since(ledger._journal.newest)
    ledger.levels(1, {}, {})
    both = ledger._journal.sync_since(ledger._journal.newest - 1)
    await ledger.flushed()
    assert ledger._journal.oldest == ledger._journal.newest
    both()
    with pytest.raises(FileNotFoundError):
        sync()


async def test_a_tightening_command_that_was_not_written_is_written_later(
    open_ledger: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger()
    first = await ledger.command(entry("cmd_1"), durable=True)
    (kept,) = ledger.unrecorded([entry("cmd_2")])
    assert kept.seq == 2
    assert list(said(ledger.problems)) == ["1 command in force, not recorded"]
    third = await ledger.command(entry("cmd_3"), durable=True)
    assert not said(ledger.problems)
    await ledger.flushed()
    log = await ledger.reader.log()
    assert [(item.id, item.seq) for item in log] == [("cmd_1", 1), ("cmd_2", 2), ("cmd_3", 3)]
    assert log[0] == first
    assert log[2] == third
    assert (await ledger.reader.chain()).broken is None


async def test_one_that_is_never_followed_by_another_is_written_with_the_levels(
    open_ledger: Opener,
) -> None:
    ledger = await open_ledger()
    ledger.unrecorded([entry("cmd_1")])
    ledger.levels(1, {}, {})
    await ledger.flushed()
    assert [item.id for item in await ledger.reader.log()] == ["cmd_1"]


async def test_a_record_that_sqlite_refuses_costs_itself_alone(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number in range(9):
        odd = number == 4
        ledger.end_call(ended(f"req_{number}", cost_nano_usd=2**63 if odd else 1))
        ledger.event(event(f"evt_{number}"))
    await ledger.flushed()
    assert [call.id for call in await all_calls(ledger.reader)] == [
        f"req_{number}" for number in range(9) if number != 4
    ]
    assert len(await ledger.reader.events()) == 9
    assert said(ledger.problems) == ("1 journal record unreadable",)
    await assert_sums(ledger.reader)


async def test_what_is_written_while_it_closes_is_kept(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    for number in range(1_000):
        ledger.end_call(ended(f"req_{number}"))
    ledger.event(event("evt_1"))
    await ledger.close()
    assert not ledger_file(directory).with_name("ledger.db-wal").exists()
    again = await open_ledger()
    assert again.backlog_records == 0
    assert len(await all_calls(again.reader)) == 1_000
    assert len(await again.reader.events()) == 1


async def test_two_ledgers_in_two_places_are_two_sources(tmp_path: Path, clock: HandClock) -> None:
    one = await Ledger.open(tmp_path / "one", clock)
    clock.advance_ms(5)
    two = await Ledger.open(tmp_path / "two", clock)
    assert one.source_id != two.source_id
    assert one.epoch != two.epoch
    await one.close()
    await two.close()
