"""The entries of the audit: in force or refused, when, who, what, on what."""

from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from quotadeck.domain.days import micros
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.tui.in_force import short_field
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit, fit_middle
from quotadeck.tui.kit.spans import Span
from quotadeck.words.numbers import grouped
from quotadeck.words.times import local

if TYPE_CHECKING:
    from quotadeck.sources import AuditRow


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry is seen at."""

    zone: tzinfo | None
    chosen: bool = False

    def picked(self, *, chosen: bool, marked: bool) -> "Entry":  # noqa: ARG002 nothing to mark
        """The same for the chosen entry."""
        return replace(self, chosen=chosen) if chosen else self


def what(row: "AuditRow") -> str:
    """``rpm 20 → 40``, ``paused``: what an entry did."""
    if row.before or row.after:
        field = short_field(row.field or row.action)
        return f"{field} {grouped(row.before)} → {grouped(row.after)}"
    return row.action


def ends(row: "AuditRow", zone: tzinfo | None) -> str:
    """``until 03:49``, with a blank before it; empty for what stands."""
    return f" until {local(micros(row.until), zone).strftime('%H:%M')}" if row.until else ""


def _mark(row: "AuditRow", _at: Entry) -> str:
    return "●" if row.in_force else " " if row.applied else "✗"


def _mark_role(row: "AuditRow", _at: Entry) -> str:
    return "key" if row.in_force else "dim" if row.applied else "trouble"


def _text(row: "AuditRow", _at: Entry) -> str:
    return "normal" if row.applied else "dim"


def _name(row: "AuditRow", _at: Entry) -> str:
    return clean(Subject.parse(row.subject).name)


def _subject(row: "AuditRow", at: Entry, cells: int) -> tuple[Span]:
    name = fit(fit_middle(_name(row, at), cells), cells)
    return (Span(name, "chosen" if at.chosen else _text(row, at)),)


def _when(row: "AuditRow", at: Entry) -> str:
    return local(micros(row.at), at.zone).strftime("%d %b %H:%M")


_Column = Column["AuditRow", Entry]

AUDIT: Final[tuple[_Column, ...]] = (
    _Column("mark", _mark, _mark_role, cells=1, gap=False),
    _Column("cursor", lambda _, at: "▸" if at.chosen else " ", lambda *_: "key", cells=1,
            gap=False),
    _Column("when", _when, lambda *_: "dim", sort=lambda row, _: -row.seq, cells=12, gap=False),
    _Column("actor", lambda row, _: clean(row.actor), _text, cells=10),
    _Column("action", lambda row, _: row.action, _text, cells=9),
    _Column("subject", _name, draw=_subject, cells=16, share=4, gap=False),
    _Column("what", lambda row, at: clean(what(row)) + ends(row, at.zone), _text, cells=1,
            rest=True),
)  # fmt: skip
