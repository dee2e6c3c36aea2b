"""What a source lists: pages of what happened, as values; the audit's are in `answers`.

Instants are UTC microseconds, money is nano-dollars. A page by cursor is followed by asking for
what comes after its ``next_cursor`` (``epoch:sequence``).
"""

from dataclasses import dataclass

from quotadeck.domain.calls import Call
from quotadeck.domain.history import LevelSample, Rollup
from quotadeck.domain.price import Price
from quotadeck.domain.snapshot import Event


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call under its number in the store."""

    seq: int
    call: Call

    @property
    def id(self) -> str:
        """The call's own."""
        return self.call.id


@dataclass(frozen=True, slots=True)
class CallsPage:
    """Oldest first. A page looks at so many calls; ``more`` says that there are others.

    Those before it are found from ``before_cursor`` on, where the newest were asked for.
    ``looked_us`` is how far it looked, where there are more: when the last call looked at arrived.
    ``price`` is the one by which a call that was asked for by its id was priced, where on record.
    """

    rows: tuple[CallRow, ...]
    next_cursor: str
    more: bool = False
    before_cursor: str | None = None
    looked_us: int | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class RollupsPage:
    """In the order in which they changed last."""

    rows: tuple[Rollup, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class LevelsPage:
    """Oldest first."""

    rows: tuple[LevelSample, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event under its number in the store."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Oldest first; ``more`` and ``before_cursor`` as of a `CallsPage`."""

    rows: tuple[EventRow, ...]
    next_cursor: str
    more: bool = False
    before_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A project key as it may be shown: never the secret, nor its hash."""

    id: str
    projects: tuple[str, ...]
    label: str
    added_at_us: int
    added_by: str


@dataclass(frozen=True, slots=True)
class KeysPage:
    """Those in force, in the order in which they were added."""

    keys: tuple[KeyRow, ...]
