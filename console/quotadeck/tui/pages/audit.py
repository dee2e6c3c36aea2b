"""The audit: who changed what, why, and whether it is in force; newest first."""

from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from quotadeck.domain.days import micros
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.sources.base import SourceError
from quotadeck.tui.change.page import Changing
from quotadeck.tui.figures import grouped, local
from quotadeck.tui.frame import keys_line, note_line
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.kit.fit import fit, fit_middle
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import Context
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.link import Picture
from quotadeck.tui.state import short_field

if TYPE_CHECKING:
    from quotadeck.sources import AuditRow
    from quotadeck.tui.change.propose import Proposal

PAGE: Final = 100


class Audit(Changing):
    """The command log as a list; more is read when the cursor nears its end."""

    DEFAULT_CSS = "#title, #keys { height: 1; } #chosen { height: 2; }"

    def __init__(self, context: Context) -> None:
        super().__init__("audit", context)
        theme = context.theme
        self._zone = context.zone
        self._rows: list[AuditRow] = []
        self._before: int | None = None
        self._reading = False
        self._problem = "reading …"
        self._title = Lines(theme, id="title")
        self.entries: Grid[AuditRow] = Grid(theme, id="entries")
        self._words = Lines(theme, id="chosen")
        self._keys = Lines(theme, id="keys")

    def compose(self) -> ComposeResult:
        yield from (self._title, self.entries, self._words, self._keys)

    def on_mount(self) -> None:
        self.draw()
        self._more()

    def _more(self) -> None:
        if not self._reading:
            self._reading = True
            self.run_worker(self._read())

    async def _read(self) -> None:
        try:
            page = await self.context.source.audit(limit=PAGE, before_seq=self._before)
        except SourceError as problem:
            self._problem = str(problem)
        else:
            self._rows = [*self._rows, *page.rows]
            self._before = page.next_before_seq
            self._problem = "" if self._rows else "nothing was ever changed"
            self._reading = self._before is None
        if self._problem:
            self._reading = False
        self.draw()

    def draw(self) -> None:
        width = self.size.width
        self.entries.set_height(max(1, self.size.height - 4))
        self.entries.fill(
            self._rows, [], lambda row, chosen: audit_line(row, self._zone, width, chosen=chosen)
        )
        self._title.show(
            [crop([Span("audit", "strong"), Span(f"  {self.entries.place if self._rows else ''}  ",
                   "dim"), Span(self._problem, "attention")], width)]
        )  # fmt: skip
        chosen = self.entries.chosen
        words = audit_words(chosen, self._zone) if chosen else ("", "")
        self._words.show([crop([Span(text, "normal")], width) for text in words])
        acts, note = self.keys.at("audit"), self.note
        if self.modal is not None:
            line = crop([], width)  # it has keys of its own
        elif note.text:
            line = note_line(note.text, note.role, acts, width)
        else:
            line = keys_line(acts, width)
        self._keys.show([line])

    @property
    def window(self) -> int:
        return self.entries.page

    def move(self, by: int) -> None:
        self.entries.move(by)
        self.draw()
        if self._before is not None and self.entries.index >= len(self._rows) - PAGE // 4:
            self._more()

    def proposal(self, _act: Act, picture: Picture, /) -> "Proposal":
        from quotadeck.tui.change.undo import undo_of_entry

        chosen = self.entries.chosen
        if chosen is None:
            raise NothingToDo("no entry is chosen")
        return undo_of_entry(chosen, self._zone, picture.present.now_us)

    def changed(self) -> None:
        self._rows, self._before, self._reading = [], None, False
        self._more()


def audit_what(row: "AuditRow") -> str:
    """``rpm 20 → 40``, ``paused``: what an entry did."""
    if row.before or row.after:
        what = short_field(row.field or row.action)
        return f"{what} {grouped(row.before)} → {grouped(row.after)}"
    return row.action


def audit_line(row: "AuditRow", zone: tzinfo | None, width: int, *, chosen: bool) -> Line:
    """An entry: in force or refused, when, who, what, on what."""
    mark, role = (
        ("●", "key") if row.in_force else ("✗", "trouble") if not row.applied else (" ", "dim")
    )
    name = clean(Subject.parse(row.subject).name)
    when = local(micros(row.at), zone).strftime("%d %b %H:%M")
    text, of = "dim" if not row.applied else "normal", max(16, width // 4)
    return crop(
        [
            Span(mark, role), Span("▸" if chosen else " ", "key"), Span(when + " ", "dim"),
            Span(fit(clean(row.actor), 10), text), Span(" "), Span(fit(row.action, 9), text),
            Span(fit(fit_middle(name, of), of), "chosen" if chosen else text), Span(" "),
            Span(clean(audit_what(row)) + _ends(row, zone), text),
        ],
        width,
    )  # fmt: skip


def _ends(row: "AuditRow", zone: tzinfo | None) -> str:
    return f" until {local(micros(row.until), zone).strftime('%H:%M')}" if row.until else ""


def audit_words(row: "AuditRow", zone: tzinfo | None) -> tuple[str, str]:
    """The chosen entry in full, and its reason, or why it was refused."""
    state = "in force" if row.in_force else "no longer in force" if row.applied else "refused"
    what = f"#{row.seq} {state}: {row.subject} {audit_what(row)}{_ends(row, zone)}"
    why = row.error if not row.applied else row.reason or "no reason given"
    return clean(what, 400), clean(f"{row.actor} as {row.role.value} ({row.origin}): {why}", 400)
