"""Did it help: measured a minute after each change, from what is on record, with nobody looking."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action, Command
from quotadeck.domain.effect import measured
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.gateway.watch.effects import AFTER_NS, MOST, Effects
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.desks import (
    ANALYTICS,
    HOUR_MS,
    PAUSE,
    RAISE,
    Bench,
    bench,
    call,
    refusal,
    undo,
)
from tests.gateway.test_groups import BOTH
from tests.store.values import START_US, entry

SECOND_US = 1_000_000
MODEL = Command(
    Action.FALLBACK, Subject.model("opus"), value="main/flash", reason="429s", for_ms=HOUR_MS
)


@asynccontextmanager
async def watched(
    directory: Path, clock: HandClock | None = None
) -> AsyncIterator[tuple[Bench, Effects, list[Event]]]:
    """A desk whose changes are measured, and what was told of them."""
    async with bench(directory, clock) as at:
        told: list[Event] = []

        def tell(event: Event) -> None:
            told.append(event)
            at.ledger.event(event)

        at.desk._effects = effects = Effects(at.ledger, at.clock, tell)
        yield at, effects, told


async def minute(at: Bench, effects: Effects) -> None:
    """The minute after a change, second by second."""
    for _ in range(AFTER_NS // 1_000_000_000):
        at.clock.advance_ms(1_000)
        await effects.second()


def passed(at: Bench, number: int, seconds: int, **changes: Any) -> None:
    """A call that ended so many seconds after now, or before it."""
    at_us = at.clock.wall_us() + seconds * SECOND_US - 900_000
    at.ledger.end_call(call(number, at_us, **changes))


async def test_the_minutes_before_and_after_are_compared(tmp_path: Path) -> None:
    async with watched(tmp_path) as (at, effects, told):
        now_us = at.clock.wall_us()
        passed(at, 1, -61)
        passed(at, 2, -59)
        passed(at, 3, -1, outcome=Outcome.UPSTREAM_ERROR, cause=Cause.UPSTREAM_5XX)
        passed(at, 4, -5, project="search", cost_nano_usd=5)
        at.ledger.end_call(refusal(5, now_us - 10 * SECOND_US, 54))
        at.ledger.end_call(refusal(6, now_us - 10 * SECOND_US, 31)._replace(project="search"))
        answer = await at.does(RAISE)
        passed(at, 7, 1, total_ms=400)
        passed(at, 8, 59)
        at.ledger.end_call(refusal(9, now_us + 58 * SECOND_US, 4)._replace(project="search"))
        passed(at, 10, 61)
        assert told == []
        await minute(at, effects)
        (event,) = told
        facts = event.told.facts
        assert (event.told.kind, facts["command"], event.subject) == (
            "effect",
            answer.command_id,
            "project:analytics",
        )
        assert [facts[f"{name}_before"] for name in ("asked", "refused", "failed", "others")] == [
            *(56, 54, 1, 31)
        ]
        assert [facts[f"{name}_after"] for name in ("asked", "refused", "failed", "others")] == [
            *(2, 0, 0, 4)
        ]
        assert (facts["before_nano"], facts["after_nano"]) == (520_000, 520_000)
        assert say(event.told).startswith(
            "effect on analytics, a minute before and after: refused 54 → 0 of 56 → 2, failed 1 → 0"
        )
        assert say(event.told).endswith("; others refused 31 → 4")


async def test_a_change_of_several_and_of_a_model_are_one_effect_each(tmp_path: Path) -> None:
    async with watched(tmp_path) as (at, effects, told):
        passed(at, 1, -3)
        passed(at, 2, -3, project="search", model="other")
        both = await at.does(BOTH)
        model = await at.does(MODEL)
        await minute(at, effects)
        assert [
            (event.told.facts["command"], event.told.facts["asked_before"]) for event in told
        ] == [(both.command_id, 2), (model.command_id, 1)]
        assert told[0].told.facts["names"] == ("analytics", "search")


async def test_undos_and_ends_are_measured_and_what_moves_nothing_is_not(tmp_path: Path) -> None:
    async with watched(tmp_path) as (at, effects, told):
        raised = await at.does(RAISE)
        await at.does(undo(raised))
        await at.does(PAUSE)
        await at.does(Command(Action.EXTEND, ANALYTICS, for_ms=HOUR_MS))
        await at.does(Command(Action.NOTE, ANALYTICS, value="v412"))
        await minute(at, effects)
        await minute(at, effects)
        assert len(told) == 3
        at.clock.advance_ms(2 * HOUR_MS)
        await at.desk.tick()
        await minute(at, effects)
        ended = (await at.entries())[-1]
        assert (ended.action, told[-1].told.facts["command"]) == (Action.END, ended.id)


async def test_what_a_restart_cut_off_is_said_to_be_not_measured_and_once(tmp_path: Path) -> None:
    clock = HandClock()
    async with watched(tmp_path, clock) as (at, effects, told):
        first = await at.does(RAISE)
        await minute(at, effects)
        assert [event.told.kind for event in told] == ["effect"]
        cut_off = await at.does(PAUSE)
    for expected in ([cut_off.command_id], []):
        async with watched(tmp_path, clock) as (at, effects, told):
            at.desk._tell_again()
            await effects.second()
            named = [event.told.facts["command"] for event in told]
            assert named == expected, first.command_id
            for event in told:
                assert say(event.told) == (
                    "effect on analytics not measured: the gateway was restarted within the minute"
                )
            await at.ledger.flushed()


async def test_a_stepped_clock_and_too_many_changes_are_not_measured(tmp_path: Path) -> None:
    async with watched(tmp_path) as (at, effects, told):
        await at.does(RAISE)
        at.clock.set_wall(at.clock.wall_us() + 5 * SECOND_US)
        await minute(at, effects)
        assert [event.told.facts["why"] for event in told] == ["clock"]
        entry = (await at.entries())[0]
        for number in range(MOST + 1):
            effects.changed([replace(entry, id=f"cmd_{number}")])
        assert [event.told.facts["why"] for event in told] == ["clock", "many"]
        await minute(at, effects)
        assert len(told) == 4, "two a second"
        for _ in range(MOST):
            await effects.second()
        assert len(told) == MOST + 2


def test_another_class_is_felt_and_another_end_is_not() -> None:
    pause = entry("made")
    priority = replace(pause, action=Action.PRIORITY, field="priority", value="low", after="low")
    assert measured([priority], START_US) is not None
    for action in (Action.EXTEND, Action.PERMANENT):
        assert measured([replace(pause, action=action)], START_US) is None
    assert measured([replace(pause, idle=True)], START_US) is None
