"""The models and their routes: what serves each now, with what headroom, and who asks for it."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from quotadeck.domain.askers import Askers, askers
from quotadeck.domain.capability import Read
from quotadeck.domain.snapshot import AnyRow, Gap, ProjectRow, RouteRow, Snapshot, TargetRow
from quotadeck.domain.state import Urgency
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.sources.base import SourceError
from quotadeck.tui import terminal
from quotadeck.tui.change.offers import row_of
from quotadeck.tui.change.page import Changing
from quotadeck.tui.columns.parts import At
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Line, Span
from quotadeck.tui.link import Picture
from quotadeck.tui.panes.models import DrawnModels, ModelsPane, Spot, drawn
from quotadeck.tui.panes.more import more_line
from quotadeck.tui.panes.past import lacking_line
from quotadeck.tui.panes.title import title_line
from quotadeck.tui.sparks import Sparks
from quotadeck.words import text

if TYPE_CHECKING:
    from quotadeck.domain.routed import Routed

_HEAD: Final = 2
EVERY_NS: Final = 5_000_000_000


def opened(context: Context, of: Page) -> Page:
    """The models, the cursor on the one that is chosen there, or that is asked for there most."""
    try:
        subject = of.whole or of.about()
    except NothingToDo:
        subject = None
    snapshot = context.link.snapshot
    return Models(context, _place_of(subject, snapshot) if subject and snapshot else None)


def _place_of(subject: Subject, snapshot: Snapshot) -> tuple[str, str] | None:
    """The key of the spot where a subject stands, or where what it asks for does."""
    if subject.kind is SubjectKind.MODEL:
        return subject.name, ""
    if subject.kind is SubjectKind.TARGET:
        routes = [route for route in snapshot.routes if subject.name in route.targets]
        routes.sort(key=lambda route: route.targets.index(subject.name))
        return (routes[0].id, subject.name) if routes else None
    row = row_of(subject, snapshot)
    models = row.models if isinstance(row, ProjectRow) else ()
    return (models[0], "") if models else None


class Models(Changing):
    """A function of the link's picture; the cursor is on a model, or on a target of it."""

    DEFAULT_CSS = "#head { height: 2; } #body { height: 1fr; }"

    def __init__(self, context: Context, chosen: tuple[str, str] | None = None) -> None:
        super().__init__("models", context)
        self.sparks = Sparks(context.source, self.run_worker, self.draw)
        self._head = Lines(context.theme, id="head")
        self._body = Lines(context.theme, id="body")
        self._chosen = chosen
        self._top = 0
        self._drawn = DrawnModels()
        self._figures: Routed | None = None
        self._read_ns: int | None = None
        self._asked: tuple[Sequence[ProjectRow], dict[str, Askers]] = ((), {})

    def compose(self) -> ComposeResult:
        yield from (self._head, self._body, self.foot)

    def pulse(self) -> None:
        self._ask()
        self.draw()
        super().pulse()

    def draw(self) -> None:
        width = self.size.width
        if width == 0 or terminal.stalled(self.app):
            return
        picture = self.context.link.picture()
        if picture is not None:
            at = self._seen_at(picture)
            self._make(picture, at, width)
            self.sparks.show([Subject.model(row.id) for row in picture.snapshot.routes], at.now)
        lines, page = self._drawn.lines, self.window
        self._show_chosen(page)
        self._head.show([self._title(picture, width), self._second(picture, width)])
        self._body.show(lines[self._top : self._top + page])
        self.draw_foot(
            more_line(self._top, page, len(lines), self.keys, self.place, width, self.may)
        )

    def on_mount(self) -> None:
        self.pulse()

    def _ask(self) -> None:
        """Read what passed again every few seconds; of the past there is none."""
        link, can = self.context.link, self.context.source.capabilities.can
        now_ns = link.monotonic_ns()
        if link.away:
            self._figures, self._read_ns = None, None
        elif can(Read.MODELS) and (self._read_ns is None or now_ns - self._read_ns >= EVERY_NS):
            self._read_ns = now_ns
            self.work(self._read)

    async def _read(self) -> None:
        with suppress(SourceError):  # what was read before stands
            figures = await self.context.source.routed()
            self._figures = None if self.context.link.away else figures
        self.draw()

    def _make(self, picture: Picture, at: At, width: int) -> None:
        """All lines; the first model is chosen where the chosen one is not there (any more)."""
        snapshot = picture.snapshot
        if snapshot.projects is not self._asked[0]:
            self._asked = snapshot.projects, dict(askers(snapshot.projects))
        spots = {(route.id, target) for route in snapshot.routes for target in ("", *route.targets)}
        if self._chosen not in spots and snapshot.routes:
            pane = ModelsPane(snapshot, at, width, self._asked[1])
            self._chosen = drawn(pane).spots[0].key
        self._drawn = drawn(
            ModelsPane(snapshot, at, width, self._asked[1], self._figures, self._chosen)
        )

    def _seen_at(self, picture: Picture) -> At:
        routes = {route.id: route for route in picture.snapshot.routes}
        return At(picture.present, routes, self.context.zone, series=self.sparks.known)

    def _title(self, picture: Picture | None, width: int) -> Line:
        left = [Span("‹ ", "dim"), Span(text("models.title"), "strong")]
        if picture is not None:
            rows: tuple[RouteRow | TargetRow, ...] = (
                *picture.snapshot.routes,
                *picture.snapshot.targets,
            )
            troubled = sum(row.state.urgency is Urgency.TROUBLE for row in rows)
            if troubled:
                left.append(Span(f"   {text('head.trouble.short', count=troubled)}", "trouble"))
        return title_line(self.context, left, [], width)

    def _second(self, picture: Picture | None, width: int) -> Line:
        if picture is not None and not picture.snapshot.knows(Gap.FLOW):
            return lacking_line(picture, self.context, width)
        return self._drawn.head

    # -- the cursor ------------------------------------------------------------------------------

    @property
    def window(self) -> int:
        return max(1, self.size.height - _HEAD - 1)

    @property
    def _index(self) -> int:
        spots = self._drawn.spots
        return next((i for i, spot in enumerate(spots) if spot.key == self._chosen), 0)

    @property
    def _spot(self) -> Spot:
        """What is under the cursor. Raises NothingToDo."""
        if not self._drawn.spots:
            raise NothingToDo("screen.no_row")
        return self._drawn.spots[self._index]

    def move(self, by: int) -> None:
        spots = self._drawn.spots
        if spots:
            self._chosen = spots[max(0, min(self._index + by, len(spots) - 1))].key
        self.draw()

    def _show_chosen(self, page: int) -> None:
        """The window is where the chosen line is, with what belongs to it where that fits."""
        if self._drawn.spots:
            spot = self._spot
            self._top = max(self._top, min(spot.end - page, spot.line))
            self._top = min(self._top, spot.line)
        self._top = max(0, min(self._top, len(self._drawn.lines) - page))

    # -- what keys are about ---------------------------------------------------------------------

    def about(self) -> Subject:
        return self._spot.subject

    def chosen_row(self, snapshot: Snapshot) -> AnyRow:
        subject = self.about()
        row = row_of(subject, snapshot)
        if row is None:
            raise NothingToDo("screen.row_gone", row=subject.name)
        return row

    def under(self) -> str:
        return self._spot.key[0]

    def do_copy(self) -> None:
        """Copy what the chosen model or target is called."""
        self.copy(self.about().name if self._drawn.spots else "")

    def do_copy_row(self) -> None:
        """Copy the chosen line as it is drawn."""
        if self._drawn.spots:
            line = self._drawn.lines[self._spot.line]
            self.copy("".join(span.text for span in line).strip())
