"""What `check` answers: may it go now, what is left of each limit, and how long it would wait."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from quotadeck.client.terms import NO_BUDGET_NANO
from quotadeck.domain.limits import MICRO, Limit, RateLimit, Take
from quotadeck.limiter import Levels


class Room(NamedTuple):
    """A limit that the request would be held to.

    ``bucket`` names it, such as ``project:analytics:tpm``. ``limit``, ``left`` and ``asked`` are
    requests or tokens (a minute), requests at once, or nano-dollars (a day); ``left`` is rounded
    down, and negative where more was used than there was.
    """

    bucket: str
    limit: int
    left: int
    asked: int

    @property
    def kind(self) -> str:
        """``rpm``, ``tpm``, ``concurrency`` or ``budget``."""
        return self.bucket.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Availability:
    """As of the instant it was asked; nothing was taken. True where the request may go at once.

    ``wait_s`` is how long until the limits would let it go, if nobody else took from them: 0 where
    it may go, None where no time can be told. ``binding`` names the bucket that refuses the most.
    ``waiting`` are those that stand in the project's line, and go first.
    """

    ok: bool
    wait_s: float | None
    binding: str
    waiting: int
    _takes: Sequence[Take] = field(repr=False)
    _levels: Levels = field(repr=False)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def rooms(self) -> tuple[Room, ...]:
        """Each limit, the project's own first."""
        return rooms_of(self._takes, self._levels)


def rooms_of(takes: Sequence[Take], levels: Sequence[int]) -> tuple[Room, ...]:
    """Of each limit that is one, in the order of the takes."""
    return tuple(
        Room(take.key, take.limit.amount, level // scale, -(-take.amount // scale))
        for take, level in zip(takes, levels, strict=True)
        for scale in (MICRO if isinstance(take.limit, RateLimit) else 1,)
        if take.limit.amount != NO_BUDGET_NANO
    )


def full(limit: Limit) -> int:
    """The level of a bucket from which nothing was taken."""
    return limit.capacity if isinstance(limit, RateLimit) else limit.amount
