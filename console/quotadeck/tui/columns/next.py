"""What happens next to a row by itself, and when: money anew, an end of a change, no money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from quotadeck.domain.snapshot import LimitedRow, ProjectRow
from quotadeck.domain.state import StateKind
from quotadeck.tui.columns.parts import At
from quotadeck.tui.forecast import is_soon, project_gone_us
from quotadeck.tui.in_force import forced_route
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.spans import Span
from quotadeck.words import text
from quotadeck.words.numbers import NONE
from quotadeck.words.times import clock_time, local


@dataclass(frozen=True, slots=True)
class Next:
    """``kind`` is the sentence of what happens at ``at_us``."""

    kind: str
    at_us: int


def next_of(row: LimitedRow, at: At) -> Next | None:
    """What comes first; of spent money, when there is some again."""
    if isinstance(row, ProjectRow) and row.state.held(StateKind.SPENT):
        return Next("next.anew", row.budget.ends_us)
    ends = [change.until_us for change in row.changes if change.until_us is not None]
    ends += [held.until_us for held in (row.state, *row.state.others) if held.until_us is not None]
    route = forced_route(row, at.routes)
    ends += [change.until_us for change in route.changes if change.until_us] if route else []
    coming = [Next("next.ends", min(ends))] if ends else []
    gone_us = project_gone_us(row, at.now) if isinstance(row, ProjectRow) else None
    if gone_us is not None:
        coming.append(Next("next.gone", gone_us))
    return min(coming, key=lambda one: one.at_us, default=None)


def next_text(row: LimitedRow, at: At) -> str:
    """In full, as the help and the filter have it."""
    coming = next_of(row, at)
    return (
        text(coming.kind, at=day_and_time(coming.at_us, at.now.now_us, at.zone)) if coming else NONE
    )


def next_spans(row: LimitedRow, at: At, cells: int) -> Sequence[Span]:
    """What and when, with its day where that is not today; the day alone where both do not fit."""
    coming = next_of(row, at)
    if coming is None:
        return [Span(fit(NONE, cells, right=True), "dim")]
    role = "attention" if coming.kind == "next.gone" and is_soon(coming.at_us, at.now) else "normal"
    said = next_text(row, at)
    if cell_len(said) > cells:
        said = text(
            coming.kind, at=day_and_time(coming.at_us, at.now.now_us, at.zone).rpartition(" ")[0]
        )
    return [Span(fit(said, cells, right=True), at.quiet(role))]


def day_and_time(at_us: int, now_us: int, zone: tzinfo | None) -> str:
    """``03:44``; with its day where that is not today. The midnight that ends today is today's."""
    then, today = local(at_us, zone), local(now_us, zone)
    if local(at_us - 1, zone).date() == today.date():
        return clock_time(at_us, zone)
    near = (then.date() - today.date()).days < 7
    return f"{then:%a %H:%M}" if near else f"{then.day} {then:%b %H:%M}"
