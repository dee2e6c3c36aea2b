"""The filter: what its terms leave of the rows, what it says of those it hides, how it is typed."""

import re
from dataclasses import replace

import pytest

from quotadeck.domain.snapshot import Flow, ProjectRow
from quotadeck.domain.state import State, StateKind, Urgency
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.columns.terms import TERMS
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.filter import Filter
from quotadeck.tui.kit.terms import completed, completions
from quotadeck.words import text
from tests.tui.driving import quotadeck, quotadeck_of, scripted, sees
from tests.tui.lines import at
from tests.tui.scenes import change, fire, project, trouble, usd

ROWS = (
    project("shop", flow=Flow(100, 5_000, 8, 50, 5, usd(0.1)), priority="high",
            state=trouble(StateKind.FAILING, "upstream_429", count=5, asked=50)),
    project("batch", flow=Flow(60, 900_000, 540, 60, 0, usd(0.001)), rpm=60,
            state=trouble(StateKind.STORM, "rpm", count=9, asked=10)),
    project("poor", budget=10, spent=10, state=trouble(StateKind.SPENT, "budget")),
    project("quiet", changes=(change("rpm", 40, 20),), models=("gpt-4.1",)),
    replace(project("still", paused=True), state=State(StateKind.PAUSED)),
)  # fmt: skip


def left(typed: str) -> list[str]:
    found = Filter(Editor.holding(typed), terms=TERMS).of(
        ROWS, PROJECTS, at(), lambda row: row.state.urgency is Urgency.TROUBLE
    )
    return [row.id for row in found.rows]


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        ("", ["shop", "batch", "poor", "quiet", "still"]),
        ("state:paused", ["still"]),
        ("state:sp", ["poor"]),
        ("!state:ok", ["shop", "batch", "poor", "still"]),
        ("by:rpm", ["batch"]),
        ("by:budget", ["poor"]),
        ("by:upstream_429", ["shop"]),
        ("is:trouble", ["shop", "batch", "poor"]),
        ("is:changed", ["quiet"]),
        ("priority:high", ["shop"]),
        ("model:gpt", ["quiet"]),
        ("err>5", ["shop"]),
        ("err>10", []),
        ("err>=10", ["shop"]),
        ("rpm>60", ["shop"]),
        ("rpm>=60", ["shop", "batch"]),
        ("tpm>100k", ["batch"]),
        ("ref>7 rpm<70", ["batch"]),
        ("spend>1", ["shop"]),
        ("today>9.5", ["poor"]),
        ("use>99", ["shop", "batch", "poor"]),
        ("rpm>", ["shop", "batch", "poor", "quiet", "still"]),
        ("state:", ["shop", "batch", "poor", "quiet", "still"]),
        ("storm", ["batch"]),
        ("!storm !poor", ["shop", "quiet", "still"]),
        ("btch", ["batch"]),
        ("foo>5", []),
        ("nothing", []),
    ],
)
def test_all_that_is_typed_holds_of_what_is_left(typed: str, rows: list[str]) -> None:
    assert left(typed) == rows


def test_what_it_hides_is_counted_and_trouble_apart() -> None:
    def grave(row: ProjectRow) -> bool:
        return row.state.urgency is Urgency.TROUBLE

    found = Filter(Editor.holding("is:changed"), terms=TERMS).of(ROWS, PROJECTS, at(), grave)
    assert (found.hidden, found.troubles) == (4, 3)


def test_a_term_is_completed_as_far_as_what_it_could_be_agrees() -> None:
    assert completions("sta", TERMS) == ("state:",)
    assert completed("shop sta", TERMS) == "shop state:"
    assert completed("!sta", TERMS) == "!state:"
    assert {"state:storm", "state:spent"} <= set(completions("state:s", TERMS))
    assert completed("state:s", TERMS) == "state:s"
    assert completed("state:st", TERMS) == "state:storm"
    assert completed("zzz", TERMS) == "zzz"
    assert "err>" in completions("", TERMS)


async def test_terms_are_offered_and_completed_while_they_are_typed() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("slash", *"by")
        await sees(pilot, "by:")
        await pilot.press("tab", *"b", "tab")
        await sees(pilot, "/by:budget", "hides 5")
        rows = quotadeck_of(pilot).overview.projects.rows
        assert [row.id for row in rows] == ["mobile-app"]
        await pilot.press("enter", "escape")
        assert len(quotadeck_of(pilot).overview.projects.rows) == len(fire().projects)


def test_every_term_is_told_in_the_help() -> None:
    told = set(re.findall(r"[a-z0-9]+", text("key.filter.complete")))
    assert {term.name for term in TERMS} - told == set()
