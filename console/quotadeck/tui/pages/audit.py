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
from quotadeck.tui.columns.audit import AUDIT, EntryContext, did, one_a_change
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.listpage import ListPage
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.link import Picture
from quotadeck.words import say, text
from quotadeck.words.commands import reason, refusal
from quotadeck.words.times import local

if TYPE_CHECKING:
    from quotadeck.tui.change.propose import Proposal

PAGE: Final = 100
SOUGHT: Final = 2_000
"""So many entries are gone through for what a filter seeks, before the cursor asks for more."""


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
        rows, counts = one_a_change(told)
        at = EntryContext(zone, counts=counts)
        self.seen = self.filter.of(rows, AUDIT, at, lambda row: bool(row.entry.refused))
        self.entries.hold(self.seen.rows)
        nothing = self.filter.text and not self.entries.rows
        empty = self.filter.nothing(self.keys.shown("opened.back"), width) if nothing else ()
        self.entries.paint(laid_out(AUDIT, width), at, titled=True, empty=empty)
        self._title.show([crop(self._title_spans(), width)])
        chosen = self.entries.chosen
        words = entry_words(chosen, zone, self._subjects(chosen)) if chosen else ("", "")
        self._words.show([crop([Span(line, "normal")], width) for line in words])
        self.draw_foot()
        few = len(self.entries.rows) < self.entries.page
        if self.filter.text and few and not self._problem and len(self._rows) < SOUGHT:
            self._read_on()

    def _title_spans(self) -> list[Span]:
        place = self.entries.place if self.entries.rows else ""
        more = "+" if place and self.filter.text and self._before is not None else ""
        name = f" {self.whole.name}" if self.whole else ""
        spans = [Span(text("place.audit") + name, "strong"), Span(f"  {place}{more}  ", "dim")]
        if self.filter.text and not self.filter.typing:
            spans.append(Span(f"/{self.filter.text}  ", "key"))
            if self.seen.hidden:
                spans.append(Span(text("filter.hides", count=self.seen.hidden) + "  ", "dim"))
        return [*spans, Span(self._problem, "attention")]

    def _subjects(self, chosen: AuditRow) -> str:
        """Whom the change of the chosen entry is about: all of those that have been read."""
        group = chosen.entry.group
        rows = [row for row in self._rows if group and row.entry.group == group] or [chosen]
        return ", ".join(dict.fromkeys(str(row.entry.subject) for row in reversed(rows)))

    def move(self, by: int) -> None:
        super().move(by)
        self._read_on()

    def _read_on(self) -> None:
        """Read more where the cursor nears the end."""
        near = self.entries.index >= len(self.entries.rows) - PAGE // 4
        if self._before is not None and near:
            self._more()

    def draw_foot(self, line: Line | None = None) -> None:
        if self.filter.typing:
            width = self.size.width
            line = self.filter.foot(self.seen, self._place, self.keys, self.may, width)
        Page.draw_foot(self, line)

    def do_back(self) -> None:
        if self.filter.text:
            self.do_clear()
        else:
            super().do_back()

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


def entry_words(row: AuditRow, zone: tzinfo | None, about: str) -> tuple[str, str]:
    """The chosen entry in full, ``about`` whom it is, and its reason, or why it was refused."""
    entry = row.entry
    kind = "in_force" if row.in_force else "refused" if entry.refused else "over"
    told = text(f"entry.{kind}", seq=entry.seq, subject=about, did=did(entry, zone))
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
