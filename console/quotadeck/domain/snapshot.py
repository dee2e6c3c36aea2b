"""Readings: what the console draws, as immutable values. The screen is a function of a Snapshot.

Instants are on two clocks: ``*_us`` is UTC in microseconds, ``*_ms`` the sender's monotonic clock
in milliseconds, against which the snapshot's ``now_ms`` gives an age. A row that nothing touched
is equal to the row before it, so an idle gateway has nothing to send.
"""

from dataclasses import dataclass
from enum import StrEnum

from quotadeck.domain.commands import Field, Plain, Role
from quotadeck.domain.layers import Layer
from quotadeck.domain.notice import Notice
from quotadeck.domain.state import AT_REST, State


@dataclass(frozen=True, slots=True)
class Level:
    """A rate bucket as last touched: the reader refills it to its own present.

    ``level`` and ``capacity`` are micro-units (level may be negative), ``at_ms`` the instant of the
    level on the sender's monotonic clock.
    """

    level: int
    capacity: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class LimitReading:
    """A limit in force and what is taken of it, in its own unit: requests, tokens, slots or nano-$.

    ``field`` is what sets it. ``used`` is of the last 60 s, of this moment or of today; ``held`` is
    money that requests under way hold beside it. Only a rate has a ``level``.
    """

    field: str
    limit: int
    used: int
    held: int = 0
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """Money of the project's calendar day, in nano-dollars; ``ends_us`` is its local midnight."""

    limit_nano: int | None
    spent_nano: int
    held_nano: int
    ends_us: int


@dataclass(frozen=True, slots=True)
class Flow:
    """What passed lately: figures over a window that each names. States are judged elsewhere."""

    requests_60s: int = 0
    tokens_60s: int = 0
    refused_60s: int = 0
    ended_60s: int = 0
    failed_60s: int = 0
    """Of those that ended, the upstream's fault."""
    spent_60s_nano: int = 0
    spent_10m_nano: int = 0
    p95_ms: int | None = None
    """Of the forwarded calls of the last five minutes, total time."""
    in_flight: int = 0
    unpriced_60s: int = 0
    """Of those that ended, those whose price nobody knows: not in what was spent."""


@dataclass(frozen=True, slots=True)
class Change:
    """A command in force on the row's subject: an override with its end, or a standing change.

    ``was`` is the value under it: the one that is in force again when it ends.
    """

    command_id: str
    field: str
    value: Plain | None
    was: Plain | None
    layer: Layer
    until_us: int | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProjectRow:
    id: str
    name: str
    priority: str
    version: int
    paused: bool
    limits: tuple[LimitReading, ...]
    budget: Budget
    flow: Flow
    changes: tuple[Change, ...] = ()
    models: tuple[str, ...] = ()
    """The models it asked for in the last five minutes, by name."""
    state: State = AT_REST


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target's own limits and what its upstream answers. ``id`` is upstream/model."""

    id: str
    version: int
    limits: tuple[LimitReading, ...]
    flow: Flow
    upstream_429_60s: int = 0
    changes: tuple[Change, ...] = ()
    state: State = AT_REST


LimitedRow = ProjectRow | TargetRow
"""Those that have limits."""


def limit_on(row: LimitedRow, field: str) -> LimitReading | None:
    """The row's limit of this kind; None where none is in force."""
    return next((one for one in row.limits if one.field == field), None)


def used_on(row: LimitedRow, field: str) -> int:
    """What is taken of a limit, whether one is in force or not; of money, what is spent."""
    limit = limit_on(row, field)
    if limit is not None:
        return limit.used
    if field == Field.BUDGET and isinstance(row, ProjectRow):
        return row.budget.spent_nano
    of = {Field.RPM: row.flow.requests_60s, Field.TPM: row.flow.tokens_60s}
    return of.get(Field(field), row.flow.in_flight)


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A model that clients ask for: its targets in order, and the one it is forced to."""

    id: str
    version: int
    targets: tuple[str, ...]
    serving: str
    paused: bool
    changes: tuple[Change, ...] = ()
    state: State = AT_REST


AnyRow = LimitedRow | RouteRow


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for `quotadeck.words` to word. ``subject`` may be empty."""

    id: str
    at_us: int
    subject: str
    told: Notice


@dataclass(frozen=True, slots=True)
class Vitals:
    """The gateway's own health; ``problems`` is empty when all is well."""

    name: str
    version: str
    source_id: str
    started_us: int
    problems: tuple[Notice, ...] = ()
    loop_lag_ms: int = 0
    backlog_records: int = 0
    """Journal records not yet in SQLite."""
    disk_free_percent: int = 100
    memory_mb: int = 0
    connections: int = 0
    """Of clients, rounded up to a hundredth of the most, so that calm is still."""
    connections_most: int = 0
    admin_connections: int = 0
    admin_connections_most: int = 0
    counting_since_us: int = 0
    """Since when spend is counted: the ledger's beginning. A rate has no longer past than that."""
    backup_us: int | None = None
    """When the newest backup of the ledger was made; None where there is none."""
    state: State = AT_REST
    """Whether it serves at all."""
    strangers_refused_60s: int = 0
    """Requests refused that are in no project's row, for nobody knows whose they are."""
    here: tuple[str, ...] = ()
    """Who follows the stream now, by name: once for each console, and some fifty at most."""


class Per(StrEnum):
    """What the figures of a past snapshot were summed from."""

    CALL = "call"
    """The calls themselves: to the second, as the live picture."""
    MINUTE = "minute"
    """The whole minute before the instant: there were too many calls, or they are gone."""
    HOUR = "hour"
    """The hour that the instant lies in, as means of a minute of it."""
    NOTHING = "nothing"
    """Neither calls nor sums are on record."""


class Gap(StrEnum):
    """What of a past instant is not on record: where it is named, its figures say nothing."""

    BEFORE = "before"
    """It is before the first record: there is nothing at all."""
    DOWN = "down"
    """The gateway was not running."""
    FLOW = "flow"
    """What was asked, refused and failed."""
    LATENCY = "latency"
    LEVELS = "levels"
    """How full the buckets were."""
    UNDER_WAY = "under_way"
    """How many calls were under way, and the money that they held."""
    TARGETS = "targets"
    """What went to which target."""
    SPENT = "spent"
    """The day's money as of then."""
    STATES = "states"
    VITALS = "vitals"
    """The gateway's own health: its loop, backlog, disk, memory, connections, problems."""


@dataclass(frozen=True, slots=True)
class Past:
    """Of a snapshot that is not the present: how it came about, and what it cannot say.

    Its ``now_ms`` is ``at_us`` in milliseconds: its sender's clock of then is gone.
    """

    per: str
    gaps: tuple[str, ...] = ()
    down_since_us: int | None = None
    """Since when the gateway was not running, where it was not; as of its last sign of life."""
    down_until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything on the screen at one instant."""

    now_ms: int
    at_us: int
    vitals: Vitals
    projects: tuple[ProjectRow, ...]
    targets: tuple[TargetRow, ...]
    routes: tuple[RouteRow, ...]
    events: tuple[Event, ...]
    """The newest first, a handful."""
    past: Past | None = None
    """None of the present."""

    @property
    def here(self) -> tuple[str, ...]:
        """The operators who have a console open now; one with two is named twice."""
        return self.vitals.here

    def knows(self, what: Gap) -> bool:
        """Whether this is on record; of the present everything is."""
        return self.past is None or what not in self.past.gaps


@dataclass(frozen=True, slots=True)
class Whoami:
    """Whom the source takes us for, and so what we may do."""

    actor: str
    role: Role
