"""The audit: who changed what, why, and whether it is in force; newest first."""

from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from quotadeck.domain.answers import AuditRow
from quotadeck.domain.commands import Action
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.sources.base import SourceError
from quotadeck.tui.change.page import Changing
from quotadeck.tui.columns.audit import AUDIT, EntryContext, did
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.listpage import ListPage
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Span, crop
from quotadeck.tui.link import Picture
from quotadeck.words import say, text
from quotadeck.words.commands import reason, refusal
from quotadeck.words.times import local

if TYPE_CHECKING:
    from quotadeck.tui.change.propose import Proposal

PAGE: Final = 100


def opened(context: Context, of: Page) -> "Audit":
    """All of it; from a page that is about one subject its own."""
    return Audit(context, of.whole)


class Audit(Changing, ListPage):
    """The command log as a list; more is read when the cursor nears its end."""

    DEFAULT_CSS = "#title { height: 1; } #chosen { height: 2; }"

    def __init__(self, context: Context, whole: Subject | None = None) -> None:
        self.entries: Grid[AuditRow, EntryContext] = Grid(context.theme, id="entries")
        super().__init__("audit", context, self.entries)
        self.whole = whole
        self._rows: list[AuditRow] = []
        self._before: int | None = None
        self._reading = False
        self._problem = text("audit.reading")
        self._title = Lines(context.theme, id="title")
        self._words = Lines(context.theme, id="chosen")

    def compose(self) -> ComposeResult:
        yield from (self._title, self.entries, self._words, self.foot)

    def on_mount(self) -> None:
        self.draw()
        self._more()

    def _more(self) -> None:
        if not self._reading:
            self._reading = True
            self.run_worker(self._read())

    async def _read(self) -> None:
        try:
            page = await self.context.source.audit(
                limit=PAGE, before_seq=self._before, subject=str(self.whole or "")
            )
        except SourceError as problem:
            self._problem = say(problem.told)
        else:
            self._rows = [*self._rows, *page.rows]
            self._before = page.next_before_seq
            self._problem = "" if self._rows else text("audit.empty")
            self._reading = self._before is None
        if self._problem:
            self._reading = False
        self.draw()

    def draw(self) -> None:
        width, zone = self.size.width, self.context.zone
        self.entries.set_height(max(1, self.size.height - 4))
        past_us = self.context.link.past_us
        told = (row for row in self._rows if past_us is None or row.entry.at_us <= past_us)
        self.entries.hold(list(told))
        self.entries.paint(laid_out(AUDIT, width), EntryContext(zone), titled=True)
        place = self.entries.place if self._rows else ""
        name = f" {self.whole.name}" if self.whole else ""
        title = (Span(text("place.audit") + name, "strong"), Span(f"  {place}  ", "dim"))
        self._title.show([crop([*title, Span(self._problem, "attention")], width)])
        chosen = self.entries.chosen
        words = entry_words(chosen, zone) if chosen else ("", "")
        self._words.show([crop([Span(line, "normal")], width) for line in words])
        self.draw_foot()

    def move(self, by: int) -> None:
        super().move(by)
        if self._before is not None and self.entries.index >= len(self._rows) - PAGE // 4:
            self._more()

    def proposal(self, act: Act, _picture: Picture, /) -> "Proposal":
        from quotadeck.tui.change.undo import redo_of_entry, undo_of_entry

        chosen = self.entries.chosen
        if chosen is None:
            raise NothingToDo("entry.none")
        taken = redo_of_entry if act.verb == Action.REDO else undo_of_entry
        return taken(chosen, self.context.zone)

    def changed(self) -> None:
        self._rows, self._before, self._reading = [], None, False
        self._more()


def entry_words(row: AuditRow, zone: tzinfo | None) -> tuple[str, str]:
    """The chosen entry in full, and its reason, or why it was refused."""
    entry = row.entry
    kind = "in_force" if row.in_force else "refused" if entry.refused else "over"
    told = text(f"entry.{kind}", seq=entry.seq, subject=str(entry.subject), did=did(entry, zone))
    why = reason(entry)
    if entry.refused:
        why = refusal(entry.refused, lambda at_us: local(at_us, zone).strftime("%d %b %H:%M"))
    by = text(
        "entry.why" if why else "entry.no_reason",
        actor=entry.actor,
        role=entry.role.value,
        origin=entry.origin,
        why=why,
    )
    return clean(told, 400), clean(by, 400)
