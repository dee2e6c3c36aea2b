"""A change is previewed, applied once, and its way back is told."""

import asyncio
from dataclasses import replace

from textual.events import Paste

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.subject import Subject
from tests.tui.driving import (
    applied,
    choose,
    framed,
    quotadeck,
    quotadeck_of,
    scripted,
    sees,
    shown,
    until,
)
from tests.tui.scenes import AT_US, MINUTE_US, fire
from tests.tui.scripted import Scripted, agree, refused


async def test_nothing_is_applied_by_the_key_that_opened_the_dialog() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "limit analytics", "20 → 40", "until 04:02, then 20 again")
        await sees(pilot, "real calls of the last 15 min")
        await sees(pilot, "quotadeck limit analytics rpm 40 --for 1h")
        assert applied(source) == []
        await pilot.press("escape")
        await sees(pilot, "nothing was changed")
        assert applied(source) == []


async def test_a_limit_is_applied_as_previewed() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "x", "2", "tab", "ctrl+u", "3", "0", "m", "tab", *"orders")
        await sees(pilot, 'rpm 200% --for 30m --reason "orders"', "refused 274 → 5")
        await pilot.press("enter")
        await sees(pilot, "done: analytics rpm 20 → 40 until 04:02")
    (command,) = applied(source)
    assert replace(command, idempotency_key="") == Command(
        Action.LIMIT,
        Subject.project("analytics"),
        Field.RPM,
        scale_percent=200,
        reason="orders",
        for_ms=1_800_000,
        expected_version=4,
    )
    assert len(command.idempotency_key) >= 8


async def test_a_repeated_enter_cannot_apply_twice() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "20 → 40")
        source.hold = asyncio.Event()
        await pilot.press("enter", "enter", "enter")
        await sees(pilot, "applying …")
        assert len(applied(source)) == 1
        source.hold.set()
        await sees(pilot, "done: analytics")
    assert len(applied(source)) == 1


async def test_a_missing_reason_is_asked_for_and_nothing_is_sent() -> None:
    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        if not command.reason:
            return CommandAnswer(subject=command.subject, **refused("it needs a reason"))
        return agree(command, dry_run)

    source = scripted(answer=answer)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "20 → 40", "  it needs a reason")  # its effect is seen all the same
        assert "! it needs" not in framed(pilot)  # nobody made a mistake yet
        assert "--reason" not in framed(pilot)
        await pilot.press("enter")
        await sees(pilot, "! it needs a reason")
        assert applied(source) == []
        await pilot.press(*"why")
        await sees(pilot, '--reason "why"', "20 → 40")
        await pilot.press("enter")
        await sees(pilot, "done: analytics")
    (command,) = applied(source)
    assert command.reason == "why"


async def test_only_the_newest_preview_is_shown() -> None:
    held: list[asyncio.Event] = []

    class Slow(Scripted):
        async def command(self, command: Command, *, dry_run: bool) -> CommandAnswer:
            event = asyncio.Event()
            held.append(event)
            try:
                await event.wait()
            except asyncio.CancelledError:
                event.set()  # an answer that comes all the same
            return agree(command, dry_run)

    source = Slow(iter((fire(),)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4")
        await until(pilot, lambda: len(held) == 1)
        await pilot.press("0")
        await until(pilot, lambda: len(held) == 2)
        held[0].set()
        await pilot.pause(0.05)
        assert "asking the gateway" in shown(quotadeck_of(pilot))
        held[1].set()
        await sees(pilot, "20 → 40")


async def test_an_enter_before_the_preview_waits_for_it_and_stops_at_a_warning() -> None:
    source = scripted(hold=asyncio.Event())
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        assert source.hold is not None
        await choose(pilot, "analytics")
        await pilot.press("p", "enter")
        await sees(pilot, "asking the gateway")
        assert applied(source) == []
        source.hold.set()
        await sees(pilot, "done: analytics state running → paused")
        source.hold.clear()
        await pilot.press("l", "4", "0", "enter")
        source.hold.set()
        await sees(pilot, "20 → 40", "low priority waits")
        await pilot.pause(0.05)
        assert len(applied(source)) == 1
        await pilot.press("enter")
        await sees(pilot, "done: analytics rpm")


async def test_what_it_does_stays_to_be_read_while_the_reason_is_typed() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0", "tab", "tab")
        await sees(pilot, "20 → 40")
        source.hold = asyncio.Event()
        await pilot.press(*"why", "tab")
        assert "20 → 40" in shown(quotadeck_of(pilot))
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "5")
        assert "20 → 40" not in shown(quotadeck_of(pilot))


async def test_what_is_typed_replaces_a_proposal_that_nobody_touched() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p", "up", *"30m")
        await sees(pilot, "pause analytics --for 30m")
        await pilot.press("escape", "p", "up", "end", "3", "0", "m")
        await sees(pilot, "pause analytics --for 1h30m")


async def test_an_end_that_does_not_fit_gets_a_line_of_its_own() -> None:
    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        return replace(
            agree(command, dry_run),
            before="main/claude-opus-4.7",
            after="main/gemini-2.5-flash",
            then="main/claude-opus-4.7",
        )

    async with quotadeck(scripted(answer=answer)).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "search")
        await pilot.press("f")
        await sees(
            pilot,
            "main/claude-opus-4.7 → main/gemini-2.5-flash ",
            "   until 04:02, then main/claude-opus-4.7 again",
        )


