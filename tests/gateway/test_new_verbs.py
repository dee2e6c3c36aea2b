"""Verbs on a desk over a real ledger: notes, troubles seen, and overrides before their end."""

from dataclasses import replace
from pathlib import Path

from quotadeck.domain.commands import EVERY_PROJECT, Action, Command, Field
from quotadeck.domain.state import State, StateKind, Urgency
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.desks import (
    ANALYTICS,
    HOUR_MS,
    MIKA,
    PAUSE,
    RAISE,
    bench,
    call,
    code,
    refusal,
    undo,
    why,
    with_key,
)

NOTE = Command(Action.NOTE, Subject(SubjectKind.GATEWAY, ""), value="shop\x1b[2J v412")


async def test_a_note_is_an_event_and_a_line_of_the_audit_and_nothing_in_force(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        before = at.desk.layers
        answer = await at.does(with_key(NOTE, "key-00001"))
        assert (answer.after, at.changes) == ("shop\ufffd[2J v412", [])
        (event,) = at.told
        assert (event.told.kind, event.subject) == ("note", "gateway:")
        assert say(event.told) == "mika: shop\ufffd[2J v412"
        await at.does(replace(NOTE, subject=ANALYTICS, value="seen"))
        assert say(at.told[1].told) == "mika on analytics: seen"
        assert at.desk.layers == before
        assert not at.desk.living((await at.entries())[0], clock.wall_us())
        assert (await at.does(with_key(NOTE, "key-00001"))).repeated
        empty = await at.desk.submit(replace(NOTE, value=" "), MIKA, dry_run=False)
        unknown = replace(NOTE, subject=Subject.project("nope"))
        nope = await at.desk.submit(unknown, MIKA, dry_run=False)
        assert (code(empty), code(nope)) == ("invalid", "not_found")
    async with bench(tmp_path, clock) as at:
        assert at.desk.layers == before
        assert (await at.ledger.reader.chain()).broken is None


async def test_a_trouble_is_acknowledged_while_it_is_there(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        seen = Command(Action.ACKNOWLEDGE, ANALYTICS, reason="asked payments")
        calm = await at.desk.submit(seen, MIKA, dry_run=False)
        assert code(calm) == "conflict"
        states = {ANALYTICS: State(StateKind.FAILING, Urgency.TROUBLE)}
        at.desk._state_of = states.__getitem__
        answer = await at.does(seen)
        assert (answer.field, answer.after) == ("seen", "failing")
        assert say(at.told[0].told) == 'mika has seen that analytics is failing "asked payments"'


async def test_an_extended_override_ends_once_and_at_its_new_end(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        await at.does(RAISE)
        command = with_key(Command(Action.EXTEND, ANALYTICS, Field.RPM, for_ms=HOUR_MS), "key-0001")
        longer = await at.does(command)
        clock.advance_ms(HOUR_MS)
        await at.desk.tick()
        assert (at.rpm(), len(at.told)) == (40, 2), "the old end is no news"
        assert await at.does(command) == replace(longer, repeated=True)
    async with bench(tmp_path, clock) as at:
        clock.advance_ms(HOUR_MS)
        await at.desk.tick()
        assert (at.rpm(), [event.told.kind for event in at.told]) == (20, ["override.ended"])


async def test_an_override_ended_early_is_told_as_that_and_can_be_taken_back(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as at:
        await at.does(RAISE)
        ended = await at.does(Command(Action.END_NOW, ANALYTICS, Field.RPM))
        assert at.rpm() == 20
        assert say(at.told[1].told) == "mika: analytics rpm 40 ended early: 20 again"
        await at.does(undo(ended))
        assert at.rpm() == 40


async def test_all_but_a_class_are_paused_as_one_change(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        command = with_key(replace(PAUSE, subject=EVERY_PROJECT, all_but="high"), "key-00001")
        answer = await at.does(command)
        assert [part.subject.name for part in answer.parts] == ["analytics", "search"]
        assert await at.does(command) == replace(answer, repeated=True)
        await at.does(undo(answer))
        assert not at.paused()


async def test_a_limit_is_set_to_what_the_last_hour_needed(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        at.clock.advance_ms(HOUR_MS)
        for minute in range(1, 61):
            at_us = at.clock.wall_us() - minute * 60_000_000
            at.ledger.end_call(call(minute, at_us))
            at.ledger.end_call(refusal(100 + minute, at_us, 29))
        await at.ledger.flushed()
        asked = with_key(replace(RAISE, value=None, needed=True), "key-00001")
        answer = await at.does(asked)
        assert (answer.before, answer.after) == (20, 33)
        assert await at.does(asked) == replace(answer, repeated=True)
        search = replace(asked, subject=Subject.project("search"), idempotency_key="")
        nothing = await at.desk.submit(search, MIKA, dry_run=True)
        assert "search asked for nothing in the last hour" in why(nothing)
        money = replace(asked, field=Field.BUDGET, idempotency_key="")
        assert "name one of rpm, tpm" in why(await at.desk.submit(money, MIKA, dry_run=True))
        both = replace(asked, value=3, idempotency_key="")
        assert "give one of them" in why(await at.desk.submit(both, MIKA, dry_run=True))
