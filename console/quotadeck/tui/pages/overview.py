"""The first screen: who is in trouble, why, and when does it get worse."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.app import ComposeResult

from quotadeck.domain.snapshot import AnyRow, Gap, ProjectRow, RouteRow, Snapshot
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.tui import terminal
from quotadeck.tui.change.offers import row_of
from quotadeck.tui.change.page import Changing
from quotadeck.tui.columns.chosen import USUAL, Chosen
from quotadeck.tui.columns.models import MODELS
from quotadeck.tui.columns.parts import At
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.columns.terms import TERMS
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.foot import note_line
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.listpage import ListPage
from quotadeck.tui.kit.page import Note
from quotadeck.tui.kit.spans import Line, Span, crop, in_past
from quotadeck.tui.link import Picture
from quotadeck.tui.model_rows import ModelRow, model_rows
from quotadeck.tui.panes.beside import LIST_GAP, ProjectBeside, Row, Stack, pane_cells
from quotadeck.tui.panes.detail import model_words, row_words, rule_line
from quotadeck.tui.panes.events import event_lines
from quotadeck.tui.panes.head import PageHead
from quotadeck.tui.panes.heights import heights
from quotadeck.tui.panes.lately import Lately
from quotadeck.tui.panes.left_out import left_out
from quotadeck.tui.sparks import Sparks
from quotadeck.words import text

FIXED_LINES: Final = 2
"""The rule and the keys."""


class Overview(Changing, ListPage):
    """Projects, models, what happened last; a function of the link's picture.

    On a wide screen the chosen project stands beside them.
    """

    DEFAULT_CSS = "#rule { height: 1; }"

    def __init__(
        self, context: Context, *, notes: Sequence[str] = (), chosen: Chosen = USUAL
    ) -> None:
        theme = context.theme
        self.projects: Grid[ProjectRow, At] = Grid(theme, id="projects")
        self.models: Grid[ModelRow, At] = Grid(theme, id="models")
        super().__init__("overview", context, self.projects, self.models, terms=TERMS)
        terminal.hold(self)
        self.note = Note(" · ".join(notes), "attention")
        self.sparks = Sparks(context.source, self.run_worker, self.draw)
        self._lately = Lately(context.source, self.run_worker, self.draw)
        self._frozen: Picture | None = None
        self._begun = False
        self._held: Snapshot | None = None
        self._routed: tuple[RouteRow, ...] = ()
        self._routes: dict[str, RouteRow] = {}
        self._asked: tuple[object, str, int] = ((), "", 0)
        """What the filter was last asked: the same within a second has the same answer."""
        self._graves = _Graves(())
        self._chosen = chosen
        self._order = chosen.order
        self._head = PageHead(context)
        self._rule = Lines(theme, id="rule")
        self._events = Lines(theme, id="events")
        self._lists = Stack(self.projects, self.models, self._rule, self._events)
        self._beside: ProjectBeside | None = None

    def compose(self) -> ComposeResult:
        yield from (self._head, Row(self._lists), self.foot)

    def begin(self) -> None:
        """The first picture is out: from now on more than that may be asked of the source."""
        self._begun = True
        self.draw()

    @property
    def still(self) -> bool:
        """Whether all that is asked for beside the picture is on the screen."""
        beside = self._beside
        figures = beside is None or not beside.display or beside.still
        return not self.context.link.answered or (self._begun and self.sparks.still and figures)

    # -- drawing ---------------------------------------------------------------------------------

    def pulse(self) -> None:
        self.draw()
        if self._beside is not None:
            self._beside.read()
        super().pulse()

    def draw(self) -> None:
        """Draw the present; what did not change is not sent."""
        width = self.size.width
        if width == 0:
            return
        shown = self.context.link.past or self._frozen or self.context.link.picture()
        if shown is not None:
            if shown.snapshot.routes is not self._routed:
                self._routed = shown.snapshot.routes
                self._routes = {route.id: route for route in self._routed}
            at = At(shown.present, self._routes, self.context.zone, series=self.sparks.known)
            # Also where nothing can be sent: the next key acts on a row that the filter leaves.
            self._hold_lists(shown.snapshot, at)
        if terminal.stalled(self.app):
            return
        self._head.draw(shown, width, frozen=self._frozen is not None)
        if shown is not None:
            pane = pane_cells(width) if self._begun else 0
            self._draw_lists(shown.snapshot, at, width - pane)
            self._draw_beside(shown, pane)
            self._ask(shown)
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
        asked = (ordered, self.filter.text, at.now.now_ms // 1_000)
        if asked[0] is not self._asked[0] or asked[1:] != self._asked[1:]:
            self._asked = asked
            self.seen = self.filter.of(ordered, PROJECTS, at, _in_trouble)
        self.projects.hold(self.seen.rows)
        self.models.hold(model_rows(snapshot))
        if snapshot is not self._held:
            self._held = snapshot
            self.projects.forget({row.id for row in snapshot.projects})
            self.models.forget({row.id for row in snapshot.routes})

    def _draw_lists(self, snapshot: Snapshot, at: At, width: int) -> None:
        self._share_height()
        cells = width - LIST_GAP if width < self.size.width else width
        layout = laid_out(self._chosen.table, cells)
        below = laid_out(MODELS, cells, laid_out(PROJECTS, cells))
        sign = ("▴" if self._chosen.reverse else "▾") if self._chosen != USUAL else ""
        sorts = text("sort.by", by=text(f"by.{self._chosen.sort}"), sign=sign or "▾")
        nothing = self.filter.nothing(self.keys.shown("overview.clear"), width)

        def more(above: Sequence[ProjectRow], below: Sequence[ProjectRow]) -> Line:
            return left_out(above, below, _in_trouble, sorts, width, self._graves.kinds)

        by = (self._chosen.sort, sign)
        self.projects.paint(layout, at, titled=True, by=by, empty=nothing, more=more)
        self.models.paint(below, at, titled=self.models.height > 0)
        place = self.grid.place
        if self.grid.marks:
            place = f"{text('list.marked', count=self.grid.marks)} · {place}"
        rule = rule_line(*self._words(at), place, width)
        if Gap.FLOW in at.now.lacks:
            rule = crop([Span("─" * width)], width)
        self._rule.show([in_past(rule) if self.context.link.past else rule])
        happened = snapshot.events if snapshot.past else self._lately.among(snapshot.events)
        lines = self._events.height
        self._events.show(event_lines(happened, lines, at.now.now_us, at.zone, width))

    def _words(self, at: At) -> tuple[str, str]:
        """The chosen row, and what is said of it."""
        chosen = self.grid.chosen
        if isinstance(chosen, ModelRow):
            return chosen.id, model_words(chosen, at)
        return (chosen.id, row_words(chosen, at)) if chosen is not None else ("", "")

    def _share_height(self) -> None:
        lines = self.size.height - self._head.height - FIXED_LINES
        share = heights(
            lines,
            troubles=self._troubles(),
            projects=max(1, len(self.projects.rows)),
            models=len(self.models.rows),
            ill=sum(row.urgency is Urgency.TROUBLE for row in self.models.rows),
        )
        self.projects.set_height(share.projects)
        self.models.set_height(share.models)
        self._events.set_height(share.events)

    def _troubles(self) -> int:
        """How many of the shown rows are in trouble, counted once for the same rows."""
        rows = self.projects.rows
        if rows is not self._graves.rows:
            self._graves = _Graves.of(rows)
        return len(self._graves.those)

    def _draw_beside(self, shown: Picture, cells: int) -> None:
        """The chosen project beside the lists, in so many cells; none where the cursor is not."""
        if self._beside is None and cells:
            self._beside = ProjectBeside(self.context, self.draw)
            self._lists.parent.mount(self._beside)  # type: ignore[union-attr]
        self._lists.styles.width = self.size.width - cells
        if self._beside is None:
            return
        self._beside.display = bool(cells)
        if cells:
            self._beside.styles.width = cells
            chosen = self.projects.chosen
            self._beside.choose(chosen.id if chosen else None)
            height = self.size.height - self._head.height - 1
            self._beside.draw(shown, cells, height)

    def _ask(self, shown: Picture) -> None:
        """The last minutes of the rows that are seen."""
        if self._begun:
            rows = [Subject.project(row.id) for row in self.projects.seen]
            rows += [Subject.model(row.id) for row in self.models.seen]
            self.sparks.show(rows, shown.present)
            if shown.snapshot.past is None and not self._frozen:
                ill = frozenset(row.id for row in self.models.rows if row.held)
                self._lately.follow((self._graves.those, ill), shown.present, self._events.height)

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

    def do_sort(self) -> None:
        self._choose(self._chosen.next_sort())
        self._say_sort()

    def do_turn(self) -> None:
        self._choose(self._chosen.turned())
        self._say_sort()

    def _say_sort(self) -> None:
        """What they are sorted by: its column may not be shown, nor the line below them."""
        by, sign = text(f"by.{self._chosen.sort}"), "▴" if self._chosen.reverse else "▾"
        self.say(text("sort.by", by=by, sign=sign))

    def _choose(self, chosen: Chosen) -> None:
        """Show these columns, sorted so; the cursor goes to the first of them."""
        self._chosen, self._order = chosen, chosen.order
        self.projects.start()
        self.draw()

    def do_choose(self) -> None:
        """Choose the columns in a dialog over the page."""
        from quotadeck.tui.columns.chooser import Chooser

        self.open(Chooser(self.context, self._chosen, self._chosen_in, self.copy))

    def _chosen_in(self, chosen: Chosen | None) -> None:
        self.close()
        if chosen is None:
            self.draw()
            return
        self._choose(chosen)

    def do_freeze(self) -> None:
        if self.context.link.away:
            self.travel.play()
            return
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

    def chosen_row(self, snapshot: Snapshot) -> AnyRow:
        """The chosen row as it is now: a frozen picture may show it as it was."""
        chosen = self.about()
        row = row_of(chosen, snapshot)
        if row is None:
            raise NothingToDo("screen.row_gone", row=chosen.name)
        return row

    def about(self) -> Subject:
        chosen = self.grid.chosen
        if chosen is None:
            raise NothingToDo("screen.no_row")
        self.grid.pin()
        return Subject.project(chosen.id) if self.projects.active else Subject.model(chosen.id)

    def marked_subjects(self) -> tuple[Subject, ...]:
        """What is marked, in the order of the list that has the cursor; empty for none."""
        kind = Subject.project if self.projects.active else Subject.model
        return tuple(kind(row.id) for row in self.grid.marked)

    def changed(self) -> None:
        self._frozen = None


@dataclass(frozen=True, slots=True)
class _Graves:
    """Of rows those that are in trouble, and what troubles they have: ``2,990 storm, 10 spent``."""

    rows: Sequence[ProjectRow]
    those: frozenset[tuple[str, StateKind]] = frozenset()
    kinds: str = ""

    @classmethod
    def of(cls, rows: Sequence[ProjectRow]) -> "_Graves":
        those = frozenset((row.id, row.state.kind) for row in rows if _in_trouble(row))
        counted = Counter(kind for _, kind in those).most_common()
        told = ", ".join(text("list.kind", kind=kind, count=count) for kind, count in counted)
        return cls(rows, those, text("list.kinds", kinds=told))


def _in_trouble(row: ProjectRow) -> bool:
    return row.state.urgency is Urgency.TROUBLE
