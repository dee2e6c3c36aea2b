"""What happened: when, of what kind, whose, and what; an effect under its change; days apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from quotadeck.domain.happenings import Happening, HappeningKind
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit, fit_middle
from quotadeck.tui.kit.spans import Span
from quotadeck.words import text
from quotadeck.words.happenings import MARKS, effect, what, who
from quotadeck.words.times import day_time, local


@dataclass(frozen=True, slots=True)
class TimelineAt:
    """What a line is seen at."""

    now_us: int
    zone: tzinfo | None
    chosen: bool = False

    def picked(self, *, chosen: bool, marked: bool) -> "TimelineAt":  # noqa: ARG002 nothing to mark
        """The same for the chosen line."""
        return replace(self, chosen=chosen)

    def instant(self, at_us: int) -> str:
        """Within a sentence: with the day where it is not today."""
        return day_time(at_us, self.now_us, self.zone)


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A line: something that happened, its effect, or the beginning of a day (``day``)."""

    id: str
    at_us: int
    it: Happening | None = None
    day: str = ""
    is_effect: bool = False


def timeline_rows(told: Iterable[Happening], at: TimelineAt) -> list[TimelineRow]:
    """The lines of what happened, the newest first; above a day that is not today its name."""
    rows: list[TimelineRow] = []
    before = local(at.now_us, at.zone).date()
    for one in told:
        day = local(one.at_us, at.zone).date()
        if day != before:
            before = day
            named = _day_name(one.at_us, at)
            rows.append(TimelineRow(f"day {day}", one.at_us, day=named))
        rows.append(TimelineRow(one.id, one.at_us, one))
        if one.effects:
            rows.append(TimelineRow(f"{one.id} effect", one.at_us, one, is_effect=True))
    return rows


def _day_name(at_us: int, at: TimelineAt) -> str:
    then, now = local(at_us, at.zone), local(at.now_us, at.zone)
    day = f"{then:%a} {then.day} {then:%b}" + ("" if then.year == now.year else f" {then.year}")
    if (now.date() - then.date()).days == 1:
        return text("timeline.yesterday", day=day)
    return day


_ROLES: Final = {
    HappeningKind.ALARM: "trouble",
    HappeningKind.REFUSED: "attention",
    HappeningKind.INCIDENT: "attention",
    HappeningKind.CHANGE: "key",
    HappeningKind.NOTE: "key",
}
_Column = Column[TimelineRow, TimelineAt]


def _when(row: TimelineRow, at: TimelineAt) -> str:
    return f"{local(row.at_us, at.zone):%H:%M:%S}" if row.it and not row.is_effect else ""


def _draw_when(row: TimelineRow, at: TimelineAt, cells: int) -> Sequence[Span]:
    return (Span("─" * cells if row.it is None else fit(_when(row, at), cells), "dim"),)


def _mark(row: TimelineRow, _: object) -> str:
    if row.it is None:
        return "─"
    return " " if row.is_effect else MARKS[row.it.kind]


def _mark_role(row: TimelineRow, _: object) -> str:
    return _ROLES.get(row.it.kind, "normal") if row.it else "dim"


def _who(row: TimelineRow, _: object) -> str:
    if row.it is None:
        return ""
    return text("timeline.effect") if row.is_effect else who(row.it)


def _draw_who(row: TimelineRow, at: TimelineAt, cells: int) -> Sequence[Span]:
    role = "chosen" if at.chosen else "dim" if row.is_effect else "normal"
    if row.it is None:
        return (Span("─" * cells, "chosen" if at.chosen else "dim"),)
    return (Span(fit(fit_middle(_who(row, at), cells), cells), role),)


def _what(row: TimelineRow, at: TimelineAt) -> str:
    if row.it is None:
        return row.day
    return effect(row.it, at.instant) if row.is_effect else what(row.it, at.instant)


def _draw_what(row: TimelineRow, at: TimelineAt, cells: int) -> Sequence[Span]:
    if row.it is None:
        return (Span(fit(f"{row.day} {'─' * cells}", cells).replace("…", "─"), "dim"),)
    over = row.it.kind in (HappeningKind.ENDED, HappeningKind.RAN_OUT)
    return (Span(fit(_what(row, at), cells), "dim" if over else "normal"),)


TIMELINE: Final[tuple[_Column, ...]] = (
    _Column("cursor", lambda _, at: "▸" if at.chosen else " ", lambda *_: "key", cells=1,
            gap=False),
    _Column("when", _when, draw=_draw_when, cells=8, gap=False),
    _Column("mark", _mark, _mark_role, seek=lambda row, _: row.it.kind if row.it else "",
            cells=1),
    _Column("who", _who, draw=_draw_who, seek=_who, cells=9, share=6),
    _Column("what", _what, draw=_draw_what, seek=_what, cells=1, rest=True),
)  # fmt: skip
