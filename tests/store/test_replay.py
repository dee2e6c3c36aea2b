"""What the last process left is folded once, whatever it left, and nothing is given back."""

import asyncio
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from quotadeck.domain.calls import Outcome, moved, unknown_end
from quotadeck.domain.cause import Cause
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import all_calls, assert_sums, dump, ended, entry, move_of, opened, refused
from tests.wording import said


async def left_behind(ledger: Ledger, directory: Path, to: Path) -> Path:
    """The store as a kill -9 at this moment would leave it."""
    await asyncio.sleep(0)  # the turn's end
    shutil.copytree(directory, to)
    return to


def segments(directory: Path) -> list[Path]:
    return sorted((directory / "journal").iterdir())


async def test_an_open_without_an_end_is_charged_and_recorded_as_unknown(
    open_ledger: Opener, directory: Path, tmp_path: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    ledger.open_call(opened("req_1"))
    ledger.open_call(opened("req_2"))
    ledger.end_call(ended("req_1"))
    left = await left_behind(ledger, directory, tmp_path / "left")

    again = await Ledger.open(left, clock)
    assert again.recovered.unknown == (unknown_end(opened("req_2")),)
    calls = await all_calls(again.reader)
    assert [(call.id, call.outcome, call.cost_nano_usd) for call in calls] == [
        ("req_1", Outcome.OK, 700),
        ("req_2", Outcome.UNKNOWN, 1_000),
    ]
    await assert_sums(again.reader)
    assert await again.reader.spent_on({"analytics": "2026-11-24", "search": "2026-11-24"}) == {
        "analytics": 1_700,
        "search": 0,
    }
    await again.close()

    third = await Ledger.open(left, clock)
    assert third.recovered.unknown == ()
    assert len(await all_calls(third.reader)) == 2
    await third.close()


async def test_since_holds_every_open_and_end_behind_the_last_levels_in_order(
    open_ledger: Opener, directory: Path, tmp_path: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    assert ledger.recovered.levels_at_us is None
    ledger.open_call(opened("req_1"))
    ledger.levels(77, {"project:analytics:rpm": 5}, {})
    ledger.end_call(ended("req_1"))
    ledger.end_call(refused("req_2", Cause.TPM, 40))
    ledger.open_call(opened("req_3"))
    await ledger.flushed()

    again = await Ledger.open(await left_behind(ledger, directory, tmp_path / "left"), clock)
    found = again.recovered
    assert (found.levels_at_us, found.levels) == (77, {"project:analytics:rpm": 5})
    assert found.since == (ended("req_1"), refused("req_2", Cause.TPM, 40), opened("req_3"))
    await again.close()

    # Still so after a clean stop without newer levels, and with what was recorded as unknown.
    third = await Ledger.open(tmp_path / "left", clock)
    assert third.recovered.since == (*found.since, unknown_end(opened("req_3")))
    await third.close()


async def test_a_call_that_was_moved_is_carried_into_a_new_segment_as_it_is_held_now(
    open_ledger: Opener,
    directory: Path,
    tmp_path: Path,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)
    ledger = await open_ledger()
    call = opened("req_1")
    move = move_of(call)
    ledger.open_call(call)
    ledger.move_call(call, move)
    now = moved(call, move)
    left = await left_behind(ledger, directory, tmp_path / "before")
    before = await Ledger.open(left, clock)
    assert before.recovered.since == (call, move)
    assert before.recovered.unknown == (unknown_end(now),)
    await before.close()

    ledger.levels(1, {}, {})
    await ledger.flushed()
    assert [path.stem for path in segments(directory)] == ["0000000002"]
    again = await Ledger.open(await left_behind(ledger, directory, tmp_path / "left"), clock)
    assert (again.recovered.since, again.recovered.under_way) == ((), (now,))
    assert again.recovered.unknown == (unknown_end(now),)
    [unknown] = await all_calls(again.reader)
    assert (unknown.target, unknown.cost_nano_usd) == (move.target, move.held_nano_usd)
    assert [attempt.target for attempt in unknown.attempts] == [call.target, move.target]
    await again.close()


async def test_old_segments_go_only_when_a_restart_needs_them_no_more(
    open_ledger: Opener,
    directory: Path,
    tmp_path: Path,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)
    ledger = await open_ledger()
    ledger.open_call(opened("req_long"))
    ledger.levels(1, {}, {})
    ledger.open_call(opened("req_2"))
    ledger.levels(2, {"b:rpm": 2}, {})
    ledger.end_call(ended("req_2"))
    await ledger.flushed()
    assert [path.stem for path in segments(directory)] == ["0000000003"]

    again = await Ledger.open(await left_behind(ledger, directory, tmp_path / "left"), clock)
    assert again.recovered.since == (ended("req_2"),)
    assert [call.id for call in again.recovered.unknown] == ["req_long"]
    await again.flushed()
    # No levels have been written since the start: the older segment is needed still.
    assert [path.stem for path in segments(tmp_path / "left")] == ["0000000003", "0000000004"]
    again.levels(3, {}, {})
    await again.flushed()
    assert [path.stem for path in segments(tmp_path / "left")] == ["0000000005"]
    await again.close()


async def test_a_new_segment_that_was_cut_off_in_its_head_changes_nothing(
    open_ledger: Opener,
    directory: Path,
    tmp_path: Path,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = await open_ledger()
    ledger.open_call(opened("req_1"))
    ledger.levels(1, {"b:rpm": 1}, {})
    await ledger.open_call(opened("req_2"))
    before = (directory / "journal" / "0000000001.journal").read_bytes()
    monkeypatch.setattr("quotadeck.store.ledger.SEGMENT_BYTES", 1)
    ledger.levels(2, {"b:rpm": 2}, {})
    head = (directory / "journal" / "0000000002.journal").read_bytes()
    await ledger.close()
    whole = tmp_path / "whole"
    shutil.copytree(directory, whole)

    for kept in range(0, len(head), 97):
        left = tmp_path / "left"
        shutil.copytree(whole, left)
        (left / "journal" / "0000000001.journal").write_bytes(before)
        (left / "journal" / "0000000002.journal").write_bytes(head[:kept])
        again = await Ledger.open(left, clock)
        assert again.recovered.levels_at_us == 1
        assert again.recovered.since == (opened("req_2"),)
        assert {call.id for call in again.recovered.unknown} == {"req_1", "req_2"}
        await again.close()
        shutil.rmtree(left)


async def test_a_journal_folded_twice_changes_nothing(
    open_ledger: Opener, directory: Path, tmp_path: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    for number in range(300):
        ledger.open_call(opened(f"req_{number}", at_us=clock.wall_us()))
        ledger.end_call(ended(f"req_{number}", at_us=clock.wall_us(), total_ms=number))
        clock.advance_ms(1_000)
    await ledger.command(entry("cmd_1"), durable=True)
    ledger.levels(clock.wall_us(), {"b:rpm": 4}, {"b:rpm": (1, 4, 60)})
    journal = await left_behind(ledger, directory, tmp_path / "left")
    await ledger.close()
    once = dump(directory)
    assert sum('INTO "calls"' in line for line in once) == 300

    # The folded ledger beside the whole journal, and made to forget how far it is folded.
    db = sqlite3.connect(directory / "ledger.db")
    db.execute("UPDATE sources SET folded_segment = 0, folded_offset = 0")
    db.commit()
    db.close()
    shutil.rmtree(directory / "journal")
    shutil.copytree(journal / "journal", directory / "journal")
    again = await open_ledger()
    await assert_sums(again.reader)
    await again.close()
    assert dump(directory) == once


async def test_a_torn_tail_is_left_behind_and_nothing_is_lost_behind_it(
    open_ledger: Opener, directory: Path, tmp_path: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    for number in range(3):
        ledger.end_call(ended(f"req_{number}"))
    left = await left_behind(ledger, directory, tmp_path / "left")
    torn = segments(left)[0]
    whole = torn.read_bytes().rindex(b'["end"') - 8
    torn.write_bytes(torn.read_bytes()[:-5])

    second = await Ledger.open(left, clock)
    second.end_call(ended("req_new"))
    size = torn.stat().st_size
    assert said(second.problems) == (f"journal ends torn ({size - whole} bytes)",)
    await second.close()
    third = await Ledger.open(left, clock)
    calls = await all_calls(third.reader)
    assert [call.id for call in calls] == ["req_0", "req_1", "req_new"]
    assert [item.id for item in third.recovered.since] == ["req_0", "req_1", "req_new"]
    assert said(third.problems) == (), "told once"
    await third.close()


async def test_a_damaged_record_in_the_middle_costs_itself_and_is_told(
    open_ledger: Opener, directory: Path, tmp_path: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    for number in range(3):
        ledger.end_call(ended(f"req_{number}"))
    left = await left_behind(ledger, directory, tmp_path / "left")
    damaged = segments(left)[0]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 4
    damaged.write_bytes(data)

    again = await Ledger.open(left, clock)
    assert [call.id for call in await all_calls(again.reader)] == ["req_0", "req_2"]
    assert said(again.problems) == ("journal damaged in 1 place",)
    await again.close()


async def test_a_journal_cut_short_by_a_power_loss_gives_nothing_back(
    open_ledger: Opener, directory: Path, tmp_path: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    ledger.open_call(opened("req_1"))
    ledger.end_call(ended("req_1"))
    await ledger.flushed()
    left = await left_behind(ledger, directory, tmp_path / "left")
    cut = segments(left)[0]
    os.truncate(cut, cut.stat().st_size // 2)

    again = await Ledger.open(left, clock)
    again.end_call(ended("req_2"))
    await again.flushed()
    assert [call.id for call in await all_calls(again.reader)] == ["req_1", "req_2"]
    assert again.recovered.unknown == ()
    await assert_sums(again.reader)
    await again.close()


async def test_applied_commands_come_back_in_order_and_refused_ones_stay_in_the_log(
    open_ledger: Opener, directory: Path, tmp_path: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    written = [
        await ledger.command(entry("cmd_1", value=2**60), durable=True),
        await ledger.command(entry("cmd_2", value="main/gpt-4.1", applied=False), durable=False),
        await ledger.command(entry("cmd_3", value=True), durable=False),
    ]
    again = await Ledger.open(await left_behind(ledger, directory, tmp_path / "left"), clock)
    assert again.recovered.entries == (written[0], written[2])
    assert await again.reader.log() == written
    assert (await again.reader.chain()).broken is None
    fourth = await again.command(entry("cmd_4"), durable=False)
    assert (fourth.seq, fourth.prev_hash) == (4, written[-1].hash)
    assert again.source_id == ledger.source_id
    assert again.epoch == ledger.epoch
    await again.close()
