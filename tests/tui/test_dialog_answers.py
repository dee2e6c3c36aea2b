"""What the gateway answers to a change, or does not: refused, lost, or left before it came."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import Command
from quotadeck.sources import SourceGone
from tests.tui.driving import (
    applied,
    choose,
    framed,
    quotadeck,
    quotadeck_of,
    scripted,
    sees,
    until,
)
from tests.tui.scenes import fire
from tests.tui.scripted import Scripted, agree, refused


class Losing(Scripted):
    """Obeys, and loses the first answers on the way back; then the gateway's: each key once."""

    losses = 1
    obeyed: dict[str, Command]

    async def command(self, command: Command, *, dry_run: bool) -> CommandAnswer:
        answer = await super().command(command, dry_run=dry_run)
        if dry_run:
            return answer
        self.obeyed = {command.idempotency_key: command, **getattr(self, "obeyed", {})}
        if self.losses:
            self.losses -= 1
            raise SourceGone("the connection broke")
        return answer


async def test_a_lost_answer_is_asked_for_again_under_the_same_key() -> None:
    source = Losing(iter((fire(),)), 0.05)
    source.losses = 2
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", *"x2")
        await sees(pilot, "20 → 40")
        for tries in (1, 2):
            await pilot.press("enter")
            await until(pilot, lambda count=tries: len(applied(source)) == count)  # type: ignore[misc]
            await sees(pilot, "the connection broke", "in force: enter asks again", "never twice")
        await pilot.press("enter")
        await sees(pilot, "done: analytics")
    assert len(applied(source)) == 3
    assert len(source.obeyed) == 1


async def test_what_a_lost_command_changed_makes_no_other_command_of_it() -> None:
    source = Losing(iter((fire(),)), 0.01)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", *"x2")
        await sees(pilot, "20 → 40")
        await pilot.press("enter")
        await sees(pilot, "enter asks again")
        scene = fire()
        raised = replace(scene.projects[0], version=scene.projects[0].version + 1)
        later = replace(scene, projects=(raised, *scene.projects[1:]))
        source.script = iter((later,))
        await until(pilot, lambda: quotadeck_of(pilot).link.snapshot is later)
        asked = len(source.commands)
        await pilot.press("tab")
        await until(pilot, lambda: len(source.commands) > asked)
        await sees(pilot, "20 → 40", "low priority waits")
        await pilot.press("enter")
        await sees(pilot, "done: analytics")
    assert len(applied(source)) == 2
    assert len(source.obeyed) == 1


async def test_another_command_after_a_lost_answer_has_a_key_of_its_own() -> None:
    source = Losing(iter((fire(),)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "20 → 40")
        await pilot.press("enter")
        await sees(pilot, "enter asks again")
        await pilot.press("backspace", "1")
        await sees(pilot, "20 → 41")
        await pilot.press("enter")
        await sees(pilot, "done: analytics")
    assert len(source.obeyed) == 2


async def test_a_refusal_stays_in_the_dialog_and_gets_a_new_key() -> None:
    answers: Iterator[str] = iter(("stale", ""))

    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        if dry_run or not next(answers):
            return agree(command, dry_run)
        return CommandAnswer(
            subject=command.subject, **refused("rei changed rpm to 30 meanwhile", "stale")
        )

    source = scripted(answer=answer)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "20 → 40")
        await pilot.press("enter")
        await sees(pilot, "rei changed rpm to 30 meanwhile; enter tries again", "20 → 40")
        await pilot.press("enter")
        await sees(pilot, "done: analytics")
    first, second = applied(source)
    assert first.idempotency_key != second.idempotency_key


async def test_leaving_before_the_answer_is_not_called_nothing() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "20 → 40")
        source.hold = asyncio.Event()
        await pilot.press("enter")
        await sees(pilot, "applying …")
        await pilot.press("escape")
        await sees(pilot, "left before the answer came")


async def test_leaving_after_a_lost_answer_is_not_called_nothing_either() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "20 → 40")
        source.gone = True
        await pilot.press("enter")
        await sees(pilot, "or may not be in force")
        await pilot.press("escape")
        await sees(pilot, "left before the answer came")


async def test_leaving_after_a_refusal_is_nothing_changed() -> None:
    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        if dry_run:
            return agree(command, dry_run)
        return CommandAnswer(subject=command.subject, **refused("too much"))

    async with quotadeck(scripted(answer=answer)).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0")
        await sees(pilot, "20 → 40")
        await pilot.press("enter")
        await sees(pilot, "! too much")
        await pilot.press("escape")
        await sees(pilot, "nothing was changed")


async def test_what_enter_came_to_goes_with_the_next_edit() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "support-chat")
        await pilot.press("p", "enter")
        await sees(pilot, "! type support-chat in the last field to confirm")
        await pilot.press("s")
        assert "! type" not in framed(pilot)
        await sees(pilot, "[s ")


async def test_enter_on_what_was_refused_asks_whether_it_is_possible_by_now() -> None:
    possible = False

    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        if possible:
            return agree(command, dry_run)
        return CommandAnswer(subject=command.subject, **refused("not now"))

    source = scripted(answer=answer)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("l", "4", "0", "tab", "tab", *"why")
        await sees(pilot, "! not now")
        possible = True
        await pilot.press("enter")
        await sees(pilot, "20 → 40")
        assert applied(source) == []
        await pilot.press("enter")
        await sees(pilot, "done: analytics")


async def test_what_stands_in_no_log_is_told_as_trouble() -> None:
    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        return replace(agree(command, dry_run), recorded=False)

    async with quotadeck(scripted(answer=answer)).run_test(size=(120, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p", *"why", "enter")
        await sees(pilot, "in force, NOT recorded: done: analytics state running → paused")
        assert quotadeck_of(pilot).overview.note.role == "trouble"