async def test_what_nothing_was_admitted_of_has_no_price() -> None:
    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        agreed = agree(command, dry_run)
        assert agreed.estimate is not None
        estimate = replace(
            agreed.estimate, admitted_before=0, spend_before_nano=0, spend_after_nano=0
        )
        return replace(agreed, estimate=estimate)

    async with quotadeck(scripted(answer=answer)).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "admitted 0 → 571", "spend $0/h → unknown")


async def test_what_no_reason_mends_is_said_before_the_missing_reason() -> None:
    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        error = "0 is too little" if command.reason else "it needs a reason"
        return CommandAnswer(subject=command.subject, **refused(error))

    async with quotadeck(scripted(answer=answer)).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "0")
        await sees(pilot, "! 0 is too little")


async def test_what_is_not_understood_says_what_is() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l")
        await sees(pilot, "  type a value: 40, 80k, 1.5M, x2 or 50%", "now 20 (mika, until 03:49)")
        assert "!" not in framed(pilot)
        await pilot.press("enter")
        await sees(pilot, "! type a value: 40, 80k, 1.5M, x2 or 50%")
        await pilot.press(*"many", "enter")
        await sees(pilot, "! 'many' is not a value for rpm such as 40")
    assert applied(source) == []


async def test_pausing_high_priority_asks_for_the_name() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "support-chat")
        await pilot.press("p", "enter")
        await sees(pilot, "type support-chat in the last field to confirm")
        assert applied(source) == []
        await pilot.press("x", "enter", "backspace")
        assert applied(source) == []
        await pilot.press(*"support-chat", "enter")
        await sees(pilot, "done: support-chat")
    (command,) = applied(source)
    assert (command.action, command.value, command.for_ms) == (Action.PAUSE, True, 3_600_000)


async def test_resume_knows_what_is_paused() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("r")
        await sees(pilot, "analytics is not paused")
        await pilot.press("g")
        await choose(pilot, "content-gen")
        await pilot.press("r", "enter")
        await sees(pilot, "done: content-gen")
    (command,) = applied(source)
    assert (command.action, command.subject) == (Action.RESUME, Subject.project("content-gen"))


async def test_fallback_offers_the_routes_targets() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "search")
        await pilot.press("f", "up", "up", "right")
        await sees(pilot, "gpt-4.1 → main/deepseek-v3.2")
        await pilot.press("enter")
        await sees(pilot, "done: model:gpt-4.1")
    (command,) = applied(source)
    assert (command.subject, command.value) == (Subject.model("gpt-4.1"), "main/deepseek-v3.2")


async def test_undo_takes_the_rows_own_change_first() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("u")
        await sees(pilot, "undo mika's change of analytics", "takes back  analytics rpm 10 → 20")
        await pilot.press("enter")
        await sees(pilot, "done:")
    (command,) = applied(source)
    assert command.subject == Subject.command(f"cmd_{4:032x}")


async def test_a_model_is_limited_and_paused_from_its_own_table() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(quotadeck_of(pilot).overview.models.rows))
        await pilot.press("tab", "l", *"100k")
        await sees(pilot, "rpm         20 → 100,000   until 04:02")
        await pilot.press("enter")
        await sees(pilot, "done: target:main/claude-opus-4.7")
        await pilot.press("p")
        await sees(pilot, "pause model claude-opus-4.7")
        await pilot.press("enter")
        await sees(pilot, "type claude-opus-4.7 in the last field")
    assert [command.subject for command in applied(source)] == [
        Subject.target("main/claude-opus-4.7")
    ]


async def test_a_change_can_end_at_a_time_of_day_on_the_screens_clock() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        for key in ("p", "l", "f"):
            await pilot.press(key, *(("4", "0", "tab") if key == "l" else ("up",)))
            await pilot.press(*"until 09:00")
            await sees(pilot, "2026-11-24T00:00:00Z", "   until 09:00, then ")
            await pilot.press("enter")
            await sees(pilot, "done:")
    end_us = AT_US + (5 * 60 + 58) * MINUTE_US
    assert [(one.for_ms, one.until_us) for one in applied(source)] == [(None, end_us)] * 3


async def test_what_is_typed_while_it_is_applied_is_not_taken() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "20 → 40")
        source.hold = asyncio.Event()
        await pilot.press("enter")
        await sees(pilot, "applying …")
        before, asked = framed(pilot), len(source.commands)
        await pilot.press("9", "backspace", "tab", "x")
        quotadeck_of(pilot).post_message(Paste("pasted"))
        await pilot.pause(0.05)
        assert framed(pilot) == before
        assert len(source.commands) == asked
        source.hold.set()
        await sees(pilot, "done: analytics rpm 20 → 40")


async def test_a_preview_that_cannot_be_had_says_why_and_comes_with_the_next_edit() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l")
        source.gone = True
        await pilot.press("4")
        await sees(pilot, "! no preview: ", "nobody answers")
        source.gone = False
        await pilot.press("0")
        await sees(pilot, "20 → 40")
        assert "no preview" not in framed(pilot)


async def test_a_change_without_an_end_says_so() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0", "tab", *"permanent")
        await sees(pilot, "20 → 40   until somebody changes it", "rpm 40 --permanent")
        await pilot.press("enter")
        await sees(pilot, "done: analytics rpm 20 → 40")
    (command,) = applied(source)
    assert not command.expires
