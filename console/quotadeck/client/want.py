"""A request that asks to be admitted, the project it is of, and what binds it beside that."""

from typing import NamedTuple, Protocol

from quotadeck.client.line import Line
from quotadeck.client.quotas import Estimate
from quotadeck.client.reservation import Charge
from quotadeck.client.tally import Tally
from quotadeck.client.terms import Terms
from quotadeck.domain.limits import Priority, Take


class Bound(Protocol):
    """What binds a request: its project's limits, those of everything, a run's, a provider's."""

    def takes(self, tokens: int, cost_nano: int) -> list[Take]:
        """What a request of this size takes of each of its buckets."""

    def charged(self, tokens: int, cost_nano: int) -> tuple[tuple[str, int], ...]:
        """What usage of this size leaves taken of its buckets, in each limit's unit.

        A bucket that is left out keeps what the request took of it, such as one of requests.
        """

    @property
    def has_budget(self) -> bool:
        """Whether its money has a limit."""

    @property
    def ends_ns(self) -> int | None:
        """The instant of the monotonic clock at which it ends by itself."""

    def must_go_on(self) -> None:
        """Raises RunEnded where it admits nothing any more."""

    def ran_short(self, bucket: str, left: int, held: int, asked: int) -> None:
        """A bucket of money, or of a run's requests, has refused: ``left`` is free of it, ``held``
        may come back. Raises RunEnded where the bucket is its own, and that would not be enough."""


class Project:
    """What a manager knows of a project: its limits, its line, and what it has used."""

    __slots__ = ("line", "name", "tally", "terms")

    def __init__(self, name: str, terms: Terms) -> None:
        self.name, self.terms = name, terms
        self.line: Line[Want] = Line()
        self.tally = Tally()


class Want(NamedTuple):
    """A request that asks to be admitted.

    ``cost_nano`` are the nano-dollars that are held for it, ``timeout_s`` how long it waits at most
    (None: as long as it takes). ``beyond`` is what binds it beside its project's own limits.
    """

    project: Project
    estimate: Estimate
    cost_nano: int
    priority: Priority
    timeout_s: float | None
    beyond: tuple[Bound, ...]

    def takes(self) -> list[Take]:
        """What it takes of each bucket, the project's own first."""
        tokens, cost = self.estimate.tokens, self.cost_nano
        takes = self.project.terms.takes(tokens, cost)
        for bound in self.beyond:
            takes += bound.takes(tokens, cost)
        return takes

    def as_estimated(self) -> Charge:
        """What it is charged where nobody knows better."""
        estimate = self.estimate
        return Charge(estimate.input_tokens, estimate.output_tokens, self.cost_nano, estimated=True)

    def charged(self, tokens: int, cost_nano: int) -> dict[str, int]:
        """What such usage leaves taken, by bucket: see `Bound.charged`."""
        used = dict(self.project.terms.charged(tokens, cost_nano))
        for bound in self.beyond:
            used.update(bound.charged(tokens, cost_nano))
        return used


class Look(NamedTuple):
    """The takes of a check, kept for the next one of its kind while the day's money is the same:
    from ``since_us`` until ``until_us`` (UTC)."""

    takes: list[Take]
    priority: Priority
    line: Line[Want]
    since_us: int
    until_us: int
