"""The first screen: who is in trouble, why, and when does it get worse."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from quotadeck.domain.commands import Role
from quotadeck.domain.snapshot import ProjectRow, RouteRow, Snapshot, TargetRow
from quotadeck.domain.state import Urgency
from quotadeck.tui import frame, rows, terminal
from quotadeck.tui.change.page import Changing
from quotadeck.tui.filter import Filter, Narrowed
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import NO_NOTE, Context, Note
from quotadeck.tui.kit.spans import Line, crop
from quotadeck.tui.link import Picture
from quotadeck.tui.narrow import narrowed
from quotadeck.tui.state import Order, rank

if TYPE_CHECKING:
    from quotadeck.tui.change.confirm import AnyRow

RATES_S: Final = (0.2, 0.5, 1.0, 2.0)
FIXED_LINES: Final = 6
"""Two of header, the projects' titles, the rule, one of events, the keys."""


class Overview(Changing):
    """Projects, models, what happened last; a function of the link's picture."""

    DEFAULT_CSS = "#rule, #keys { height: 1; }"

    def __init__(self, context: Context, *, notes: Sequence[str] = ()) -> None:
        super().__init__("overview", context)
        terminal.hold(self)
        self._link = context.link
        self._source = context.source
        self._zone = context.zone
        theme = context.theme
        self.note = Note(" · ".join(notes), "attention")
        self._order = Order()
        self._frozen: Picture | None = None
        self._filter = Filter()
        self._narrowed = Narrowed(())
        self._summed: tuple[tuple[ProjectRow, ...], frame.Totals] | None = None
        self._rate = RATES_S.index(1.0)
        self._head = Lines(theme, id="head")
        self._head.set_height(2)
        self.projects: Grid[ProjectRow] = Grid(theme, id="projects")
        self._rule = Lines(theme, id="rule")
        self.targets: Grid[TargetRow] = Grid(theme, id="targets")
        self._tail = Lines(theme, id="tail")
        self._keys = Lines(theme, id="keys")
        self.targets.active = False

    @property
    def interval_s(self) -> float:
        """The refresh in force."""
        return RATES_S[self._rate]

    def compose(self) -> ComposeResult:
        yield from (self._head, self.projects, self._rule, self.targets, self._tail, self._keys)

    # -- drawing ---------------------------------------------------------------------------------

    def pulse(self) -> None:
        self.draw()
        super().pulse()

    def draw(self) -> None:
        """Draw the present; what did not change is not sent."""
        width = self.size.width
        if width == 0 or terminal.stalled(self.app):
            return
        if self.note.ends_ns is not None and self._link.monotonic_ns() >= self.note.ends_ns:
            self.note = NO_NOTE
        picture = self._frozen or self._link.picture()
        if picture is None:
            self._draw_waiting(width)
            return
        snapshot, now = picture.snapshot, picture.present
        routes = {route.id: route for route in snapshot.routes}
        columns = rows.columns_for(width)
        ordered = self._order.of(snapshot, routes, now)
        self._narrowed = self._filter.of(ordered, now)
        targets = self._sorted_targets(snapshot, routes, picture)
        self._share_height(len(snapshot.projects), len(targets))
        self.projects.fill(
            self._narrowed.rows,
            [narrowed(rows.project_head(columns), columns, width)],
            lambda row, chosen: narrowed(
                rows.project_line(row, routes, now, columns, zone=self._zone, chosen=chosen),
                columns,
                width,
            ),
            frame.nothing_line(self._filter.text, self.keys.shown("overview.clear"), width),
        )
        self.targets.fill(
            targets,
            [],
            lambda row, chosen: narrowed(
                rows.target_line(row, routes, now, columns, chosen=chosen), columns, width
            ),
        )
        alarms = self._order.alarms + sum(row.state.urgency is Urgency.TROUBLE for row in targets)
        live = self._link.picture()
        if self._frozen and live:  # what is in trouble meanwhile is told all the same
            alarms = frame.in_trouble(live)
        self._draw_frame(picture, alarms, width)

    def _draw_waiting(self, width: int) -> None:
        self._show_head(
            self._status(None, 0, width),
            frame.problem_lines(self._link.problem, self._source.label, width),
        )
        self._draw_keys(width)

    def _show_head(self, first: Line, more: Sequence[Line]) -> None:
        self._head.set_height(1 + len(more))
        self._head.show([first, *more])

    def _draw_frame(self, picture: Picture, alarms: int, width: int) -> None:
        # A frozen picture is old by wish; whether the gateway lives is told all the same.
        self._show_head(self._status(self._link.picture(), alarms, width), self._second(picture))
        grid = self.projects if self.projects.active else self.targets
        rule = frame.detail_line(
            grid.chosen, picture.snapshot.routes, picture.present, grid.place, self._zone, width
        )
        self._rule.show([rule])
        count = self._tail.height
        self._tail.show(
            frame.event_lines(
                picture.snapshot.events, count, picture.present.now_us, self._zone, width
            )
        )
        self._draw_keys(width)

    def _second(self, picture: Picture) -> list[Line]:
        width = self.size.width
        if picture.problem:
            return frame.problem_lines(picture.problem, self._source.label, width)
        return [frame.totals_line(picture, self._totals(picture.snapshot), width)]

    def _totals(self, snapshot: Snapshot) -> frame.Totals:
        if self._summed is None or self._summed[0] is not snapshot.projects:
            self._summed = (snapshot.projects, frame.totals(snapshot.projects))
        return self._summed[1]

    def _status(self, picture: Picture | None, alarms: int, width: int) -> Line:
        frozen = self._frozen.present.now_us if self._frozen else None
        return frame.status_line(
            picture, label=self._source.label, problem=self._link.problem, alarms=alarms,
            frozen_us=frozen, now_us=self._link.wall_us(), read_only=self.context.read_only,
            zone=self._zone, width=width,
        )  # fmt: skip

    def _role(self) -> Role | None:
        picture = self._link.picture()
        return picture.whoami.role if picture else None

    def _draw_keys(self, width: int) -> None:
        acts = self.keys.at("overview")
        role, seen = self._role(), self._narrowed
        if self.modal is not None:
            line = crop([], width)  # it has keys of its own
        elif self.note.text:
            line = frame.note_line(self.note.text, self.note.role, acts, width, role)
        elif self._filter.typing or self._filter.text:
            line = frame.filter_line(
                self._filter.line, seen.hidden, seen.troubles, self.keys, width,
                typing=self._filter.typing, role=role,
            )  # fmt: skip
        else:
            line = frame.keys_line(acts, width, role)
        self._keys.show([line])

    def _share_height(self, projects: int, targets: int) -> None:
        """Give the models up to a quarter, and what nobody needs to what happened last."""
        free = max(2, self.size.height - FIXED_LINES - max(0, self._head.height - 2))
        models = min(targets, max(min(2, free // 2), free // 4, free - projects))
        shown = min(projects, free - models)
        self.projects.set_height(1 + shown)
        self.targets.set_height(models)
        self._tail.set_height(1 + free - models - shown)

    def _sorted_targets(
        self, snapshot: Snapshot, routes: dict[str, RouteRow], picture: Picture
    ) -> list[TargetRow]:
        return sorted(snapshot.targets, key=lambda row: rank(row, routes, picture.present))

    # -- keys ------------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        return "filter" if self._filter.typing else "overview"

    def do(self, act: Act) -> None:
        if act.scope in ("filter", "editor"):
            self._filter = self._filter.do(act)
            self.draw()
        else:
            super().do(act)

    def insert(self, text: str) -> None:
        if self._filter.typing:
            self._filter = self._filter.insert(text)
            self.draw()

    @property
    def grid(self) -> "Grid[ProjectRow] | Grid[TargetRow]":
        """The table that has the cursor."""
        return self.projects if self.projects.active else self.targets

    @property
    def window(self) -> int:
        return self.grid.page

    def move(self, by: int) -> None:
        self.grid.move(by)
        self.draw()

    def do_tables(self) -> None:
        self.projects.active = not self.projects.active
        self.targets.active = not self.targets.active
        self.draw()

    def do_clear(self) -> None:
        self._filter = Filter()
        self.draw()

    def do_filter(self) -> None:
        self._filter = replace(self._filter, typing=True)
        self.draw()

    def do_freeze(self) -> None:
        self._frozen = None if self._frozen else self._link.picture()
        self.draw()

    def do_faster(self) -> None:
        self._set_rate(self._rate - 1)

    def do_slower(self) -> None:
        self._set_rate(self._rate + 1)

    def _set_rate(self, rate: int) -> None:
        self._rate = max(0, min(rate, len(RATES_S) - 1))
        self.say(f"drawn every {self.interval_s:g} s")

    def do_audit(self) -> None:
        from quotadeck.tui.pages.audit import Audit

        self.app.push_screen(Audit(self.context))

    def chosen_row(self, snapshot: Snapshot) -> "AnyRow":
        """The chosen row as it is now: a frozen picture may show it as it was."""
        chosen = self.grid.chosen
        if chosen is None:
            raise NothingToDo("no row is chosen")
        known: Sequence[AnyRow] = snapshot.projects if self.projects.active else snapshot.targets
        row = next((row for row in known if row.id == chosen.id), None)
        if row is None:
            raise NothingToDo(f"{chosen.id} is no longer there")
        self.grid.pin()
        return row

    def changed(self) -> None:
        self._frozen = None
