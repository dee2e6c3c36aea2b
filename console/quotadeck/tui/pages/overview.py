"""The first screen: who is in trouble, why, and when does it get worse."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from quotadeck.domain.snapshot import LimitedRow, ProjectRow, Snapshot, TargetRow
from quotadeck.domain.state import Urgency
from quotadeck.domain.subject import Subject
from quotadeck.tui import terminal
from quotadeck.tui.change.offers import subject_of
from quotadeck.tui.change.page import Changing
from quotadeck.tui.columns.parts import At
from quotadeck.tui.columns.projects import PROJECTS, SPENDING
from quotadeck.tui.columns.shared import WHY
from quotadeck.tui.columns.targets import TARGETS
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.foot import note_line
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.listpage import ListPage
from quotadeck.tui.kit.page import Note
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.link import Picture
from quotadeck.tui.order import Order, rank
from quotadeck.tui.panes.detail import detail_line
from quotadeck.tui.panes.events import event_lines
from quotadeck.tui.panes.head import PageHead
from quotadeck.words import text

FIXED_LINES: Final = 4
"""The projects' titles, the rule, one of events, the keys."""


class Overview(Changing, ListPage):
    """Projects, targets, what happened last; a function of the link's picture."""

    DEFAULT_CSS = "#rule { height: 1; }"

    def __init__(self, context: Context, *, notes: Sequence[str] = ()) -> None:
        theme = context.theme
        self.projects: Grid[ProjectRow, At] = Grid(theme, id="projects")
        self.targets: Grid[TargetRow, At] = Grid(theme, id="targets")
        super().__init__("overview", context, self.projects, self.targets)
        terminal.hold(self)
        self.note = Note(" · ".join(notes), "attention")
        self._frozen: Picture | None = None
        self._order = Order(WHY, SPENDING)
        self._head = PageHead(context)
        self._rule = Lines(theme, id="rule")
        self._events = Lines(theme, id="events")

    def compose(self) -> ComposeResult:
        yield from (self._head, self.projects, self._rule, self.targets, self._events, self.foot)

    # -- drawing ---------------------------------------------------------------------------------

    def pulse(self) -> None:
        self.draw()
        super().pulse()

    def draw(self) -> None:
        """Draw the present; what did not change is not sent."""
        width = self.size.width
        if width == 0:
            return
        shown = self._frozen or self.context.link.picture()
        if shown is not None:
            routes = {route.id: route for route in shown.snapshot.routes}
            at = At(shown.present, routes, self.context.zone)
            # Also where nothing can be sent: the next key acts on a row that the filter leaves.
            self._hold_lists(shown.snapshot, at)
        if terminal.stalled(self.app):
            return
        self._head.draw(shown, width, frozen=self._frozen is not None)
        if shown is not None:
            self._draw_lists(shown.snapshot, at, width)
        self.draw_foot(self._hint(width))

    def _hint(self, width: int) -> Line | None:
        """What the first minute teaches, where nothing else wants the line."""
        context = self.context
        taught = context.hints.line(self.keys, context.link.monotonic_ns())
        if not taught or self.filter.typing or self.filter.text:
            return None
        return note_line(taught, "normal", self.keys.at("overview"), width, self.may)

    def _hold_lists(self, snapshot: Snapshot, at: At) -> None:
        ordered = self._order.of(snapshot.projects, at)
        self.seen = self.filter.of(ordered, PROJECTS, at, _in_trouble)
        self.projects.hold(self.seen.rows)
        self.targets.hold(sorted(snapshot.targets, key=lambda row: rank(row, at.routes, at.now)))

    def _draw_lists(self, snapshot: Snapshot, at: At, width: int) -> None:
        self._share_height(len(snapshot.projects), len(snapshot.targets))
        layout = laid_out(PROJECTS, width)
        nothing = self.filter.nothing(self.keys.shown("overview.clear"), width)
        self.projects.paint(layout, at, titled=True, empty=nothing, more=self._more)
        self.targets.paint(laid_out(TARGETS, width, layout), at)
        rule = detail_line(self.grid.chosen, at, self.grid.place, width)
        self._rule.show([rule])
        self._events.show(
            event_lines(snapshot.events, self._events.height, at.now.now_us, at.zone, width)
        )

    def _share_height(self, projects: int, targets: int) -> None:
        """Give the targets up to a quarter, and what nobody needs to what happened last."""
        free = max(2, self.size.height - FIXED_LINES - self._head.height)
        below = min(targets, max(min(2, free // 2), free // 4, free - projects))
        above = min(projects, free - below)
        self.projects.set_height(1 + above)
        self.targets.set_height(below)
        self._events.set_height(1 + free - below - above)

    def _more(self, above: Sequence[ProjectRow], below: Sequence[ProjectRow]) -> Line:
        """What the window leaves out above and below it, those in trouble apart."""
        spans = [Span("  … ", "dim")]
        for kind, rows in (("list.above", above), ("list.below", below)):
            troubles = sum(map(_in_trouble, rows))
            if not rows:
                continue
            if len(spans) > 1:
                spans.append(Span(", ", "dim"))
            spans.append(Span(text(kind if troubles else f"{kind}.calm", count=len(rows)), "dim"))
            if troubles:
                spans.append(Span(f" ! {troubles}", "trouble"))
        return crop(spans, self.size.width)

    # -- keys ------------------------------------------------------------------------------------

    def do_mark(self) -> None:
        """Mark the chosen row, and go on to the next, so that a run of rows is a run of keys."""
        self.grid.mark()
        self.move(1)

    def do_mark_all(self) -> None:
        self.grid.mark_all()
        self.draw()

    def do_mark_none(self) -> None:
        self.grid.mark_none()
        self.draw()

    def do_mark_others(self) -> None:
        self.grid.mark_others()
        self.draw()

    def do_freeze(self) -> None:
        self._frozen = None if self._frozen else self.context.link.picture()
        self.draw()

    def do_faster(self) -> None:
        self.context.pace.faster()
        self._say_pace()

    def do_slower(self) -> None:
        self.context.pace.slower()
        self._say_pace()

    def _say_pace(self) -> None:
        self.say(text("screen.pace", seconds=f"{self.context.pace.interval_s:g}"))

    def chosen_row(self, snapshot: Snapshot) -> "LimitedRow":
        """The chosen row as it is now: a frozen picture may show it as it was."""
        chosen = self.grid.chosen
        if chosen is None:
            raise NothingToDo("screen.no_row")
        known: Sequence[LimitedRow] = (
            snapshot.projects if self.projects.active else snapshot.targets
        )
        row = next((row for row in known if row.id == chosen.id), None)
        if row is None:
            raise NothingToDo("screen.row_gone", row=chosen.id)
        self.grid.pin()
        return row

    def about(self) -> Subject:
        chosen = self.grid.chosen
        if chosen is None:
            raise NothingToDo("screen.no_row")
        self.grid.pin()
        return subject_of(chosen)

    def changed(self) -> None:
        self._frozen = None


def _in_trouble(row: ProjectRow) -> bool:
    return row.state.urgency is Urgency.TROUBLE
