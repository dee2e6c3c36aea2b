"""A request that asks to go, whose it is, and what else binds it."""

from typing import NamedTuple, Protocol

from quotadeck.client.line import Line
from quotadeck.client.quotas import Estimate
from quotadeck.client.tally import Tally
from quotadeck.client.terms import Terms
from quotadeck.domain.limits import Priority, Take


class Bound(Protocol):
    """Something that binds requests beyond their project's limits, such as a run."""

    def takes(self, tokens: int, cost_nano: int) -> list[Take]:
        """What a request of this size asks of it."""

    def charged(self, tokens: int, cost_nano: int) -> tuple[tuple[str, int], ...]:
        """What so much leaves taken, by bucket; those that keep what was asked are not in it."""

    @property
    def has_budget(self) -> bool:
        """Whether its money has a limit."""

    @property
    def ends_ns(self) -> int | None:
        """The instant of the monotonic clock at which it ends by itself."""

    def must_go_on(self) -> None:
        """Raises RunEnded where it lets nothing pass any more."""

    def ran_short(self, bucket: str, left: int, held: int, asked: int) -> None:
        """A bucket that does not refill has refused. Raises RunEnded where it is of its own, and
        nothing that might come back would help."""


class Project:
    """What is known of a project: its limits, its line, and what it used."""

    __slots__ = ("line", "name", "tally", "terms")

    def __init__(self, name: str, terms: Terms) -> None:
        self.name, self.terms = name, terms
        self.line: Line[Want] = Line()
        self.tally = Tally()


class Want(NamedTuple):
    """A request that asks to go. ``cost_nano`` is what is held of money for it."""

    project: Project
    estimate: Estimate
    cost_nano: int
    priority: Priority
    timeout_s: float | None
    beyond: tuple[Bound, ...]

    def takes(self) -> list[Take]:
        """What it asks of each bucket, the project's own first."""
        tokens, cost = self.estimate.tokens, self.cost_nano
        takes = self.project.terms.takes(tokens, cost)
        for bound in self.beyond:
            takes += bound.takes(tokens, cost)
        return takes

    def charged(self, tokens: int, cost_nano: int) -> dict[str, int]:
        """What such usage leaves taken, by bucket."""
        used = dict(self.project.terms.charged(tokens, cost_nano))
        for bound in self.beyond:
            used.update(bound.charged(tokens, cost_nano))
        return used


class Look(NamedTuple):
    """What a check asks for, ready made: good while these days last."""

    takes: list[Take]
    priority: Priority
    line: Line[Want]
    since_us: int
    until_us: int
