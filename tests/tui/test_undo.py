"""Undo concerns the row that is chosen, says whose change it takes back, and asks as that did."""

from dataclasses import replace

import pytest

from quotadeck.domain.answers import AuditRow, CommandAnswer
from quotadeck.domain.commands import Command, Plain, Role
from quotadeck.domain.days import micros
from quotadeck.domain.ids import new_id
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.snapshot import Change, ProjectRow, Snapshot, Whoami
from quotadeck.domain.subject import Subject
from tests.tui.driving import applied, choose, quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.scenes import AT_US, MINUTE_US, calm, change, fire
from tests.tui.scripted import Scripted, agree, entry

KEN = new_id("cmd", AT_US - 13 * MINUTE_US, b"0123456789")


def with_change(snapshot: Snapshot, name: str, made: Change, **more: object) -> Snapshot:
    """The scene with one change in force on a project, and none on any other row."""
    rows: list[ProjectRow] = []
    for row in snapshot.projects:
        mine = row.id == name
        rows.append(replace(row, changes=(made,), **more) if mine else replace(row, changes=()))  # type: ignore[arg-type]
    routes = tuple(replace(route, changes=()) for route in snapshot.routes)
    return replace(snapshot, projects=tuple(rows), routes=routes)


def kens(field: str, value: Plain | None, was: Plain | None) -> Change:
    made = change(field, value, was)
    return replace(made, command_id=KEN, actor="ken", reason="the upstream asked for it")


async def test_nothing_on_the_row_is_said_and_nothing_of_another_row_is_offered() -> None:
    source = scripted()  # analytics, content-gen and a route have changes in force
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        for name in ("batch-embed", "search", "support-chat", "mobile-app"):
            await choose(pilot, name)
            await pilot.press("u")
            await sees(pilot, f"nothing is in force on {name}; `a` shows all changes")
            await pilot.press("g")
    assert source.commands == []


