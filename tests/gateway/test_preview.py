"""The preview of a command: what it says, and that it leaves no trace."""

from dataclasses import replace
from pathlib import Path

from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action, Actor, Command, Field, Role
from quotadeck.domain.subject import Subject
from quotadeck.words import say
from tests.gateway.desks import (
    ADA,
    HOUR_MS,
    KEY_ADD,
    MIKA,
    PAUSE,
    RAISE,
    Bench,
    bench,
    call,
    code,
    refusal,
    why,
    with_key,
)


async def test_it_tells_everything_and_leaves_no_trace(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        at.clock.advance_ms(30_000)
        await traffic(at)
        preview = await at.desk.submit(with_key(RAISE, "key-1"), MIKA, dry_run=True)
        assert (preview.applied, preview.dry_run, preview.command_id) == (False, True, "")
        assert (preview.before, preview.after, preview.then) == (20, 40, 20)
        assert preview.until_us == at.clock.wall_us() + HOUR_MS * 1_000
        estimate = preview.estimate
        assert estimate is not None
        assert (estimate.minutes, estimate.requests) == (15, 70)
        assert (estimate.admitted_before, estimate.admitted_after) == (30, 40 + 10)
        assert (estimate.spend_before_nano, estimate.spend_after_nano) == (
            7_800_000,
            13_000_000,
        )
        assert (at.rpm(), at.changes, await at.entries()) == (20, [], [])
        await at.does(with_key(RAISE, "key-1"))


async def test_of_a_pause_a_fallback_and_a_target(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await traffic(at)

        async def estimate(command: Command) -> tuple[int, int]:
            told = (await at.desk.submit(command, ADA, dry_run=True)).estimate
            assert told is not None
            return told.admitted_after, told.spend_after_nano

        assert await estimate(PAUSE) == (0, 0)
        assert await estimate(replace(PAUSE, subject=Subject.model("opus"))) == (0, 0)
        fallback = Command(
            Action.FALLBACK,
            Subject.model("opus"),
            value="main/flash",
            reason="429s",
            for_ms=HOUR_MS,
        )
        assert await estimate(fallback) == (31, 806_000)
        target = replace(RAISE, subject=Subject.target("main/opus"), value=5)
        assert await estimate(target) == (5 + 1 + 5, 11 * 260_000)
        idle = replace(RAISE, subject=Subject.target("main/flash"), value=5)
        assert await estimate(idle) == (0, 0)


async def test_a_budget_below_what_is_spent_is_warned_of(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await traffic(at)
        command = replace(RAISE, field=Field.BUDGET, value=7_000_000)
        preview = await at.desk.submit(command, MIKA, dry_run=True)
        (warning,) = preview.warnings
        assert say(warning) == (
            "$0.0078 of today are spent already: everything will be refused until "
            "2026-11-25T00:00:00Z"
        )


async def test_a_standing_change_under_an_override_is_warned_of(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await at.does(RAISE)
        answer = await at.does(replace(RAISE, value=30, for_ms=None), ADA)
        assert [*map(say, answer.warnings)] == [
            "mika's override stays in force above this: 40 until 2026-11-24T04:00:00Z",
        ]


async def test_what_cannot_be_estimated_says_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        concurrency = replace(RAISE, field=Field.CONCURRENCY, value=3)
        for command in (concurrency, KEY_ADD):
            preview = await at.desk.submit(command, ADA, dry_run=True)
            assert (preview.estimate, why(preview)) == (None, "")


async def test_a_refusal_comes_without_a_trace(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        vera = Actor("vera", Role.VIEWER, "socket")
        preview = await at.desk.submit(PAUSE, vera, dry_run=True)
        assert (code(preview), preview.dry_run) == ("not_allowed", True)
        assert await at.entries() == []


async def traffic(at: Bench) -> None:
    """Last minute 20 calls and 30 refusals, a quarter of an hour ago 10 and 10, before that 99."""
    now_us = at.clock.wall_us()
    minute_us = now_us - now_us % 60_000_000
    for number in range(20):
        at.ledger.end_call(call(number, minute_us - 1_000_000))
    at.ledger.end_call(refusal(100, minute_us - 1_000_000, 30))
    for number in range(20, 30):
        at.ledger.end_call(call(number, minute_us - 14 * 60_000_000))
    at.ledger.end_call(refusal(101, minute_us - 14 * 60_000_000, 10, Cause.TPM))
    at.ledger.end_call(refusal(102, minute_us - 15 * 60_000_000, 99))
    at.ledger.end_call(call(0, minute_us - 2 * 60_000_000, "search"))
    await at.ledger.flushed()
