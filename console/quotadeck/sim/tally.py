"""What became of the requests that the traffic sent."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


class Fate(Enum):
    """How an attempt ended; each ends in exactly one way."""

    ADMITTED = "admitted"
    """2xx, and the whole reply arrived."""
    REFUSED = "refused"
    """4xx."""
    FAILED = "failed"
    """5xx, a broken connection or stream, or cut at the end of the run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt."""

    fate: Fate
    cause: str = ""
    may_retry: bool = False
    wait_s: float | None = None
    """What the answer says about when to try again."""


@dataclass(slots=True)
class Tally:
    """Counts of attempts: `sent` is the sum of the rest."""

    sent: int = 0
    admitted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one attempt."""
        self.sent += 1
        if outcome.fate is Fate.ADMITTED:
            self.admitted += 1
        elif outcome.fate is Fate.REFUSED:
            self.refused[outcome.cause] += 1
        else:
            self.failed[outcome.cause] += 1


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    whole = Tally()
    for tally in tallies:
        whole.sent += tally.sent
        whole.admitted += tally.admitted
        whole.refused += tally.refused
        whole.failed += tally.failed
    return whole
