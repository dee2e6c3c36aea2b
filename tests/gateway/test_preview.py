"""The preview of a command: what it says, and that it leaves no trace."""

from dataclasses import replace
from pathlib import Path

from quotadeck.domain.commands import Action, Actor, Command, Field, Role
from quotadeck.domain.subject import Subject
from quotadeck.words import say
from tests.backtest.recording import Coming, Recorder
from tests.gateway.desks import (
    ADA,
    CATALOGUE,
    HOUR_MS,
    KEY_ADD,
    MIKA,
    PAUSE,
    RAISE,
    Bench,
    bench,
    code,
    why,
    with_key,
)


async def test_it_tells_everything_and_leaves_no_trace(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await traffic(at)
        preview = await at.desk.submit(with_key(RAISE, "key-1"), MIKA, dry_run=True)
        assert (preview.applied, preview.dry_run, preview.command_id) == (False, True, "")
        assert (preview.before, preview.after, preview.then) == (20, 40, 20)
        assert preview.until_us == at.clock.wall_us() + HOUR_MS * 1_000
        estimate = preview.estimate
        assert estimate is not None
        assert (estimate.minutes, estimate.requests) == (2, 120)
        assert estimate.admitted_before == estimate.admitted_really == 42
        assert (estimate.admitted_after, estimate.refused_after) == (85, 35)
        assert estimate.spend_after_nano * 42 == estimate.spend_before_nano * 85
        assert (at.rpm(), at.changes, await at.entries()) == (20, [], [])
        await at.does(with_key(RAISE, "key-1"))


async def test_of_a_pause_a_fallback_and_a_target(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await traffic(at)

        async def estimate(command: Command) -> tuple[int, int]:
            told = (await at.desk.submit(command, ADA, dry_run=True)).estimate
            assert told is not None
            return told.admitted_after, told.spend_after_nano

        _, spent = await estimate(replace(RAISE, value=20))
        assert await estimate(PAUSE) == (0, 0)
        assert await estimate(replace(PAUSE, subject=Subject.model("opus"))) == (0, 0)
        fallback = Command(
            Action.FALLBACK,
            Subject.model("opus"),
            value="main/flash",
            reason="429s",
            for_ms=HOUR_MS,
        )
        assert await estimate(fallback) == (42, spent // 10)
        target = replace(RAISE, subject=Subject.target("main/opus"), value=5)
        admitted, _ = await estimate(target)
        assert 10 <= admitted <= 12
        idle = replace(RAISE, subject=Subject.target("main/flash"), value=5)
        assert await estimate(idle) == (0, 0)


async def test_several_subjects_of_one_change_are_replayed_together(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await traffic(at)
        both = replace(PAUSE, subjects=(PAUSE.subject, Subject.project("search")))
        told = (await at.desk.submit(both, MIKA, dry_run=True)).estimate
        assert told is not None
        assert (told.requests, told.admitted_before, told.admitted_after) == (120, 42, 0)


async def test_a_budget_below_what_is_spent_is_warned_of(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await traffic(at)
        command = replace(RAISE, field=Field.BUDGET, value=7_000_000)
        preview = await at.desk.submit(command, MIKA, dry_run=True)
        (warning,) = preview.warnings
        assert say(warning) == (
            "$0.01428 of today are spent already: everything will be refused until "
            "2026-11-25T00:00:00Z"
        )


async def test_a_standing_change_under_an_override_is_warned_of(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await at.does(RAISE)
        answer = await at.does(replace(RAISE, value=30, for_ms=None), ADA)
        assert [*map(say, answer.warnings)] == [
            "mika's override stays in force above this: 40 until 2026-11-24T04:00:00Z",
        ]


async def test_a_key_has_no_figures_and_no_calls_have_none(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        note = Command(Action.NOTE, PAUSE.subject, value="deploy")
        for command in (KEY_ADD, note):
            preview = await at.desk.submit(command, ADA, dry_run=True)
            assert (preview.estimate, preview.warnings, why(preview)) == (None, (), "")
        preview = await at.desk.submit(RAISE, ADA, dry_run=True)
        assert preview.estimate is None
        assert [*map(say, preview.warnings)] == ["no figures: nothing is on record yet"]


async def test_a_refusal_comes_without_a_trace(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        vera = Actor("vera", Role.VIEWER, "socket")
        preview = await at.desk.submit(PAUSE, vera, dry_run=True)
        assert (code(preview), preview.dry_run) == ("not_allowed", True)
        assert await at.entries() == []


async def traffic(at: Bench) -> None:
    """A request a second for two minutes, of which rpm 20 lets a third through."""
    recorder = Recorder(at.ledger, CATALOGUE, at.clock)
    await recorder.begin()
    await recorder.comes([Coming(1_000_000, "analytics", "opus", ms=100)] * 120)
    await recorder.until(at.clock.wall_us() + 1_000_000)
    await at.ledger.flushed()
