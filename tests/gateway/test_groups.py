"""Several subjects as one change, on a desk over a real ledger: one turn, one event, one undo."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from quotadeck.domain.commands import Command, Field
from quotadeck.domain.subject import Subject
from quotadeck.store.journal.frames import next_frame
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.desks import (
    ANALYTICS,
    HOUR_MS,
    MIKA,
    PAUSE,
    RAISE,
    bench,
    code,
    undo,
    why,
    with_key,
)
from tests.gateway.test_desk import full_disk

SEARCH = Subject.project("search")
BOTH = replace(PAUSE, subjects=(ANALYTICS, SEARCH))
HIGHER = Command(
    "limit",
    ANALYTICS,
    Field.RPM,
    scale_percent=150,
    reason="import",
    for_ms=HOUR_MS,
    subjects=(ANALYTICS, SEARCH),
)


async def test_a_change_of_two_is_one_record_one_event_and_one_answer(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        answer = await at.does(HIGHER)
        parts = [(part.subject, part.before, part.after) for part in answer.parts]
        assert parts == [(ANALYTICS, 20, 30), (SEARCH, 640, 960)]
        assert (answer.command_id, answer.before, answer.after) == (
            answer.parts[0].command_id,
            20,
            30,
        )
        assert {entry.group for entry in await at.entries()} == {answer.command_id}
        (event,) = at.told
        assert say(event.told) == 'mika: limit analytics, search for 1h "import"'
        back = await at.does(undo(answer))
        assert [part.after for part in back.parts] == [20, 640]
        assert at.rpm() == 20


async def test_the_ends_of_one_change_are_told_as_one(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await at.does(BOTH)
        at.clock.advance_ms(HOUR_MS)
        await at.desk.tick()
        assert not at.paused()
        assert [event.told.kind for event in at.told] == ["command.group", "override.group_ended"]
        assert say(at.told[1].told).startswith("analytics, search: state as before")


async def test_the_end_of_one_is_not_taken_back_with_the_others(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        both = await at.does(BOTH)
        await at.does(Command("extend", SEARCH, Field.PAUSED, for_ms=HOUR_MS))
        at.clock.advance_ms(HOUR_MS)
        await at.desk.tick()
        assert not at.paused()
        late = await at.desk.submit(undo(both), MIKA, dry_run=False)
        assert (code(late), "ended by itself" in why(late)) == ("conflict", True)
        assert not at.paused()
        now_us = at.clock.wall_us()
        assert at.desk.layers.in_force(SEARCH, Field.PAUSED, now_us).value is True


async def test_the_same_key_is_answered_with_the_whole_change_also_after_a_restart(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    command = with_key(BOTH, "key-00001")
    async with bench(tmp_path, clock) as at:
        first = await at.does(command)
        assert await at.does(command) == replace(first, repeated=True)
    async with bench(tmp_path, clock) as at:
        assert await at.does(command) == replace(first, repeated=True)
        assert at.paused()
        one = await at.desk.submit(with_key(PAUSE, "key-00001"), MIKA, dry_run=False)
        assert code(one) == "conflict"
        assert len(await at.entries()) == 2


async def test_a_preview_tells_each_and_changes_none(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        told = await at.desk.submit(HIGHER, MIKA, dry_run=True)
        assert [(part.after, part.command_id) for part in told.parts] == [(30, ""), (960, "")]
        assert (at.rpm(), await at.entries()) == (20, [])
        group = await at.does(HIGHER)
        back = await at.desk.submit(undo(group), MIKA, dry_run=True)
        assert [part.subject for part in back.parts] == [ANALYTICS, SEARCH]


async def test_where_one_is_refused_none_is_done_and_the_audit_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        asked = with_key(replace(HIGHER, scale_percent=None, value=41), "key-00001")
        answer = await at.desk.submit(asked, MIKA, dry_run=False)
        assert "project:analytics is refused: 41 is more than 2 × 20" in why(answer)
        (entry,) = await at.entries()
        assert (entry.applied, why(entry)) == (False, why(answer))
        again = await at.desk.submit(asked, MIKA, dry_run=False)
        assert again == replace(answer, repeated=True)
        assert at.rpm() == 20


async def test_on_a_full_disk_all_that_tightens_is_done_and_none_that_loosens(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        with full_disk():
            paused = await at.does(BOTH)
            higher = await at.desk.submit(HIGHER, MIKA, dry_run=False)
        assert (paused.recorded, len(paused.parts)) == (False, 2)
        assert (higher.applied, code(higher)) == (False, "unrecorded")
        await at.does(RAISE)
        await at.ledger.flushed()
        log = await at.ledger.reader.log()
        assert [(entry.seq, entry.group) for entry in log] == [
            (1, paused.command_id),
            (2, paused.command_id),
            (3, ""),
        ]
        assert (await at.ledger.reader.chain()).broken is None


def stale_files(state: Path) -> list[Path]:
    return [*state.glob("ledger.db-*"), *(state / "journal").iterdir()]


async def test_a_change_torn_at_any_byte_is_none_of_it(tmp_path: Path) -> None:
    """What a power cut leaves of the last record is no half of a change."""
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        await at.does(RAISE)
        await at.ledger.flushed()
    journal, ledger = tmp_path / "journal", tmp_path / "ledger.db"
    before = ledger.read_bytes()
    async with bench(tmp_path, clock) as at:
        await at.does(BOTH)
        segment = max(journal.iterdir())
        whole = segment.read_bytes()
    ends, start = [], 0
    while frame := next_frame(whole, start):
        start = frame[1]
        ends.append(start)
    head, end = next((was, now) for was, now in pairwise(ends) if b"commands" in whole[was:now])
    for kept in (*range(head, end, 97), end - 1, end):
        for stale in stale_files(tmp_path):
            stale.unlink()
        ledger.write_bytes(before)
        segment.write_bytes(whole[:kept])
        async with bench(tmp_path, clock) as at:
            there = [entry.group for entry in await at.entries()]
            assert len(there) == (3 if kept == end else 1), (kept, head, end)
            assert at.paused() is (kept == end)
            assert (await at.ledger.reader.chain()).broken is None
