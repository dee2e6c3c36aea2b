"""Lines of the screen made from a reading, without a screen."""

from collections.abc import Mapping

from quotadeck.domain.snapshot import ProjectRow, RouteRow, Snapshot
from quotadeck.tui.columns.models import MODELS
from quotadeck.tui.columns.parts import At
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.spans import Line
from quotadeck.tui.link import Link
from quotadeck.tui.model_rows import model_rows
from quotadeck.tui.pace import Pace
from quotadeck.tui.panes.detail import row_words, rule_line
from quotadeck.tui.present import Present
from quotadeck.tui.themes import find_theme
from tests.clocks import HandClock
from tests.tui.play import JST
from tests.tui.scenes import AT_US, NOW_MS
from tests.tui.scripted import Scripted

NOW = Present(NOW_MS, AT_US)
LATE = Present(NOW_MS, AT_US, live=False)


def text(line: Line) -> str:
    return "".join(span.text for span in line)


def at(now: Present = NOW, routes: Mapping[str, RouteRow] | None = None) -> At:
    return At(now, routes or {}, JST)


def tables(snapshot: Snapshot, width: int, now: Present = NOW) -> list[Line]:
    """The projects under their titles, and the models."""
    seen = at(now, {route.id: route for route in snapshot.routes})
    projects = laid_out(PROJECTS, width)
    models = laid_out(MODELS, width, projects)
    return [
        projects.head(),
        *(projects.line(row, seen) for row in snapshot.projects),
        *(models.line(row, seen) for row in model_rows(snapshot)),
    ]


def rule(row: ProjectRow, width: int, place: str = "1/6") -> Line:
    """The chosen row in words, as it stands under lists of that width."""
    return rule_line(row.id, row_words(row, at()), place, width)


def context() -> Context:
    """What pages share, of a console that nobody started."""
    theme, _ = find_theme("dark", {})
    source, clock = Scripted(iter(())), HandClock(AT_US)
    return Context(Link(source, clock, lambda: None), source, theme, Keys(), Pace(), JST)