async def test_whose_it_is_stands_in_the_dialog() -> None:
    scene = with_change(fire(), "analytics", kens("rpm", 20, 10))
    source = Scripted(iter((scene,)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("u")
        await sees(
            pilot,
            "undo ken's change of analytics",
            "takes back  analytics rpm 10 → 20",
            "made by     ken at 02:49, until 04:01",
            "because     “the upstream asked for it”",
        )
        await pilot.press(*"wrong row", "enter")
        await sees(pilot, "done:")
    (command,) = applied(source)
    assert (command.subject, command.reason) == (Subject.command(KEN), "wrong row")


async def test_a_models_row_says_of_each_change_whose_it_is() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(quotadeck_of(pilot).overview.models.rows))
        await pilot.press("tab", "j", "u")
        await sees(pilot, "undo mika's change of gpt-4.1", "gpt-4.1 target main/gpt-4.1 → main/gem")
        await pilot.press("escape", "g", "u")
        await sees(pilot, "nothing is in force on claude-opus-4.7")


@pytest.mark.parametrize(
    ("made", "asks"),
    [
        (kens("paused", True, None), True),
        (kens("rpm", 1, 60), True),
        (kens("rpm", 50, 60), False),
        (kens("rpm", 1000, 60), True),  # taking it back is to lower it to a sixteenth
        (
            kens("daily_budget_usd", 1_000_000_000000, 1_000_000_00000),
            True,
        ),  # of which $140 are spent
        (kens("daily_budget_usd", 1_000_000_000000, 9_000_000_00000), False),
    ],
)
async def test_undo_of_high_priority_asks_for_the_name_as_the_change_did(
    made: Change, asks: bool
) -> None:
    source = Scripted(iter((with_change(fire(), "support-chat", made),)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "support-chat")
        await pilot.press("u", "enter")
        if asks:
            await sees(pilot, "type support-chat in the last field to confirm")
            assert applied(source) == []
            await pilot.press(*"support-chat", "enter")
        await sees(pilot, "done:")
    assert len(applied(source)) == 1


async def test_undo_of_any_models_pause_asks_for_its_name() -> None:
    scene = fire()
    paused = replace(scene.routes[0], paused=True, changes=(kens("paused", True, None),))
    source = Scripted(iter((replace(scene, routes=(paused, *scene.routes[1:])),)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(quotadeck_of(pilot).overview.models.rows))
        await pilot.press("tab", "u", "enter")
        await sees(pilot, "type claude-opus-4.7 in the last field to confirm")
    assert applied(source) == []


def in_force(**more: object) -> AuditRow:
    at_us = micros("2026-11-22T17:49:00Z")
    return entry(7, id=KEN, actor="ken", in_force=True, at_us=at_us, **more)


async def test_the_audits_undo_says_the_same_and_asks_the_same() -> None:
    assert in_force().entry.at_us < AT_US
    source = scripted(rows=(in_force(subject=Subject.project("support-chat"), before=60, after=1),))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("a")
        await sees(pilot, "1/1")
        await pilot.press("u")
        await sees(
            pilot,
            "undo ken's change of support-chat",
            "takes back  support-chat rpm 60 → 1",
            "made by     ken at 23 Nov 02:49, until 03:49",
            "“batch [bug]”",
        )
        await pilot.press("enter")
        await sees(pilot, "type support-chat in the last field to confirm")
    assert applied(source) == []


async def test_taking_a_key_back_asks_for_its_name() -> None:
    made = in_force(
        subject=Subject.key("night-batch"),
        action="key_add",
        field="key",
        before=None,
        after=ProjectKey("", ("analytics", "support-chat")),
        until_us=None,
    )
    source = scripted(rows=(made,))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("a")
        await sees(pilot, "1/1")
        await pilot.press("u", "enter")
        await sees(pilot, "type night-batch in the last field to confirm")
    assert applied(source) == []


async def test_a_viewer_is_told_in_the_audit_too() -> None:
    source = scripted(rows=(in_force(),), whoami=Whoami("kim", Role.VIEWER))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("a")
        await sees(pilot, "1/1")
        await pilot.press("u")
        await sees(pilot, "kim is a viewer here: to undo takes an operator")
        foot = shown(quotadeck_of(pilot)).splitlines()[-1]
        assert "kim is a viewer" in foot


async def test_what_was_just_done_can_be_undone_before_a_reading_tells_of_it() -> None:
    scene = with_change(fire(), "analytics", kens("rpm", 20, 10))
    mine = new_id("cmd", scene.at_us + 250_000, b"9876543210")

    def made(command: Command, dry_run: bool) -> CommandAnswer:
        return replace(agree(command, dry_run), command_id=mine)

    source = Scripted(iter((scene,)), 0.01, answer=made)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "search")
        await pilot.press("p")
        await pilot.press(*"load", "enter")
        await sees(pilot, "done:")
        await pilot.press("u")
        await sees(pilot, "change of search", "because     “load”")
        await pilot.press("escape", "enter")
        await sees(pilot, "‹ search")
        await pilot.press("u")
        await sees(pilot, "change of search", "because     “load”")
        await pilot.press("escape", "escape")
        later = replace(scene, at_us=scene.at_us + 1_000_000)  # ended by somebody meanwhile
        source.script = iter((later,))
        await until(pilot, lambda: quotadeck_of(pilot).link.snapshot is later)
        await pilot.press("u")
        await sees(pilot, "nothing is in force on search")


async def test_a_frozen_picture_does_not_bring_back_what_is_over() -> None:
    source = Scripted(iter((with_change(calm(), "analytics", kens("rpm", 20, 10)),)), 0.01)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("z")
        await sees(pilot, "FROZEN")
        later = calm()
        source.script = iter((later,))
        await until(pilot, lambda: quotadeck_of(pilot).link.snapshot is later)
        await pilot.press("u")
        await sees(pilot, "nothing is in force on analytics")
