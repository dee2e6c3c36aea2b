"""A span of time as a post-mortem wants it: who was in trouble and until when, what was done, what
it cost. Values; `quotadeck.words.report` words them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.answers import AuditRow
from quotadeck.domain.snapshot import Event
from quotadeck.domain.state import StateKind
from quotadeck.domain.state_change import TROUBLES
from quotadeck.domain.subject import Subject

MOST: Final = 2_000
"""Of each list; what is beyond is counted in ``left_out``."""
CAUSES: Final = 3
"""The most frequent causes of refusals that are told of a project."""
ALARMS: Final = frozenset({*TROUBLES, StateKind.THROTTLED})
"""The kinds of states that are alarms, where they were trouble."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A trouble of a subject, from its beginning to its end; None while it lasts.

    ``count`` of ``asked`` is as it was when it ended, or began where it lasts.
    """

    subject: Subject
    kind: str
    cause: str
    who: str
    began_us: int
    ended_us: int | None
    count: int = 0
    asked: int = 0


@dataclass(frozen=True, slots=True)
class AlarmsPage:
    """In the order in which they began."""

    rows: tuple[Alarm, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """What passed of one project, or of one model, in the span. ``asked`` includes the refused;
    ``causes`` are those of the refusals, the most frequent first, and all others under an empty
    word. ``unpriced`` calls have a price that nobody knows: what they cost is not in the sum, or as
    what was held for it.
    """

    name: str
    asked: int
    refused: int
    failed: int
    cost_nano: int
    causes: Mapping[str, int]
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Down:
    """The gateway was not running: from its last sign of life to its start."""

    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Report:
    """All of a span. ``sums_since_us`` and ``sums_until_us`` are whole minutes, or hours where the
    minutes are gone: what the sums cover."""

    name: str
    since_us: int
    until_us: int
    made_us: int
    sums_since_us: int
    sums_until_us: int
    projects: tuple[Passage, ...]
    """Of those that asked for anything; the most refused first."""
    models: tuple[Passage, ...]
    alarms: tuple[Alarm, ...]
    commands: tuple[AuditRow, ...]
    """Oldest first; refused ones too."""
    events: tuple[Event, ...]
    """Oldest first: alarms of budgets and upstreams, effects of commands, notes."""
    down: tuple[Down, ...]
    left_out: int = 0
    """Alarms, commands and events beyond the `MOST` of each."""

    @property
    def asked(self) -> int:
        return sum(one.asked for one in self.projects)

    @property
    def refused(self) -> int:
        return sum(one.refused for one in self.projects)

    @property
    def failed(self) -> int:
        return sum(one.failed for one in self.projects)

    @property
    def cost_nano(self) -> int:
        return sum(one.cost_nano for one in self.projects)

    @property
    def unpriced(self) -> int:
        return sum(one.unpriced for one in self.projects)
