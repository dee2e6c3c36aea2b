"""The page of one project: why it is as it is, since when, and what would lift it."""

from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from quotadeck.domain.commands import Action
from quotadeck.domain.snapshot import Gap, LimitedRow, Snapshot
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.tui import terminal
from quotadeck.tui.change.page import Changing
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.link import Picture
from quotadeck.tui.pages import models
from quotadeck.tui.panes.head import PageHead
from quotadeck.tui.panes.more import more_line
from quotadeck.tui.panes.past import lacking_line
from quotadeck.tui.panes.project import Drawn, ProjectPane, drawn
from quotadeck.tui.panes.project_calls import MOST, newest_lines
from quotadeck.tui.panes.project_figures import ProjectFigures
from quotadeck.words import text

if TYPE_CHECKING:
    from quotadeck.tui.change.propose import Proposal

_NOTHING: Final = Drawn(())


def opened(context: Context, of: Page) -> Page:
    """The page of the project under the cursor; of a model, that of the models."""
    subject = of.about()
    if subject.kind in (SubjectKind.MODEL, SubjectKind.TARGET):
        return models.opened(context, of)
    if subject.kind is not SubjectKind.PROJECT:
        raise NothingToDo("project.none_here", name=subject.name)
    return Project(context, subject.name)


class Project(Changing):
    """A function of the link's picture, and of figures that are read every few seconds."""

    DEFAULT_CSS = "#body { height: 1fr; }"

    def __init__(self, context: Context, project: str) -> None:
        super().__init__("project", context)
        self.project = project
        self.whole = Subject.project(project)
        self._figures = ProjectFigures(context, project, MOST)
        self._head = PageHead(context, sums=False)
        self._body = Lines(context.theme, id="body")
        self._chosen: int | None = None
        self._top = 0
        self._drawn = _NOTHING

    def compose(self) -> ComposeResult:
        yield from (self._head, self._body, self.foot)

    def on_mount(self) -> None:
        self.pulse()

    def pulse(self) -> None:
        if self._figures.due():
            self.run_worker(self._read())
        self.draw()
        super().pulse()

    async def _read(self) -> None:
        await self._figures.read()
        self.draw()

    def draw(self) -> None:
        width = self.size.width
        if width == 0 or terminal.stalled(self.app):
            return
        picture = self.context.link.picture()
        self._head.draw(picture, width)
        if picture is not None and not picture.snapshot.knows(Gap.FLOW):
            self._drawn = Drawn((lacking_line(picture, self.context, width),))
        elif picture is not None:
            pane = self._figures.pane(picture, width, self._chosen)
            self._drawn = self._whole(pane) if pane else Drawn((self._is_gone(width),))
        lines, page = self._drawn.lines, self.window
        self._top = max(0, min(self._top, len(lines) - page))
        self._body.show(lines[self._top : self._top + page])
        self.draw_foot(
            more_line(self._top, page, len(lines), self.keys, self.place, width, self.may)
        )

    def _whole(self, pane: ProjectPane) -> Drawn:
        """The project; where lines are left over, its newest calls in them."""
        told = drawn(pane)
        room = self.window - len(told.lines)
        calls = newest_lines(self._figures.calls, pane.at, pane.width, room)
        return Drawn((*told.lines, *calls), told.cursor)

    def _is_gone(self, width: int) -> Line:
        return crop([Span(text("project.gone", name=self.project), "attention")], width)

    @property
    def window(self) -> int:
        return max(1, self.size.height - 1 - self._head.height)

    def move(self, by: int) -> None:
        """A step goes to the next cause where there is one; what is chosen is seen."""
        chosen = by - 1 if self._chosen is None and by > 0 else (self._chosen or 0) + by
        if abs(by) == 1 and 0 <= chosen < self._figures.causes:
            self._chosen = chosen
            self.draw()
            cursor = self._drawn.cursor or 0
            self._top = min(max(self._top, cursor - self.window + 1), cursor)
        else:
            self._top = max(0, min(self._top + by, len(self._drawn.lines)))
        self.draw()

    def do(self, act: Act) -> None:
        if act.opens == "call" and self._chosen is None:
            self.move(1)  # enter goes deeper: to the example of the first cause
        super().do(act)

    def chosen_row(self, snapshot: Snapshot) -> LimitedRow:
        row = next((row for row in snapshot.projects if row.id == self.project), None)
        if row is None:
            raise NothingToDo("screen.row_gone", row=self.project)
        return row

    def about(self) -> Subject:
        """The request that stands for the chosen cause; the project, where none is chosen."""
        example = self._figures.example(self._chosen)
        return Subject.parse(example) if example else Subject.project(self.project)

    def do_copy(self) -> None:
        """Copy the id of the chosen request, or of the project."""
        self.copy(self.about().name)

    def do_copy_row(self) -> None:
        """Copy the line under the cursor, or the first."""
        line = self._drawn.lines[self._drawn.cursor or 0] if self._drawn.lines else ()
        self.copy("".join(span.text for span in line).strip())

    def proposal(self, act: Act, picture: Picture, /) -> "Proposal":
        if act.verb != Action.END_LEASE:
            return super().proposal(act, picture)
        from quotadeck.tui.change.leases import ending

        return ending(self.project, self._figures.leases, self.context.zone)

    def changed(self) -> None:
        self._figures.again()
