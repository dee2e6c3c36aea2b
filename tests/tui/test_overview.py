"""The overview: whom it shows first, what it says of a row, and what passed of those it shows."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from quotadeck.domain.series import SeriesPage
from quotadeck.domain.snapshot import Flow
from quotadeck.domain.state import Held, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.sources.base import SourceGone
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.columns.why import why_spans
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.model_rows import model_rows
from quotadeck.tui.panes.heights import heights
from tests.tui.call_book import CallBook, night
from tests.tui.driving import quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.lines import at, text
from tests.tui.quarters import a_quarter
from tests.tui.scenes import AT_US, MINUTE_US, NOW_MS, calm, change, fire, project, trouble, usd
from tests.tui.scripted import Scripted

POOR = Held(StateKind.SPENT, Urgency.TROUBLE, "budget", since_ms=NOW_MS - 180_000)
BAD = replace(
    project("a", flow=Flow(refused_60s=54), changes=(change("rpm", 40, 20),)),
    state=replace(
        trouble(StateKind.STORM, "rpm", since_s=138, who="project:a", count=274, asked=294),
        others=(POOR,),
        cleared=StateKind.FAILING,
        cleared_ms=NOW_MS - 40_000,
    ),
)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (8, "storm ×…"),
        (13, "storm ×14 2m"),
        (23, "storm ×14 2m · spent 3m"),
        (34, "storm ×14 2m, rpm 54/m · spent 3m"),
        (48, "storm ×14 2m, rpm 54/m · spent 3m · ↑rpm −59m"),
        (64, "storm ×14 2m, rpm 54/m · spent 3m · ↑rpm −59m · ✓failing 40s"),
        (90, "storm ×14 2m: by its rpm, 274 of 294 refused · spent 3m · ↑rpm −59m · ✓failing 40s"),
    ],
)
def test_the_sentence_says_all_in_short_before_one_thing_at_length(cells: int, said: str) -> None:
    line = text(tuple(why_spans(BAD, at(), cells)))
    assert len(line) == cells
    assert line.rstrip() == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(90, "gone 04:32"), (20 * 60, "–")],
)
def test_what_comes_next_says_which_end_it_is(minutes: int, said: str) -> None:
    flow = Flow(requests_60s=60, spent_60s_nano=usd(1))
    row = project("a", budget=100, spent=100 - minutes, flow=flow)
    assert text(laid_out(PROJECTS, 60).line(row, at())).endswith(said)


@pytest.mark.parametrize(
    ("spent_nano", "unpriced", "said"),
    [(0, 0, " · "), (usd(1), 0, " $60.0 "), (usd(1), 3, " $60.0? "), (0, 3, " ? ")],
)
def test_a_sum_that_leaves_calls_out_says_so(spent_nano: int, unpriced: int, said: str) -> None:
    flow = Flow(requests_60s=60, spent_60s_nano=spent_nano, unpriced_60s=unpriced)
    line = text(laid_out(PROJECTS, 200).line(project("a", flow=flow), at()))
    assert said in line


def test_the_next_end_has_its_day_where_that_is_not_today() -> None:
    row = project("a", changes=(change("rpm", 40, 20, 33 * 60),))
    narrow, wide = (text(laid_out(PROJECTS, width).line(row, at())) for width in (80, 200))
    assert "  ends Wed" in narrow
    assert "ends Wed 12:02" in wide
    spent = replace(row, changes=(), state=trouble(StateKind.SPENT, "budget"))
    midnight = AT_US + (24 * 60 - 182) * MINUTE_US
    spent = replace(spent, budget=replace(spent.budget, ends_us=midnight))
    assert text(laid_out(PROJECTS, 80).line(spent, at())).endswith("anew 00:00")


@pytest.mark.parametrize("lines", range(3, 60))
def test_the_lines_are_shared_out_in_the_order_in_which_they_are_read(lines: int) -> None:
    share = heights(lines, troubles=4, projects=300, models=4, ill=1)
    assert sum(share) == lines
    assert share.projects >= 2
    if lines >= 9:
        assert share.projects >= 5, "all troubles under their title"
        assert share.events >= 2
        assert share.models >= 2, "the model in trouble under its title"
    few = heights(lines, troubles=0, projects=3, models=4, ill=0)
    assert sum(few) == lines
    assert few.models in (0, 2, 3, 4, 5)


def test_a_model_says_what_serves_it_and_is_in_trouble_with_its_home() -> None:
    rows = model_rows(fire())
    assert [row.id for row in rows][:2] == ["claude-opus-4.7", "gpt-4.1"]
    assert rows[0].urgency is Urgency.TROUBLE
    assert rows[1].forced
    assert rows[1].target
    assert rows[1].target.id == "main/gemini-2.5-flash"
    scene = fire()
    route = replace(scene.routes[0], serving="main/gpt-4.1")
    away = model_rows(replace(scene, routes=(route, *scene.routes[1:])))[0]
    assert away.urgency is Urgency.TROUBLE, "its home still fails"


# -- what passed ---------------------------------------------------------------------------------


async def test_the_minutes_of_the_rows_that_are_seen_are_asked_for_once_and_by_scrolling() -> None:
    asked: list[list[str]] = []

    def passed(subjects: Sequence[Subject], minutes: int, until_us: int | None) -> SeriesPage:
        assert until_us == AT_US - MINUTE_US, "two seconds after its end a minute is on record"
        asked.append([subject.name for subject in subjects])
        return a_quarter(subjects, minutes, until_us)

    source = Scripted(iter((calm(200),)), 0.02, passed=passed)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await sees(pilot, "▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂")
        assert len(asked) == 1
        assert len(asked[0]) < 30
        await until(pilot, lambda: app.overview.still)
        await pilot.press("G")
        await until(pilot, lambda: len(asked) == 2)
        assert "team-0199" in asked[1]
        await pilot.press("g")
        await pilot.pause(0.1)
        assert len(asked) == 2, "what is known of this minute is not asked for again"


async def test_an_ask_that_fails_shows_nothing_and_blocks_no_key() -> None:
    def fails(subjects: Sequence[Subject], minutes: int, until_us: int | None) -> SeriesPage:
        raise SourceGone("told")

    source = scripted(passed=fails)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        app = quotadeck_of(pilot)
        await sees(pilot, "storm ×14")
        await until(pilot, lambda: app.overview.still)
        assert app.overview.sparks.known == {}
        await pilot.press("j")
        await sees(pilot, "2/6")
        assert not {"▁", "▃", "█", "·····"} & set(shown(app).splitlines()[3])


async def test_a_slow_ask_blocks_no_key() -> None:
    source = scripted()
    held = asyncio.Event()

    async def slowly(
        subjects: Sequence[Subject], *, minutes: int, until_us: int | None = None
    ) -> SeriesPage:
        await held.wait()
        return a_quarter(subjects, minutes, until_us)

    source.series = slowly  # type: ignore[method-assign]
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "storm ×14")
        await pilot.press("j", "j")
        await sees(pilot, "3/6")
        held.set()
        await sees(pilot, "▇▅▆▇███████████")


@pytest.mark.parametrize(("width", "beside"), [(159, False), (160, True), (200, True)])
async def test_on_a_wide_screen_the_chosen_project_stands_beside(width: int, beside: bool) -> None:
    source = scripted()
    source.book = CallBook(list(night()))
    async with quotadeck(source).run_test(size=(width, 50)) as pilot:
        await sees(pilot, "storm ×14")
        await until(pilot, lambda: quotadeck_of(pilot).overview.still)
        assert ("‹ analytics" in shown(quotadeck_of(pilot))) is beside
        if beside:
            await pilot.press("j")
            await sees(pilot, "‹ batch-embed", "its upstream answers 429")
            await sees(pilot, "its newest calls", "gemin…flash ok")


async def test_troubles_out_of_sight_are_told_by_what_they_are() -> None:
    rows = [project(f"team-{n:02}", state=trouble(StateKind.STORM, "rpm")) for n in range(40)]
    rows += [project("poor", state=trouble(StateKind.SPENT, "budget"))]
    snapshot = replace(fire(), projects=tuple(rows))
    async with quotadeck(Scripted(iter((snapshot,)), 0.05)).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● live", "below ! 2", "in all 40 storm, 1 spent")
