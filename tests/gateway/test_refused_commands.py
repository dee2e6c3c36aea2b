"""Refused commands on record: few by themselves, a storm of them counted, none untold."""

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path

from quotadeck.domain.commands import Action, Actor, Entry, Role
from quotadeck.domain.limits import MICRO
from quotadeck.domain.subject import Subject
from quotadeck.gateway.control.refused_commands import ROWS
from tests.gateway.desks import PAUSE, RESUME, Bench, bench, code, why, with_key
from tests.gateway.test_command_log import entries_in_memory
from tests.gateway.test_desk import full_disk

EVE = Actor("eve", Role.VIEWER, "socket")
MIKA = Actor("mika", Role.OPERATOR, "socket")
AT_ONCE = ROWS[Role.VIEWER].capacity // MICRO
A_MINUTE = ROWS[Role.VIEWER].per_minute
NUMBERS = itertools.count()
"""A command that is sent again is a repeat and no refusal."""


async def storm(at: Bench, count: int, actor: Actor = EVE) -> None:
    for number in itertools.islice(NUMBERS, count):
        command = with_key(
            replace(PAUSE, subject=Subject.project(f"p{number}")), f"{actor.name}-{number:06}"
        )
        answer = await at.desk.submit(command, actor, dry_run=False)
        assert (answer.applied, code(answer), answer.recorded) == (False, "not_allowed", True)


def told(entries: list[Entry]) -> int:
    """How many refusals the entries tell of."""
    return sum(entry.refused.times for entry in entries if entry.refused)


async def test_a_storm_is_a_few_rows_that_tell_of_every_refusal(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        began_us, before = at.clock.wall_us(), entries_in_memory()
        await storm(at, 1_500)
        await at.desk.record_counted()
        assert len(await at.entries()) == AT_ONCE
        assert entries_in_memory() - before < 2 * AT_ONCE
        at.clock.advance_ms(60_000 // A_MINUTE)
        await at.desk.record_counted()
        entries = await at.entries()
        assert len(entries) == AT_ONCE + 1
        assert told(entries) == 1_500
        last = entries[-1]
        assert (last.actor, last.action, last.applied) == ("eve", Action.PAUSE, False)
        assert why(last) == (
            "refused 1,480 times since 2026-11-24T03:00:00Z; "
            "last: eve is viewer here; pause takes an operator: ask one"
        )
        assert last.at_us == began_us
        await at.ledger.flushed()
        assert (await at.ledger.reader.chain()).broken is None


async def test_a_storm_without_end_gets_so_many_rows_a_minute(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        for _ in range(600):
            await storm(at, 2)
            at.clock.advance_ms(1_000)
            await at.desk.record_counted()
        await at.desk.record_counted(ending=True)
        entries = await at.entries()
        assert told(entries) == 1_200
        assert len(entries) <= AT_ONCE + 10 * A_MINUTE + 1


async def test_kinds_are_told_apart_and_accounts_do_not_share_rows(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await storm(at, 100)
        await at.desk.submit(with_key(RESUME, "eve-resume"), EVE, dry_run=False)
        for number in range(50):
            command = with_key(RESUME, f"mika-{number:06}")
            answer = await at.desk.submit(command, MIKA, dry_run=False)
            assert answer.seq == AT_ONCE + 1 + number
        await at.desk.record_counted(ending=True)
        entries = await at.entries()
        assert told([entry for entry in entries if entry.actor == "mika"]) == 50
        counted = [entry for entry in entries if entry.refused and entry.refused.since_us]
        assert [(entry.action, told([entry])) for entry in counted] == [
            (Action.PAUSE, 80),
            (Action.RESUME, 1),
        ]


async def test_what_was_not_even_read_is_told_with_the_last_refusal(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        at.desk.refused.turned_away("nobody-yet")
        await storm(at, AT_ONCE + 1)
        for _ in range(3_000):
            at.desk.refused.turned_away("eve")
        await at.desk.record_counted(ending=True)
        assert "refused 1 time since" in why((await at.entries())[-1])
        assert "and 3,000 more not even read; last: eve is" in why((await at.entries())[-1])


async def test_what_cannot_be_written_is_counted_on(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await storm(at, 100)
        at.clock.advance_ms(60_000)
        with full_disk():
            await at.desk.record_counted()
        assert len(await at.entries()) == AT_ONCE
        await storm(at, 10)
        await at.desk.record_counted(ending=True)
        assert told(await at.entries()) == 110


async def test_after_a_rest_all_rows_are_there_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await storm(at, AT_ONCE)
        at.clock.advance_ms(AT_ONCE * 60_000 // A_MINUTE)
        await at.desk.record_counted()
        for number in range(AT_ONCE):
            command = with_key(PAUSE, f"later-{number:06}")
            assert (await at.desk.submit(command, EVE, dry_run=False)).seq == AT_ONCE + 1 + number


async def test_who_may_do_nothing_keeps_nobody_waiting_who_may(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        order: list[str] = []

        async def ask(actor: Actor, key: str) -> None:
            await at.desk.submit(with_key(PAUSE, key), actor, dry_run=False)
            order.append(actor.name)

        storming = [asyncio.create_task(ask(EVE, f"eve-{number:06}")) for number in range(50)]
        await asyncio.sleep(0)
        await ask(MIKA, "mika-pause")
        await asyncio.gather(*storming)
        assert order.index("mika") < 10
        assert at.paused()


async def test_a_refusal_that_stands_by_itself_is_answered_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        first = await at.desk.submit(with_key(PAUSE, "eve-00001"), EVE, dry_run=False)
        again = await at.desk.submit(with_key(PAUSE, "eve-00001"), EVE, dry_run=False)
        assert again == replace(first, repeated=True)
        assert len(await at.entries()) == 1
