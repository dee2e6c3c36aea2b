"""The entries of the audit: in force or refused, when, who, what, on what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Final

from quotadeck.domain import commands
from quotadeck.domain.answers import AuditRow
from quotadeck.domain.text import clean
from quotadeck.domain.verbs import VERBS
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import cell_len, fit, fit_middle
from quotadeck.tui.kit.spans import Span
from quotadeck.words import text
from quotadeck.words.commands import field_word, reason, refusal, value
from quotadeck.words.times import local


@dataclass(frozen=True, slots=True)
class EntryContext:
    """What an entry is seen at."""

    zone: tzinfo | None
    chosen: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many entries of one change stand on one line, by its group."""

    def picked(self, *, chosen: bool, marked: bool) -> "EntryContext":  # noqa: ARG002 nothing to mark
        """The same for the chosen entry."""
        return replace(self, chosen=chosen)


def did(entry: commands.Entry, zone: tzinfo | None, asked_for: str = "entry.asked") -> str:
    """``rpm 20 → 40 until 03:49``, ``pause``: what an entry did."""
    until = local(entry.until_us, zone).strftime("%H:%M") if entry.until_us else ""
    if entry.refused or entry.idle:
        asked = "" if entry.value is None else value(entry.field, entry.value)
        about = entry.field or ""
        return text(asked_for, action=entry.action, field=about, asked=asked, until=until)
    about = entry.field or entry.action
    before, after = value(entry.field, entry.before), value(entry.field, entry.after)
    return text("entry.did", field=about, before=before, after=after, until=until)


def in_force(row: AuditRow) -> bool:
    """Whether there is something to take back: a note or a key's own entry stands for ever."""
    verb = VERBS.get(row.entry.action)
    return row.in_force and (verb is None or verb.undoable)


def one_a_change(rows: Iterable[AuditRow]) -> tuple[list[AuditRow], dict[str, int]]:
    """The first seen of each change, and how many entries those of several have."""
    found: dict[tuple[str, bool], AuditRow] = {}
    counts: dict[str, int] = {}
    for row in rows:
        entry = row.entry
        found.setdefault((entry.group or entry.id, bool(entry.refused)), row)
        if entry.group:
            counts[entry.group] = counts.get(entry.group, 0) + 1
    return list(found.values()), {group: count for group, count in counts.items() if count > 1}


def _mark(row: AuditRow, _at: EntryContext) -> str:
    return "●" if in_force(row) else "✗" if row.entry.refused else " "


def _mark_role(row: AuditRow, _at: EntryContext) -> str:
    return "key" if in_force(row) else "trouble" if row.entry.refused else "dim"


def _text(row: AuditRow, _at: EntryContext) -> str:
    return "dim" if row.entry.refused else "normal"


def _name(row: AuditRow, _at: EntryContext) -> str:
    return clean(row.entry.subject.name)


def _actor(row: AuditRow, _at: EntryContext) -> str:
    return clean(row.entry.actor)


def _draw_actor(row: AuditRow, at: EntryContext, cells: int) -> tuple[Span]:
    """Two that differ only at the end are told apart."""
    return (Span(fit(fit_middle(_actor(row, at), cells), cells), _text(row, at)),)


def _subject(row: AuditRow, at: EntryContext, cells: int) -> tuple[Span]:
    count = at.counts.get(row.entry.group, 0) if row.entry.group else 0
    times = f" ×{count}" if count else ""
    name = fit(fit_middle(_name(row, at), cells - len(times)) + times, cells)
    return (Span(name, "chosen" if at.chosen else _text(row, at)),)


def _when(row: AuditRow, at: EntryContext) -> str:
    return local(row.entry.at_us, at.zone).strftime("%d %b %H:%M")


def _what(row: AuditRow, at: EntryContext) -> str:
    return clean(did(row.entry, at.zone, "entry.asked.short"))


def _draw_what(row: AuditRow, at: EntryContext, cells: int) -> tuple[Span]:
    """Nothing of it is cut: half of a limit is another limit. Below the list it stands whole."""
    entry = row.entry
    told = [_what(row, at)]
    if not (entry.refused or entry.idle):
        told.append(clean(did(replace(entry, until_us=None), at.zone)))
        told.append(clean(f"→ {value(entry.field, entry.after)}"))
    fits = next((one for one in told if cell_len(one) <= cells), "…")
    return (Span(fit(fits, cells), _text(row, at)),)


def _why(row: AuditRow, at: EntryContext) -> str:
    """The reason, or why it was refused."""
    entry = row.entry
    if not entry.refused:
        return clean(reason(entry))
    return clean(refusal(entry.refused, lambda us: local(us, at.zone).strftime("%d %b %H:%M")))


_Column = Column[AuditRow, EntryContext]

AUDIT: Final[tuple[_Column, ...]] = (
    _Column("mark", _mark, _mark_role, cells=1, gap=False),
    _Column("cursor", lambda _, at: "▸" if at.chosen else " ", lambda *_: "key", cells=1,
            gap=False),
    _Column("when", _when, lambda *_: "dim", titles=("at",), sort=lambda row, _: -row.entry.seq,
            cells=12,
            gap=False),
    _Column("actor", _actor, draw=_draw_actor, titles=("who",), seek=_actor, cells=10,
            steps=((4, 6), (5, 8))),
    _Column("action", lambda row, _: field_word(row.entry.action), _text, titles=("did",),
            seek=lambda row, _: field_word(row.entry.action), cells=9),
    _Column("subject", _name, draw=_subject, titles=("of whom",), seek=_name, cells=15,
            steps=((3, 10),)),
    _Column("what", _what, _text, titles=("before → after",), draw=_draw_what, seek=_what,
            cells=1, steps=((1, 29),), rest=True),
    _Column("reason", _why, lambda *_: "dim", titles=("why",), seek=_why,
            steps=((2, 18),), rest=True),
)  # fmt: skip
