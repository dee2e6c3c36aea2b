"""What a source lets us read and do, and what its figures are worth."""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from quotadeck.domain.notice import Notice


class Read(StrEnum):
    """What can be read of a source."""

    SNAPSHOT = "snapshot"
    STREAM = "stream"
    AUDIT = "audit"
    CALLS = "calls"
    EVENTS = "events"
    SERIES = "series"
    KEYS = "keys"
    LEASES = "leases"
    """What applications hold of their quota ahead of their calls, and who waits in them."""
    MODELS = "models"
    """What passed of each model, and how its targets did."""
    PROJECT = "project"
    """One project taken apart."""


class FigureKind(StrEnum):
    """Who vouches for a figure. The two are never added: the same call may be in both."""

    ENFORCED = "enforced"
    """It was decided on there, call by call."""
    REPORTED = "reported"
    """Somebody told it, as of some time ago: a provider's usage page, another's log."""


class _Everything:
    """Holds what there is, and what will be."""

    def __contains__(self, what: object) -> bool:
        return True


EVERYTHING: Final[Container[str]] = _Everything()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source can: its `Read`s, and commands by verb; ``why`` tells what stands against more.

    What a role may not do is not in here: that is the source's to refuse.
    """

    reads: Container[str]
    commands: Container[str]
    figures: FigureKind
    why: Notice | None = None

    def can(self, what: str | None) -> bool:
        """Whether it can do this; what needs nothing it can."""
        return what is None or what in self.reads or what in self.commands
