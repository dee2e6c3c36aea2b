"""What the columns of projects and targets are made of: marks, states, and uses with their bars."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from quotadeck.domain.commands import Field
from quotadeck.domain.snapshot import LimitedRow, RouteRow, limit_on, used_on
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.tui.in_force import in_force
from quotadeck.tui.kit.fit import bar, cell_len, cut, fit
from quotadeck.tui.kit.spans import GAP, Span
from quotadeck.tui.present import Present
from quotadeck.words.numbers import short
from quotadeck.words.states import cleared_short, words_of

ATTENTION_AT: Final = 0.8
TROUBLE_AT: Final = 0.97


@dataclass(frozen=True, slots=True)
class At:
    """What a row is seen at: the reader's present, the routes; whether it is chosen, or marked."""

    now: Present
    routes: Mapping[str, RouteRow]
    zone: tzinfo | None
    chosen: bool = False
    marked: bool = False

    def picked(self, *, chosen: bool, marked: bool) -> "At":
        """The same for the chosen row, or a marked one."""
        return replace(self, chosen=chosen, marked=marked)

    def quiet(self, role: str) -> str:
        """The role, or dim where readings are late."""
        return role if self.now.live else "dim"


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of so many a minute, as a column shows it."""

    id: str

    def taken(self, row: LimitedRow) -> int:
        """In the last 60 s."""
        return used_on(row, self.id)

    def share(self, row: LimitedRow) -> float | None:
        """What is taken of the limit, from 0 to 1; None where there is no limit."""
        limit = limit_on(row, self.id)
        return None if limit is None else min(1.0, limit.used / limit.limit)


RATES: Final = (Rate(Field.RPM), Rate(Field.TPM))


def mark(row: LimitedRow, at: At) -> str:
    return words_of(row.state, at.now.now_ms, at.now.now_us).mark


def mark_role(row: LimitedRow, at: At) -> str:
    return at.quiet("attention" if row.state.kind is StateKind.PAUSED else urgency_role(row))


def urgency_role(row: LimitedRow) -> str:
    return "normal" if row.state.urgency is Urgency.CALM else row.state.urgency.value


def name_role(row: LimitedRow, at: At) -> str:
    if at.chosen:
        return "chosen"
    return at.quiet("strong" if row.state.urgency is Urgency.TROUBLE else "normal")


def state_word(row: LimitedRow, at: At) -> str:
    return words_of(row.state, at.now.now_ms, at.now.now_us).word


def state_spans(row: LimitedRow, at: At, width: int) -> list[Span]:
    """Word and time apart, so that a growing age sends only itself; then what stands beside it."""
    state, force = row.state, in_force(row, at.routes, at.now)
    role = at.quiet("dim" if state.urgency is Urgency.CALM else urgency_role(row))
    word, when = words_of(state, at.now.now_ms, at.now.now_us).fitted(width)
    spans = [Span(cut(word, width), role)]
    if when:
        spans += [GAP, Span(when, role)]
    room = width - sum(cell_len(span.text) for span in spans)
    for beside in (force.text, force.word, cleared_short(state, at.now.now_ms)):
        if beside and cell_len(beside) < room:
            spans += [GAP, Span(beside, at.quiet("attention" if force.word else "dim"))]
            room -= 1 + cell_len(beside)
            break
    return [*spans, Span(" " * room)] if room else spans


def gauge(share: float | None, at: At, cells: int) -> Span:
    """A bar; blank where there is no limit."""
    if share is None:
        return Span(" " * cells)
    role = "trouble" if share >= TROUBLE_AT else "attention" if share >= ATTENTION_AT else "normal"
    return Span(bar(share, cells, hollow=not at.now.live), "bar " + at.quiet(role))


def used(
    rate: Rate, row: LimitedRow, at: At, bar_cells: int, cells: int, *, of: bool
) -> list[Span]:
    """The bar of what was taken in 60 s, and its number in ``cells``; with its limit if ``of``."""
    limit, taken = limit_on(row, rate.id), rate.taken(row)
    beside = f"/{short(limit.limit)}" if limit and of else ""
    number = fit(short(taken), cells - len(beside), right=True)
    return [
        gauge(rate.share(row), at, bar_cells),
        Span(number, at.quiet("normal" if taken else "dim")),
        *([Span(beside, "dim")] if beside else []),
    ]
