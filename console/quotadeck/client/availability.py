"""What `check` answers: may it go now, what is left of each limit, and how long it would wait."""

from collections.abc import Sequence
from typing import NamedTuple

from quotadeck.client.terms import NO_BUDGET_NANO
from quotadeck.domain.limits import MICRO, Limit, RateLimit, Take
from quotadeck.limiter import Admitted, Refused


class Room(NamedTuple):
    """One limit that the request is held to, and what is left of it.

    ``bucket`` names it, such as ``project:analytics:tpm``. ``limit``, ``left`` and ``asked`` are
    requests or tokens (``limit`` a minute), requests at the same time, or nano-dollars a day; of a
    run, requests or nano-dollars in all. ``left`` is rounded down, and below zero where more was
    used than there was.
    """

    bucket: str
    limit: int
    left: int
    asked: int

    @property
    def kind(self) -> str:
        """``rpm``, ``tpm``, ``concurrency`` or ``budget``; of a run also ``requests``, and of a
        provider also ``pause``, in seconds."""
        return self.bucket.rpartition(":")[2]


class Availability:
    """What `check` found at its instant. True where the request would be admitted at once."""

    __slots__ = ("_answer", "_takes", "away_since_us", "waiting")

    def __init__(
        self,
        answer: Admitted | Refused,
        takes: Sequence[Take],
        waiting: int,
        away_since_us: int | None = None,
    ) -> None:
        self._answer, self._takes = answer, takes
        self.waiting = waiting
        """How many would go first: the project's line, and 1 more where the head of another
        project's line holds up a bucket that they share."""
        self.away_since_us = away_since_us
        """Since when the gateway that holds the state does not answer (UTC microseconds): until it
        does, only what is leased is spent, and its limits are told as of then. Else None."""

    @property
    def ok(self) -> bool:
        """Whether the request would be admitted at once: nobody waits, and every limit lets it."""
        return not self.waiting and isinstance(self._answer, Admitted)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def wait_s(self) -> float | None:
        """Seconds until the limits would admit it if nobody else came: 0 where they would now, None
        where no time can be told, such as for a slot."""
        if isinstance(self._answer, Admitted):
            return 0.0
        return None if self._answer.wait_ms is None else self._answer.wait_ms / 1_000

    @property
    def binding(self) -> str:
        """The bucket that refuses it for longest; empty where none does."""
        return "" if isinstance(self._answer, Admitted) else self._answer.binding

    @property
    def rooms(self) -> tuple[Room, ...]:
        """Each limit that binds the request, the project's own first."""
        levels = self._answer.levels
        if isinstance(self._answer, Admitted):
            levels = tuple([n + t.amount for n, t in zip(levels, self._takes, strict=True)])
        return rooms_of(self._takes, levels)

    def __repr__(self) -> str:
        wait_s = self.wait_s
        told = "waits" if wait_s is None else f"waits {wait_s:.3g} s"
        told = "ok" if self.ok else f"{told} for {self.binding or 'the line'}"
        away = "" if self.away_since_us is None else ", the gateway is away"
        return f"<Availability {told}, {self.waiting} waiting{away}>"


def rooms_of(takes: Sequence[Take], levels: Sequence[int]) -> tuple[Room, ...]:
    """A `Room` of each take but budgets that are none; levels are in each limit's own unit."""
    return tuple(
        Room(take.key, take.limit.amount, level // scale, -(-take.amount // scale))
        for take, level in zip(takes, levels, strict=True)
        for scale in (MICRO if isinstance(take.limit, RateLimit) else 1,)
        if take.limit.amount != NO_BUDGET_NANO
    )


def full(limit: Limit) -> int:
    """The level of a bucket from which nothing was taken."""
    return limit.capacity if isinstance(limit, RateLimit) else limit.amount
