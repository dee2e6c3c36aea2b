"""What the columns of projects and targets are made of: marks, names, states' words, bars."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from quotadeck.domain.snapshot import LimitedRow, RouteRow
from quotadeck.domain.state import AT_REST, StateKind, Urgency
from quotadeck.tui.kit.fit import bar
from quotadeck.tui.kit.spans import Span
from quotadeck.tui.present import MINUTE_US, Present
from quotadeck.words import text
from quotadeck.words.states import words_of

if TYPE_CHECKING:
    from quotadeck.domain.series import Series

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
    series: Mapping[str, "Series"] = field(default_factory=dict)
    """What passed of a subject lately, by its text."""

    def picked(self, *, chosen: bool, marked: bool) -> "At":
        """The same for the chosen row, or a marked one."""
        return replace(self, chosen=chosen, marked=marked)

    def stamp(self, row: object) -> object:
        """What a row's line depends on beside the row: the time counts where something holds."""
        lively = getattr(row, "state", None) is not AT_REST or bool(getattr(row, "changes", ()))
        tick = self.now.now_ms // (1_000 if lively else 10_000)
        counted = min(self.now.counting_us, MINUTE_US)
        return tick, self.now.live, self.now.lacks, self.routes, self.series, counted

    def quiet(self, role: str) -> str:
        """The role, or dim where readings are late."""
        return role if self.now.live else "dim"


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
    if row.state is AT_REST:
        return text("state.ok")
    return words_of(row.state, at.now.now_ms, at.now.now_us).word


def gauge(share: float | None, at: At, cells: int) -> Span:
    """A bar; blank where there is no limit."""
    if share is None:
        return Span(" " * cells)
    role = "trouble" if share >= TROUBLE_AT else "attention" if share >= ATTENTION_AT else "normal"
    return Span(bar(share, cells, hollow=not at.now.live), "bar " + at.quiet(role))
