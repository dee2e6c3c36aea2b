"""More that is done to a row: seen, noted, extended; to those that are marked; an undo redone."""

import asyncio
from dataclasses import replace

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import Command
from quotadeck.domain.notice import notice
from quotadeck.domain.subject import Subject
from tests.tui.driving import applied, choose, quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.scenes import change, fire
from tests.tui.scripted import Scripted, agree, entry


async def test_a_trouble_is_acknowledged_by_two_keys() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("K")
        await sees(pilot, "acknowledge analytics")
        await pilot.press("enter")
        await until(pilot, lambda: bool(applied(source)))
    (command,) = applied(source)
    assert (command.action, command.subject) == ("acknowledge", Subject.project("analytics"))


async def test_a_note_is_its_text_and_nothing_else() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("n", *"import v412", "enter")
        await until(pilot, lambda: bool(applied(source)))
    (command,) = applied(source)
    assert (command.action, command.value, command.reason) == ("note", "import v412", "")


async def test_an_override_is_extended_by_a_duration() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("E")
        await sees(pilot, "extend analytics", "1h")
        await pilot.press("enter")
        await until(pilot, lambda: bool(applied(source)))
    (command,) = applied(source)
    assert (command.action, command.for_ms) == ("extend", 3_600_000)


async def test_of_several_overrides_one_can_be_chosen_and_of_none_there_is_no_dialog() -> None:
    rows = fire().projects
    both = tuple(
        replace(one, changes=(change("rpm", 40, 20), change("tpm", 10, 20)))
        if one.id == "analytics" else replace(one, changes=())
        for one in rows
    )  # fmt: skip
    source = Scripted(iter((replace(fire(), projects=both),)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "batch-embed")
        await pilot.press("E")
        await sees(pilot, "nothing with an end of its own is in force on batch-embed")
        await choose(pilot, "analytics", "k")
        await pilot.press("E")
        await sees(pilot, "‹all in force›  rpm")
        await pilot.press("tab", "right", "enter")
        await until(pilot, lambda: bool(applied(source)))
    (command,) = applied(source)
    assert (command.action, command.field, command.for_ms) == ("extend", "rpm", 3_600_000)


async def test_marked_rows_are_paused_by_one_command() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("space", "space", "p")
        await sees(pilot, "pause 2 projects", "high among")
        await pilot.press(*"storm", "enter")
        await until(pilot, lambda: bool(applied(source)))
    (command,) = applied(source)
    assert len(command.subjects) == 2
    assert Subject.project("analytics") in command.subjects


async def test_an_undo_is_redone_from_the_audit_and_another_entry_is_not() -> None:
    undone = entry(8, action="undo", subject=Subject.project("analytics"))
    source = scripted(rows=(undone, entry(7)))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("a")
        await sees(pilot, "#8")
        await pilot.press("j", "U")
        await sees(pilot, "#7 is no undo")
        await pilot.press("k", "U")
        await sees(pilot, "redo: take back mika's undo on analytics")
        await pilot.press("enter")
        await until(pilot, lambda: bool(applied(source)))
    (command,) = applied(source)
    assert replace(command, idempotency_key="", reason="").action == "redo"
    assert command.subject == Subject.command(undone.entry.id)


async def test_the_audit_is_searched_and_a_change_of_several_is_one_line() -> None:
    three = [
        entry(seq, group="grp_1", subject=Subject.project(name), reason="storm")
        for seq, name in ((260, "search"), (259, "analytics"), (258, "batch-embed"))
    ]
    note = entry(257, action="note", field=None, before=None, after=None, value="v412")
    others = [entry(seq, actor="ken", before=10**19 + seq, after=10**29) for seq in (9, 8)]
    plain = [entry(seq, reason="") for seq in range(256, 10, -1)]
    source = scripted(rows=(*three, note, *plain, *others))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("a")
        await sees(pilot, "search ×3", "project:batch-embed, project:analytics, project:search")
        lines = shown(quotadeck_of(pilot)).splitlines()
        assert not any("●" in line for line in lines if " note " in line)
        await pilot.press("slash", *"ken", "enter")
        await sees(pilot, "1/2", "/ken", "hides 248")
        await sees(pilot, "rpm 10,000,000,000,000,000,009 → 100,000,000")
        rows = [line for line in shown(quotadeck_of(pilot)).splitlines() if " ken " in line]
        assert rows[0].rstrip().endswith(" …")
        await pilot.press("escape")
        await sees(pilot, "search ×3")


async def test_one_mark_elsewhere_is_what_is_meant_and_models_are_marked_alike() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("space", "j", "p")
        await sees(pilot, "pause analytics")
        await pilot.press("escape", "minus", "tab", "space", "space", "p")
        await sees(pilot, "pause 2 models")
        await pilot.press(*"both", "enter")
        await sees(pilot, "type stop")


async def test_a_time_that_is_none_is_told_before_anything_is_written() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("e", *"soon", "enter")
        await sees(pilot, "'soon'")
        await pilot.press("escape")
        await sees(pilot, "nothing was written")


async def test_a_change_waits_for_no_figures() -> None:
    """Enter came before the preview, which has no figures: it counts all the same."""

    def late(command: Command, dry_run: bool) -> CommandAnswer:
        warned = notice("warning.no_figures", why="replay.late")
        return replace(agree(command, dry_run), warnings=(warned,), estimate=None)

    source = scripted(answer=late, hold=asyncio.Event())
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p", *"storm", "enter")
        assert applied(source) == []
        assert source.hold is not None
        source.hold.set()
        await until(pilot, lambda: bool(applied(source)))
