"""A reservation as the limiter in memory keeps it, and what is done to all buckets it holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from quotadeck.limiter.buckets import Held
from quotadeck.limiter.protocol import Levels

Taken = dict[str, tuple[Held, int]]
"""What a reservation holds: the bucket and the amount by the bucket's name, in takes' order."""


@dataclass(slots=True)
class Reservation:
    """``shadowed`` names the shadow limit that would have refused it; empty: none would have."""

    deadline_ns: int
    shadowed: str
    held: Taken
    told: bool = False
    """Whether `MemoryLimiter.touched` has told of its buckets since it was acquired."""


def check(reservation: str, actual: Mapping[str, int]) -> None:
    """Raises ValueError for a negative amount."""
    if actual and min(actual.values()) < 0:
        raise ValueError(f"reservation {reservation} cannot have used {dict(actual)}")


def undo(held: Taken) -> None:
    """Take back all takes of this very instant."""
    for bucket, amount in held.values():
        bucket.undo(amount)


def levels_of(held: Taken, now_ns: int) -> Levels:
    """What is left in each of these buckets now."""
    return tuple([bucket.left(now_ns) for bucket, _ in held.values()])


def new_epoch() -> str:
    """A name that no other limiter's state has."""
    from uuid import uuid4  # to load it takes as long as the whole limiter

    return uuid4().hex
