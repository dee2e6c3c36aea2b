"""The screens driven by keys, without a terminal."""

from dataclasses import replace

import pytest

from quotadeck.domain.capability import Capabilities, FigureKind, Read
from quotadeck.domain.commands import Role
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Whoami
from quotadeck.domain.subject import Subject
from quotadeck.tui.kit.foot import keys_spans
from tests.tui.driving import applied, choose, quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.scenes import fire
from tests.tui.scripted import Scripted, entry, refused


async def test_read_only_has_no_way_to_change() -> None:
    source = scripted()
    async with quotadeck(source, read_only=True).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p", "r", "l", "f", "u", "enter")
        await sees(pilot, "read-only: mika")
        assert "pause" not in quotadeck_of(pilot).overview.foot.text()[0]
    assert source.commands == []


async def test_a_viewer_is_told_what_it_takes() -> None:
    source = scripted(whoami=Whoami("kim", Role.VIEWER))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p")
        await sees(pilot, "kim is a viewer here: to pause takes an operator")
    assert source.commands == []


async def test_what_the_source_cannot_do_is_dim_and_says_why() -> None:
    can = Capabilities({Read.STREAM}, {"resume"}, FigureKind.REPORTED, notice("never.worded"))
    source = scripted(can=can)
    async with quotadeck(source).run_test(size=(120, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("p")
        await sees(pilot, "admin.sock cannot pause: never.worded")
        await pilot.press("a")
        await sees(pilot, "admin.sock cannot audit: never.worded")
        await pilot.press("j")
        page = quotadeck_of(pilot).overview
        inks = {
            act.verb: keys_spans([act], page.may)[0].role
            for act in page.keys.at("overview")
            if act.label and act.keys
        }
    dim = {verb for verb, role in inks.items() if role == "dim"}
    assert dim == {
        *("pause", "limit", "fallback", "undo", "audit", "project", "calls", "timeline"),
    }
    assert source.commands == []


async def test_the_filter_narrows_and_inverts() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")

        def names() -> list[str]:
            return [row.name for row in quotadeck_of(pilot).overview.projects.rows]

        await pilot.press("slash", *"storm", "enter")
        assert sorted(names()) == ["analytics", "batch-embed"]
        await pilot.press("slash", "ctrl+u", *"!a", "enter")
        assert names() == []
        await pilot.press("escape")
        assert len(names()) == 6


async def test_a_frozen_picture_stands_still() -> None:
    first = fire()
    later = replace(first, projects=first.projects[:3])
    source = Scripted(iter((first,)), 0.01)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "search")
        await pilot.press("z")
        await sees(pilot, "FROZEN")
        source.script = iter((later,))
        link = quotadeck_of(pilot).link
        await until(pilot, lambda: link.snapshot is later)
        quotadeck_of(pilot).overview.draw()
        assert "search" in shown(quotadeck_of(pilot))
        await pilot.press("z")
        await until(pilot, lambda: "search" not in shown(quotadeck_of(pilot)))


async def test_a_frozen_picture_still_tells_that_the_gateway_is_gone() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("z")
        await sees(pilot, "● live", "FROZEN")
        source.gone = True
        await sees(pilot, "✗ DISCONNECTED", "FROZEN")


async def test_the_cursor_stays_on_its_row_when_rows_move() -> None:
    first = fire()
    calmer = replace(first.projects[1], flow=first.projects[3].flow)
    source = Scripted(iter((first,)), 0.01)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "search")
        grid = quotadeck_of(pilot).overview.projects
        rows = (first.projects[0], calmer, *first.projects[2:])
        far = replace(first, projects=rows, now_ms=first.now_ms + 60_000)
        source.script = iter((far,))
        await until(pilot, lambda: quotadeck_of(pilot).link.snapshot is far)
        quotadeck_of(pilot).overview.draw()
        assert grid.chosen is not None
        assert grid.chosen.name == "search"


@pytest.mark.parametrize("count", [3, 10_000])
async def test_the_grid_holds_few_rows_and_many(count: int) -> None:
    source = Scripted(iter((fire(count),)), 0.05)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        grid = quotadeck_of(pilot).overview.projects
        await until(pilot, lambda: len(grid.rows) == count)
        await pilot.press("G")
        assert grid.place == f"{count}/{count}"
        assert len(grid.text()) <= 24
        await pilot.press("pageup", "k", "g", "j")
        assert grid.place == f"2/{count}"


async def test_the_audit_tells_and_undoes() -> None:
    rows = tuple(
        entry(seq, in_force=seq == 249, **(refused("too much") if seq == 248 else {}))
        for seq in range(250, 0, -1)
    )
    source = scripted(rows=rows)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("a")
        await sees(pilot, "audit", "rpm 10 → 20 until 03:49", "batch [bug]", "1/100")
        await pilot.press("u")
        await sees(pilot, "#250 is no longer in force: there is nothing to undo")
        await pilot.press("j", "j")
        await sees(
            pilot, "#248 refused: project:analytics asked for limit", "operator (socket): too much"
        )
        await pilot.press("u")
        await sees(pilot, "#248 is refused: it changed nothing")
        await pilot.press("k", "u")
        await sees(
            pilot,
            "undo mika's change of analytics",
            "takes back  analytics rpm 10 → 20",
            "mika at 03:01, until 03:49",
            "“batch [bug]”",
        )
        await pilot.press("enter")
        await sees(pilot, "done:")
    (command,) = applied(source)
    assert command.subject == Subject.command(f"cmd_{249:032x}")


async def test_the_audit_reads_on_at_its_end() -> None:
    source = scripted(rows=tuple(entry(seq) for seq in range(250, 0, -1)))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("a")
        await sees(pilot, "1/100")
        await pilot.press("G")
        await sees(pilot, "100/200")
        await pilot.press("G")
        await sees(pilot, "200/250")
        await pilot.press("G")
        await sees(pilot, "250/250")
        source.gone = True


async def test_a_source_that_is_gone_is_words_not_a_crash() -> None:
    source = scripted(gone=True)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "nobody answers", "trying again")
        await pilot.press("l")
        await pilot.press("a")
        await sees(pilot, "audit", "nobody answers")
        await pilot.press("escape")
        source.gone = False
        await sees(pilot, "● live", "analytics")
