"""The entries of the audit: in force or refused, when, who, what, on what."""

from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from quotadeck.domain import commands
from quotadeck.domain.answers import AuditRow
from quotadeck.domain.text import clean
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit, fit_middle
from quotadeck.tui.kit.spans import Span
from quotadeck.words import text
from quotadeck.words.commands import field_word, reason, value
from quotadeck.words.times import local


@dataclass(frozen=True, slots=True)
class EntryContext:
    """What an entry is seen at."""

    zone: tzinfo | None
    chosen: bool = False

    def picked(self, *, chosen: bool, marked: bool) -> "EntryContext":  # noqa: ARG002 nothing to mark
        """The same for the chosen entry."""
        return replace(self, chosen=chosen)


def did(entry: commands.Entry, zone: tzinfo | None) -> str:
    """``rpm 20 → 40 until 03:49``, ``pause``: what an entry did."""
    until = local(entry.until_us, zone).strftime("%H:%M") if entry.until_us else ""
    if entry.refused or entry.idle:
        asked = "" if entry.value is None else value(entry.field, entry.value)
        field = entry.field or ""
        return text("entry.asked", action=entry.action, field=field, asked=asked, until=until)
    field = entry.field or entry.action
    before, after = value(entry.field, entry.before), value(entry.field, entry.after)
    return text("entry.did", field=field, before=before, after=after, until=until)


def _mark(row: AuditRow, _at: EntryContext) -> str:
    return "●" if row.in_force else "✗" if row.entry.refused else " "


def _mark_role(row: AuditRow, _at: EntryContext) -> str:
    return "key" if row.in_force else "trouble" if row.entry.refused else "dim"


def _text(row: AuditRow, _at: EntryContext) -> str:
    return "dim" if row.entry.refused else "normal"


def _name(row: AuditRow, _at: EntryContext) -> str:
    return clean(row.entry.subject.name)


def _subject(row: AuditRow, at: EntryContext, cells: int) -> tuple[Span]:
    name = fit(fit_middle(_name(row, at), cells), cells)
    return (Span(name, "chosen" if at.chosen else _text(row, at)),)


def _when(row: AuditRow, at: EntryContext) -> str:
    return local(row.entry.at_us, at.zone).strftime("%d %b %H:%M")


_Column = Column[AuditRow, EntryContext]

AUDIT: Final[tuple[_Column, ...]] = (
    _Column("mark", _mark, _mark_role, cells=1, gap=False),
    _Column("cursor", lambda _, at: "▸" if at.chosen else " ", lambda *_: "key", cells=1,
            gap=False),
    _Column("when", _when, lambda *_: "dim", titles=("at",), sort=lambda row, _: -row.entry.seq,
            cells=12,
            gap=False),
    _Column("actor", lambda row, _: clean(row.entry.actor), _text, titles=("who",), cells=10),
    _Column("action", lambda row, _: field_word(row.entry.action), _text, titles=("did",), cells=9),
    _Column("subject", _name, draw=_subject, titles=("of whom",), cells=15, steps=((3, 10),)),
    _Column("what", lambda row, at: clean(did(row.entry, at.zone)), _text,
            titles=("before → after",), cells=1, steps=((1, 29),), rest=True),
    _Column("reason", lambda row, _: clean(reason(row.entry)), lambda *_: "dim",
            titles=("why",), steps=((2, 18),), rest=True),
)  # fmt: skip
