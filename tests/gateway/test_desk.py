"""Commands put in force: the order of log and effect, repeats, previews, ends, restarts."""

import asyncio
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.days import rfc3339
from quotadeck.domain.subject import Subject
from quotadeck.store import Ledger
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.desks import (
    ADA,
    HOUR_MS,
    KEY,
    KEY_ADD,
    MIKA,
    PAUSE,
    RAISE,
    RESUME,
    bench,
    code,
    undo,
    why,
    with_key,
)
from tests.wording import said

RPM = (Subject.project("analytics"), Field.RPM)
PAUSED = (Subject.project("analytics"), Field.PAUSED)
LOWER = replace(RAISE, value=10)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow: a write fails as on a full disk (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (another task of this loop makes it true)
            await asyncio.sleep(0)


async def test_a_command_is_logged_applied_told_and_answered(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        answer = await at.does(RAISE)
        assert (answer.before, answer.after, answer.then) == (20, 40, 20)
        assert rfc3339(answer.until_us or 0) == "2026-11-24T04:00:00Z"
        assert (answer.recorded, answer.repeated, answer.dry_run) == (True, False, False)
        assert at.rpm() == 40
        assert at.changes == [(RPM,)]
        await at.ledger.flushed()
        (entry,) = await at.ledger.reader.audit()
        assert (entry.seq, entry.id, entry.after) == (answer.seq, answer.command_id, 40)
        ((_, event),) = await at.ledger.reader.events()
        assert event.told.kind.startswith("command.")
        assert say(event.told) == 'mika: analytics rpm 20 → 40 for 1h "orders import"'
        assert event == at.told[0]


async def test_a_refused_command_changes_nothing_and_stands_in_the_audit(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        answer = await at.desk.submit(
            replace(RAISE, value=400, idempotency_key="key-0001"), MIKA, dry_run=False
        )
        assert (answer.applied, code(answer)) == (False, "not_allowed")
        assert "ask an admin for more" in why(answer)
        assert (at.rpm(), at.changes, at.told) == (20, [], [])
        await at.ledger.flushed()
        (entry,) = await at.ledger.reader.audit()
        assert not entry.applied
        assert why(entry) == why(answer)
        assert (entry.actor, entry.value, entry.subject) == (
            "mika",
            400,
            Subject.project("analytics"),
        )


async def test_what_is_in_force_survives_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        raised = await at.does(RAISE)
        await at.does(replace(RAISE, value=80_000, field=Field.TPM, for_ms=None), ADA)
        paused = await at.does(PAUSE)
        await at.does(undo(paused), ADA)
        await at.does(KEY_ADD, ADA)
        before = at.desk.layers
    async with bench(tmp_path, clock) as at:
        assert at.desk.layers == before
        assert (at.rpm(), at.paused()) == (40, False)
        assert at.desk.living(at.desk.layers.by_seq[raised.seq], clock.wall_us())
        assert not at.desk.living(at.desk.layers.by_seq[paused.seq], clock.wall_us())
        assert (await at.ledger.reader.chain()).broken is None


class TestRepeats:
    """The same key gets the same answer, also after a restart; another body is a conflict."""

    COMMANDS = (
        PAUSE,
        replace(RAISE, value=None, scale_percent=150),
        RAISE,
        replace(PAUSE, reason=""),
        KEY_ADD,
        Command(
            Action.FALLBACK,
            Subject.model("opus"),
            value="main/flash",
            reason="429s",
            for_ms=HOUR_MS,
        ),
    )

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.action)
    async def test_the_same_again(self, tmp_path: Path, command: Command) -> None:
        clock = HandClock()
        command = with_key(command, "key-00001")
        async with bench(tmp_path, clock) as at:
            first = await at.desk.submit(command, ADA, dry_run=False)
            clock.advance_ms(5_000)
            again = await at.desk.submit(command, ADA, dry_run=False)
            assert again == replace(first, repeated=True)
            assert len(await at.entries()) == 1
        async with bench(tmp_path, clock) as at:
            await at.does(replace(RAISE, value=30, for_ms=None), ADA)
            later = await at.desk.submit(command, ADA, dry_run=False)
            assert later == replace(first, repeated=True)

    async def test_undo_and_resume_again(self, tmp_path: Path) -> None:
        async with bench(tmp_path) as at:
            raised, _ = await at.does(RAISE), await at.does(PAUSE)
            for command in (with_key(undo(raised), "key-undo"), with_key(RESUME, "key-resume")):
                first = await at.does(command)
                again = await at.does(command)
                assert again == replace(first, repeated=True)

    @pytest.mark.parametrize(
        "other",
        [
            replace(RAISE, value=39),
            replace(RAISE, value=None, scale_percent=150),
            replace(RAISE, reason="another"),
            replace(RAISE, for_ms=HOUR_MS + 1),
            replace(RAISE, field=Field.TPM),
            replace(RAISE, subject=Subject.project("search")),
            PAUSE,
        ],
    )
    async def test_the_same_key_with_another_body(self, tmp_path: Path, other: Command) -> None:
        async with bench(tmp_path) as at:
            await at.does(with_key(RAISE, "key-00001"))
            answer = await at.desk.submit(with_key(other, "key-00001"), MIKA, dry_run=False)
            assert (answer.applied, code(answer)) == (False, "conflict")
            assert "use a new key" in why(answer)
            assert (at.rpm(), len(await at.entries())) == (40, 1)

    async def test_the_same_key_of_another_person(self, tmp_path: Path) -> None:
        async with bench(tmp_path) as at:
            await at.does(with_key(RAISE, "key-00001"))
            answer = await at.desk.submit(with_key(RAISE, "key-00001"), ADA, dry_run=False)
            assert code(answer) == "conflict"

    async def test_the_same_key_with_another_secret(self, tmp_path: Path) -> None:
        async with bench(tmp_path) as at:
            await at.does(with_key(KEY_ADD, "key-00001"), ADA)
            other = replace(KEY_ADD, value=replace(KEY, sha256="b" * 64))
            answer = await at.desk.submit(with_key(other, "key-00001"), ADA, dry_run=False)
            assert code(answer) == "conflict"

    async def test_a_key_that_comes_twice_at_once_counts_once(self, tmp_path: Path) -> None:
        async with bench(tmp_path) as at:
            command = with_key(RAISE, "key-00001")
            answers = await asyncio.gather(*(at.does(command) for _ in range(20)))
            assert sorted(answer.repeated for answer in answers) == [False] + [True] * 19
            assert len(await at.entries()) == 1


class TestFullDisk:
    async def test_what_loosens_is_not_done_when_it_cannot_be_recorded(
        self, tmp_path: Path
    ) -> None:
        async with bench(tmp_path) as at:
            with full_disk():
                answer = await at.desk.submit(with_key(RAISE, "key-1"), MIKA, dry_run=False)
            assert (answer.applied, answer.recorded) == (False, False)
            assert code(answer) == "unrecorded"
            assert "nothing was changed" in why(answer)
            assert (at.rpm(), at.changes) == (20, [])
            assert (await at.does(with_key(RAISE, "key-1"))).repeated is False

    async def test_what_tightens_is_done_and_recorded_when_it_can_be(self, tmp_path: Path) -> None:
        clock = HandClock()
        async with bench(tmp_path, clock) as at:
            with full_disk():
                answers = [await at.does(with_key(PAUSE, "key-1")), await at.does(LOWER)]
            assert [answer.recorded for answer in answers] == [False, False]
            assert "in force, NOT recorded" in say(answers[0].warnings[0])
            assert (at.paused(), at.rpm()) == (True, 10)
            assert "2 commands in force, not recorded" in said(at.ledger.problems)
            again = await at.does(with_key(PAUSE, "key-1"))
            assert (again.repeated, again.recorded) == (True, False)
            resumed = await at.does(RESUME)
            assert (resumed.recorded, resumed.seq) == (True, 3)
            await at.ledger.flushed()
            assert [entry.seq for entry in await at.ledger.reader.log()] == [1, 2, 3]
            assert (await at.ledger.reader.chain()).broken is None
        async with bench(tmp_path, clock) as at:
            assert (at.paused(), at.rpm()) == (False, 10)

    async def test_a_refusal_that_cannot_be_recorded_is_still_an_answer(
        self, tmp_path: Path
    ) -> None:
        async with bench(tmp_path) as at:
            with full_disk():
                answer = await at.desk.submit(RESUME, MIKA, dry_run=False)
            assert (code(answer), answer.recorded) == ("conflict", False)


class TestEnds:
    async def test_an_override_ends_by_the_clock_and_is_told_once(self, tmp_path: Path) -> None:
        async with bench(tmp_path) as at:
            answer = await at.does(RAISE)
            running = asyncio.create_task(at.desk.run(look_s=0.001))
            at.clock.advance_ms(HOUR_MS - 1)
            await at.does(LOWER_TPM)
            assert len(at.told) == 2
            at.clock.advance_ms(1)
            await until(lambda: len(at.told) == 3)
            running.cancel()
            assert at.told[2].told.kind == "override.ended"
            assert say(at.told[2].told) == "analytics rpm 40 ended: 20 again"
            assert at.told[2].at_us == at.desk.layers.by_seq[answer.seq].until_us
            assert at.changes[2:] == [(RPM,)]
            assert at.rpm() == 20

    async def test_an_undone_override_does_not_end_again(self, tmp_path: Path) -> None:
        async with bench(tmp_path) as at:
            await at.does(undo(await at.does(RAISE)))
            at.clock.advance_ms(HOUR_MS)
            await at.desk.tick()
            assert [event.told.kind for event in at.told] == ["command.limit", "command.undo"]

    async def test_ends_in_the_order_of_their_instants(self, tmp_path: Path) -> None:
        async with bench(tmp_path) as at:
            await at.does(PAUSE)
            await at.does(replace(RAISE, for_ms=HOUR_MS // 2))
            at.clock.advance_ms(HOUR_MS)
            await at.desk.tick()
            assert [say(event.told) for event in at.told[2:]] == [
                "analytics rpm 40 ended: 20 again",
                "analytics pause ended: running again",
            ]
            assert set(at.changes[-1]) == {RPM, PAUSED}

    async def test_an_end_while_the_gateway_was_down_is_told_at_its_start(
        self, tmp_path: Path
    ) -> None:
        clock = HandClock()
        async with bench(tmp_path, clock) as at:
            at.ledger.levels(clock.wall_us(), {}, {})
            await at.does(RAISE)
        clock.advance_ms(3 * HOUR_MS)
        for _ in range(2):
            async with bench(tmp_path, clock) as at:
                running = asyncio.create_task(at.desk.run(look_s=0.001))
                await until(lambda: len(at.told) == 2)
                running.cancel()
                await at.ledger.flushed()
                events = [event for _, event in await at.ledger.reader.events()]
        assert [event.told.kind for event in events] == ["command.limit", "override.ended"]
        assert events[1].at_us == clock.wall_us() - 2 * HOUR_MS * 1_000

    async def test_ends_long_before_the_last_levels_record_are_not_told_again(
        self, tmp_path: Path
    ) -> None:
        clock = HandClock()
        async with bench(tmp_path, clock) as at:
            await at.does(RAISE)
            clock.advance_ms(2 * HOUR_MS)
            await at.desk.tick()
            at.ledger.levels(clock.wall_us(), {}, {})
        async with bench(tmp_path, clock) as at:
            await at.desk.tick()
            assert at.told == []


LOWER_TPM = replace(RAISE, field=Field.TPM, value=1_000)


async def test_a_pause_is_in_force_within_ten_milliseconds(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        took_ms = []
        for _ in range(20):
            began = time.perf_counter()
            await at.does(PAUSE)
            took_ms.append((time.perf_counter() - began) * 1_000)
        assert sorted(took_ms)[len(took_ms) // 2] < 10


async def test_a_pause_waits_for_one_other_command_at_most(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        others = [
            asyncio.create_task(at.does(replace(RAISE, value=21 + number), ADA))
            for number in range(8)
        ]
        await asyncio.sleep(0)
        paused = await at.does(PAUSE)
        await asyncio.gather(*others)
        assert paused.seq <= 2


async def test_commands_of_many_are_serialised_and_chained(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        await asyncio.gather(
            *(at.does(replace(RAISE, value=21 + number), ADA) for number in range(15)),
            *(at.does(replace(PAUSE, reason=f"number {number}")) for number in range(15)),
        )
        befores = [entry.before for entry in await at.entries() if entry.field is Field.RPM]
        afters = [entry.after for entry in await at.entries() if entry.field is Field.RPM]
        assert befores == [20, *afters[:-1]]
        assert [entry.seq for entry in await at.entries()] == list(range(1, 31))
    ledger = await Ledger.open(tmp_path, clock)
    assert (await ledger.reader.chain()).broken is None
    await ledger.close()
