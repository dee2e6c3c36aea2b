"""Ends of overrides: reached once, on record, by the clock that they were given on."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from quotadeck.domain.commands import Action, Command, Entry, Field
from quotadeck.domain.days import micros
from quotadeck.domain.subject import Subject
from quotadeck.store.chain import entry_of
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.desks import (
    ADA,
    HOUR_MS,
    KEY_ADD,
    PAUSE,
    RAISE,
    RESUME,
    Bench,
    bench,
    code,
    undo,
    why,
)
from tests.gateway.test_desk import full_disk
from tests.wording import said

HOUR_US = HOUR_MS * 1_000
PAUSED = (Subject.project("analytics"), Field.PAUSED)
DAY_US = 24 * HOUR_US
MINUTE_MS = 60_000
SHORT = replace(PAUSE, for_ms=MINUTE_MS)


def step(at: Bench, by_us: int) -> None:
    at.clock.set_wall(at.clock.wall_us() + by_us)


def ends(at: Bench) -> list[str]:
    return [say(told.told) for told in at.told if told.told.kind.startswith("override.")]


async def log(at: Bench) -> list[Entry]:
    await at.ledger.flushed()
    return [entry for entry in await at.ledger.reader.log() if entry.action is Action.END]


def levels(at: Bench) -> None:
    """What the gateway writes every ten seconds."""
    at.ledger.levels(at.clock.wall_us(), {}, {})


@pytest.mark.parametrize("by_us", [-HOUR_US, HOUR_US, -40 * DAY_US, 40 * DAY_US])
async def test_a_duration_is_as_long_as_it_was_given_wherever_the_wall_clock_goes(
    tmp_path: Path, by_us: int
) -> None:
    async with bench(tmp_path) as at:
        await at.does(SHORT)
        at.clock.advance_ms(20_000)
        step(at, by_us)
        await at.desk.tick()
        at.clock.advance_ms(39_999)
        await at.desk.tick()
        assert at.paused()
        (pause,) = at.desk.layers.living(PAUSED, at.clock.wall_us())
        assert abs((pause.until_us or 0) - at.clock.wall_us() - 1_000) < 100_000, "as it is shown"
        at.clock.advance_ms(1)
        await at.desk.tick()
        assert not at.paused()
        assert ends(at) == ["analytics pause ended: running again"]


@pytest.mark.parametrize("down", ["", "restart", "reboot"])
async def test_an_end_that_was_reached_never_comes_back(tmp_path: Path, down: str) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        await at.does(SHORT)
        clock.advance_ms(MINUTE_MS)
        await at.desk.tick()
        step(at, -DAY_US)
        await at.desk.tick()
        assert not at.paused()
    if down == "reboot":
        clock.reboot()
    async with bench(tmp_path, clock) as at:
        await at.desk.tick()
        assert (at.paused(), ends(at)) == (False, [])
        (end,) = await log(at)
        assert (end.actor, end.origin, end.field) == ("gateway", "clock", Field.PAUSED)
        paused = at.desk.layers.by_seq[1]
        assert (end.before, end.after, end.reason, end.of) == (True, None, "", paused.id)
        assert not at.desk.living(end, clock.wall_us())


@pytest.mark.parametrize("behind_us", [0, HOUR_US, 25 * HOUR_US, 400 * DAY_US])
async def test_a_reboot_with_a_clock_that_is_behind_makes_no_override_longer(
    tmp_path: Path, behind_us: int
) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        await at.does(PAUSE)
        clock.advance_ms(50 * MINUTE_MS)
        levels(at)
    clock.reboot()
    clock.set_wall(clock.wall_us() - behind_us)
    async with bench(tmp_path, clock) as at:
        assert at.paused()
        clock.advance_ms(5 * MINUTE_MS)
        clock.set_wall(clock.wall_us() + behind_us)
        await at.desk.tick()
        assert at.paused()
        clock.advance_ms(5 * MINUTE_MS)
        await at.desk.tick()
        assert not at.paused()
        assert ends(at) == ["analytics pause ended: running again"]


@pytest.mark.parametrize("step_us", [-DAY_US, DAY_US])
async def test_a_restart_in_the_same_boot_goes_by_the_monotonic_clock_alone(
    tmp_path: Path, step_us: int
) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        await at.does(PAUSE)
        levels(at)
    clock.advance_ms(30 * MINUTE_MS)
    clock.set_wall(clock.wall_us() + step_us)
    async with bench(tmp_path, clock) as at:
        clock.advance_ms(30 * MINUTE_MS - 1)
        await at.desk.tick()
        assert at.paused()
        clock.advance_ms(1)
        await at.desk.tick()
        assert not at.paused()


async def test_a_reboot_goes_on_no_earlier_than_the_newest_command(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        levels(at)
        clock.advance_ms(50 * MINUTE_MS)
        await at.does(PAUSE)
    clock.reboot()
    clock.set_wall(clock.wall_us() - DAY_US)
    async with bench(tmp_path, clock) as at:
        clock.advance_ms(HOUR_MS)
        await at.desk.tick()
        assert not at.paused()


async def test_a_restart_shows_ends_by_the_clock_as_it_is_now(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        levels(at)
        step(at, DAY_US)
        await at.does(PAUSE)
    clock.set_wall(clock.wall_us() - DAY_US)
    async with bench(tmp_path, clock) as at:
        (pause,) = at.desk.layers.living(PAUSED, clock.wall_us())
        assert pause.until_us == clock.wall_us() + HOUR_US


async def test_a_time_of_day_comes_by_the_wall_clock(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        nine_us = micros("2026-11-24T09:00:00Z")
        answer = await at.does(replace(PAUSE, for_ms=None, until_us=nine_us))
        assert answer.until_us == nine_us
        assert say(at.told[0].told).endswith('until 2026-11-24T09:00:00Z "batch bug"')
        at.clock.advance_ms(5 * HOUR_MS)
        step(at, -2 * HOUR_US)
        await at.desk.tick()
        at.clock.advance_ms(3 * HOUR_MS - 1)
        await at.desk.tick()
        assert at.paused()
        at.clock.advance_ms(1)
        await at.desk.tick()
        assert not at.paused()
        step(at, -HOUR_US)
        await at.desk.tick()
        assert not at.paused()


@pytest.mark.parametrize(
    ("until_us", "for_ms", "words"),
    [
        (0, None, "is not between one second and 31 days from now, 2026-11-24T03:00:00Z"),
        (999_999, None, "is not between one second and 31 days from now"),
        (31 * DAY_US + 1_000, None, "is not between one second and 31 days from now"),
        (HOUR_US, HOUR_MS, "give one of the two"),
    ],
)
async def test_a_time_that_is_no_end_is_refused(
    tmp_path: Path, until_us: int, for_ms: int | None, words: str
) -> None:
    async with bench(tmp_path) as at:
        asked = replace(PAUSE, until_us=at.clock.wall_us() + until_us, for_ms=for_ms)
        answer = await at.desk.submit(asked, ADA, dry_run=False)
        assert words in why(answer)


async def test_no_undo_brings_back_what_ended_while_it_was_out_of_force(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        first = await at.does(undo(await at.does(SHORT)))
        clock.advance_ms(MINUTE_MS)
        await at.desk.tick()
        assert ends(at) == [], "what was out of force already is no news"
        clock.set_wall(clock.wall_us() - DAY_US)
    async with bench(tmp_path, clock) as at:
        answer = await at.desk.submit(undo(first), ADA, dry_run=False)
        assert (code(answer), at.paused()) == ("conflict", False)


async def test_an_end_cannot_be_undone_nor_what_it_ended(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        paused = await at.does(SHORT)
        at.clock.advance_ms(MINUTE_MS)
        await at.desk.tick()
        step(at, -DAY_US)
        (end,) = await log(at)
        asked = Command(Action.UNDO, Subject.command(end.id))
        answer = await at.desk.submit(asked, ADA, dry_run=False)
        assert "is over for good: to have the value again, set it again" in why(answer)
        answer = await at.desk.submit(undo(paused), ADA, dry_run=False)
        assert "ended by itself at 2026-11-24T03:01:00Z" in why(answer)


async def test_a_key_ends_as_an_override_does(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await at.does(replace(KEY_ADD, for_ms=MINUTE_MS), ADA)
        at.clock.advance_ms(MINUTE_MS)
        step(at, -DAY_US)
        await at.desk.tick()
        layers = at.desk.layers
        assert layers.in_force(Subject.key("k_prod"), Field.KEY, at.clock.wall_us()).value is None
        assert ends(at) == ["key k_prod ended"]
        assert at.changes[-1] == ((Subject.key("k_prod"), Field.KEY),)


async def test_an_end_on_a_full_disk_takes_effect_and_is_recorded_later(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        await at.does(SHORT)
        clock.advance_ms(MINUTE_MS)
        with full_disk():
            await at.desk.tick()
        assert (at.paused(), ends(at)) == (False, ["analytics pause ended: running again"])
        assert "1 command in force, not recorded" in said(at.ledger.problems)
        levels(at)
        assert len(await log(at)) == 1
    clock.set_wall(clock.wall_us() - DAY_US)
    async with bench(tmp_path, clock) as at:
        assert not at.paused()


async def test_what_ends_while_a_step_is_not_noticed_yet_is_decided_by_its_own_clock(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as at:
        await at.does(PAUSE)
        step(at, DAY_US)
        await at.does(RESUME)


async def test_an_end_lost_with_the_process_is_told_by_the_next_one(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, clock) as at:
        await at.does(replace(RAISE, for_ms=MINUTE_MS))
        clock.advance_ms(MINUTE_MS)
        await at.desk.tick()
        told = at.told[-1]
    async with bench(tmp_path, clock) as at:
        running = asyncio.create_task(at.desk.run(look_s=0.001))
        await asyncio.sleep(0)
        running.cancel()
        assert at.told[-1] == told
        await at.ledger.flushed()
        texts = [say(event.told) for _, event in await at.ledger.reader.events()]
        assert texts.count("analytics rpm 40 ended: 20 again") == 1


async def test_entries_from_before_ends_were_kept_apart_end_after_their_duration(
    tmp_path: Path,
) -> None:
    """An entry of an older log: it names neither ``for_ms`` nor ``steady_us``."""
    async with bench(tmp_path) as at:
        await at.does(PAUSE)
        (entry,) = at.desk.layers.by_seq.values()
    old = {
        name: getattr(entry, name)
        for name in Entry.__dataclass_fields__
        if name not in ("for_ms", "steady_us", "hash")
    }
    read = entry_of(old | {"subject": str(entry.subject)}, entry.hash)
    assert (read.for_ms, read.steady_us) == (HOUR_MS, entry.at_us)
