"""The first screen: who is in trouble, why, and when does it get worse."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.events import Paste

from console.domain.commands import Role
from console.domain.snapshot import ProjectRow, RouteRow, Snapshot, TargetRow
from console.sources.base import Source
from console.tui import frame, rows, terminal
from console.tui.actions import allowed, available
from console.tui.figures import grouped
from console.tui.grid import Grid
from console.tui.lines import Lines
from console.tui.link import Link, Picture
from console.tui.propose import NothingToDo, Proposal, propose
from console.tui.room import Room
from console.tui.state import Care, Order, project_state, short_field, target_state
from console.tui.themes import Theme

if TYPE_CHECKING:
    from console.sources import CommandAnswer
    from console.tui.dialog import Dialog

RATES_S: Final = (0.2, 0.5, 1.0, 2.0)
FIXED_LINES: Final = 6
"""Two of header, the projects' titles, the rule, one of happenings, the keys."""


class Overview(Room):
    """Projects, models, what happened last; a function of the link's picture."""

    DEFAULT_CSS = """
    Overview { layers: base over; }
    #head { height: 2; } #rule, #keys { height: 1; }
    .dialog { layer: over; position: absolute; }
    """

    def __init__(
        self,
        link: Link,
        source: Source,
        theme: Theme,
        *,
        read_only: bool,
        zone: tzinfo | None,
        notes: Sequence[str],
    ) -> None:
        super().__init__("overview", theme, read_only=read_only)
        terminal.hold(self)
        self._link = link
        self._source = source
        self._zone = zone
        self._note = (" · ".join(notes), "attention")
        self._order = Order()
        self._frozen: Picture | None = None
        self._filter = ""
        self._typing_filter = False
        self._dialog: Dialog | None = None
        self._summed: tuple[tuple[ProjectRow, ...], frame.Totals] | None = None
        self._rate = RATES_S.index(1.0)
        self._head = Lines(theme, id="head")
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

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw the present; what did not change is not sent."""
        width = self.size.width
        if width == 0 or terminal.stalled(self.app):
            return
        if self._dialog is not None:
            self._dialog.draw()
        picture = self._frozen or self._link.picture()
        if picture is None:
            self._draw_waiting(width)
            return
        snapshot, now = picture.snapshot, picture.present
        routes = {route.id: route for route in snapshot.routes}
        columns = rows.columns_for(width)
        projects = self._filtered_projects(snapshot, routes, picture)
        targets = self._sorted_targets(snapshot, routes, picture)
        self._share_height(len(snapshot.projects), len(targets))
        self.projects.fill(
            projects,
            [rows.project_head(columns)],
            lambda row, chosen: rows.project_line(
                row, routes, now, columns, zone=self._zone, chosen=chosen
            ),
        )
        self.targets.fill(
            targets,
            [],
            lambda row, chosen: rows.target_line(row, routes, now, columns, chosen=chosen),
        )
        alarms = self._order.alarms + sum(
            target_state(row, routes, now).care is Care.TROUBLE for row in targets
        )
        self._draw_frame(picture, alarms, width)

    def _draw_waiting(self, width: int) -> None:
        problem = self._link.problem
        self._head.show(
            [
                self._status(None, 0, width),
                frame.problem_line(f"trying again: {problem}" if problem else "", width),
            ]
        )
        self._draw_keys(width)

    def _draw_frame(self, picture: Picture, alarms: int, width: int) -> None:
        second = (
            frame.problem_line(f"trying again: {picture.problem}", width)
            if picture.problem
            else frame.totals_line(picture, self._totals(picture.snapshot), self._zone, width)
        )
        # A frozen picture is old by wish; whether the gateway lives is told all the same.
        self._head.show([self._status(self._link.picture(), alarms, width), second])
        grid = self.projects if self.projects.active else self.targets
        rule = frame.detail_line(
            grid.chosen, picture.snapshot.routes, picture.present, grid.place, self._zone, width
        )
        self._rule.show([rule])
        count = self._tail.height
        tail = frame.happening_lines(picture.snapshot.happenings, count, self._zone, width)
        if self._note[0]:
            tail[0] = frame.note_line(*self._note, width)
        self._tail.show(tail)
        self._draw_keys(width)

    def _totals(self, snapshot: Snapshot) -> frame.Totals:
        if self._summed is None or self._summed[0] is not snapshot.projects:
            self._summed = (snapshot.projects, frame.totals(snapshot.projects))
        return self._summed[1]

    def _status(self, picture: Picture | None, alarms: int, width: int) -> rows.Line:
        frozen = self._frozen.present.now_us if self._frozen else None
        return frame.status_line(
            picture, label=self._source.label, problem=self._link.problem, alarms=alarms,
            frozen_us=frozen, now_us=self._link.wall_us(), read_only=self.read_only,
            zone=self._zone, width=width,
        )  # fmt: skip

    def _role(self) -> Role | None:
        picture = self._link.picture()
        return picture.whoami.role if picture else None

    def _draw_keys(self, width: int) -> None:
        acts = available("overview", read_only=self.read_only)
        if self._typing_filter:
            line = frame.filter_line(self._filter, width)
        elif self._filter:
            line = frame.filtered_keys(self._filter, acts, width, self._role())
        else:
            line = frame.keys_line(acts, width, self._role())
        self._keys.show([line])

    def _share_height(self, projects: int, targets: int) -> None:
        """Give the models up to a quarter, and what nobody needs to what happened last."""
        free = max(2, self.size.height - FIXED_LINES)
        models = min(targets, max(2, free // 4, free - projects))
        shown = min(projects, free - models)
        self.projects.set_height(1 + shown)
        self.targets.set_height(models)
        self._tail.set_height(1 + free - models - shown)

    def _filtered_projects(
        self, snapshot: Snapshot, routes: dict[str, RouteRow], picture: Picture
    ) -> Sequence[ProjectRow]:
        ordered = self._order.of(snapshot, routes, picture.present)
        text = self._filter.lower()
        wanted, text = not text.startswith("!"), text.removeprefix("!")
        if not text:
            return ordered
        return [
            row
            for row in ordered
            if wanted
            is (
                text in row.id.lower()
                or text in row.name.lower()
                or text in project_state(row, routes, picture.present).word
            )
        ]

    def _sorted_targets(
        self, snapshot: Snapshot, routes: dict[str, RouteRow], picture: Picture
    ) -> list[TargetRow]:
        return sorted(
            snapshot.targets, key=lambda row: target_state(row, routes, picture.present).care
        )

    # -- keys ------------------------------------------------------------------------------------

    def typed(self, key: str, character: str | None) -> bool:
        if self._note[0]:
            self._note = ("", "normal")
        if self._dialog is not None:
            self._dialog.press(key, character)
            return True
        if not self._typing_filter:
            return False
        if key == "enter":
            self._typing_filter = False
        elif key in ("escape", "ctrl+c"):
            self._typing_filter, self._filter = False, ""
        elif key == "backspace":
            self._filter = self._filter[:-1]
        elif key == "ctrl+u":
            self._filter = ""
        elif character and character.isprintable():
            self._filter = (self._filter + character)[:60]
        elif key in ("up", "down", "pageup", "pagedown"):
            return False
        self.draw()
        return True

    def on_paste(self, event: Paste) -> None:
        event.stop()
        if self._dialog is not None:
            self._dialog.paste(event.text)

    @property
    def grid(self) -> "Grid[ProjectRow] | Grid[TargetRow]":
        """The table that has the cursor."""
        return self.projects if self.projects.active else self.targets

    def _move(self, by: int) -> None:
        self.grid.move(by)
        self.draw()

    def do_down(self) -> None:
        self._move(1)

    def do_up(self) -> None:
        self._move(-1)

    def do_page_down(self) -> None:
        self._move(self.grid.page)

    def do_page_up(self) -> None:
        self._move(-self.grid.page)

    def do_top(self) -> None:
        self._move(-len(self.grid.rows))

    def do_bottom(self) -> None:
        self._move(len(self.grid.rows))

    def do_tables(self) -> None:
        self.projects.active = not self.projects.active
        self.targets.active = not self.targets.active
        self.draw()

    def do_back(self) -> None:
        self._filter = ""
        self.draw()

    def do_filter(self) -> None:
        self._typing_filter = True
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

    def say(self, text: str, role: str = "normal") -> None:
        """Words in answer to a key; they stand until the next one."""
        self._note = (text, role)
        self.draw()

    def do_audit(self) -> None:
        from console.tui.audit import Audit

        self.app.push_screen(
            Audit(self._source, self.palette, read_only=self.read_only, zone=self._zone,
                  undo=self.undo_entry)
        )  # fmt: skip

    # -- changes ---------------------------------------------------------------------------------

    def do_pause(self) -> None:
        self._propose("pause")

    def do_resume(self) -> None:
        self._propose("resume")

    def do_limit(self) -> None:
        self._propose("limit")

    def do_fallback(self) -> None:
        self._propose("fallback")

    def do_undo(self) -> None:
        self._propose("undo")

    def undo_entry(self, proposal: Proposal) -> None:
        """Open the dialog for an undo that was asked for elsewhere."""
        self._open(proposal)

    def _propose(self, act_id: str) -> None:
        picture = self._link.picture()
        if picture is None:
            self.say("nothing can be changed before the first reading", "attention")
            return
        act = next(act for act in self.keys.values() if act.id == act_id)
        if not allowed(act, picture.whoami.role):
            who = picture.whoami
            self.say(
                f"{who.actor} is a {who.role.value} here: to {act_id} takes an {act.role.value}",
                "attention",
            )
            return
        try:
            proposal = propose(act_id, self.grid.chosen, picture.snapshot, picture.present)
        except NothingToDo as why:
            self.say(str(why), "attention")
            return
        self.grid.pin()
        self._open(proposal)

    def _open(self, proposal: Proposal) -> None:
        from console.tui.dialog import Dialog

        self._dialog = Dialog(
            proposal, self._source, self._newest, self.palette, zone=self._zone, done=self._close
        )
        self.mount(self._dialog)

    def _newest(self) -> Snapshot:
        snapshot = self._link.snapshot
        assert snapshot is not None, "a dialog opens only after a reading"
        return snapshot

    def _close(self, answer: "CommandAnswer | None") -> None:
        from console.tui.consequence import end_time

        if self._dialog is None:
            return
        on_its_way = self._dialog.view.applying
        self._dialog.remove()
        self._dialog = None
        if answer is None and on_its_way:
            self.say("left before the answer came: the audit tells what is in force", "attention")
            return
        if answer is None:
            self.say("nothing was changed")
            return
        until = ""
        if answer.until:
            until = f" until {end_time(answer.until, self._zone, self._newest().at_us)}"
        field = short_field(answer.field or "")
        what = f"{answer.subject.removeprefix('project:')} {field}".rstrip()
        text = f"done: {what} {grouped(answer.before)} → {grouped(answer.after)}{until}"
        if answer.recorded:
            self.say(text, "normal")
        else:
            self.say(f"in force, NOT recorded: {text}", "trouble")
