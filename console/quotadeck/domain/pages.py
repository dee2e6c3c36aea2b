"""What a source lists: pages of what happened, as values; the audit's are in `answers`.

Instants are UTC microseconds, money is nano-dollars. A page by cursor is followed by asking for
what comes after its ``next_cursor`` (``epoch:sequence``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from quotadeck.domain.calls import Call
from quotadeck.domain.snapshot import Event


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call under its number in the store."""

    seq: int
    call: Call


@dataclass(frozen=True, slots=True)
class CallsPage:
    """Oldest first."""

    rows: tuple[CallRow, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class RollupRow:
    """Calls summed; ``period`` is the minute's RFC 3339 start, or the project's local date."""

    period: str
    project: str
    model: str
    forwarded: int
    upstream_errors: int
    client_errors: int
    unknown: int
    refused: Mapping[str, int]
    """By cause, those that occurred."""
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_nano_usd: int
    latency: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RollupsPage:
    """In the order in which they changed last."""

    rows: tuple[RollupRow, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A bucket's level in a ten-second slice: the least and the last, in its limit's unit."""

    seq: int
    at_us: int
    bucket: str
    least: int
    last: int


@dataclass(frozen=True, slots=True)
class LevelsPage:
    """Oldest first."""

    rows: tuple[LevelRow, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event under its number in the store."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Oldest first."""

    rows: tuple[EventRow, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A project key as it may be shown: never the secret, nor its hash."""

    id: str
    projects: tuple[str, ...]
    label: str
    added_at_us: int
    added_by: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Those in force, in the order in which they were added."""

    keys: tuple[KeyRow, ...]
