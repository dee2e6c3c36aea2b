"""A reservation as the limiter in memory keeps it, and what is done to all that it holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from quotadeck.limiter.buckets import Held
from quotadeck.limiter.protocol import Levels

Taken = dict[str, tuple[Held, int]]
"""What a reservation holds, by bucket, in the order of its takes."""


@dataclass(slots=True)
class Reservation:
    """It ends by its deadline where nobody ends it before."""

    deadline_ns: int
    shadowed: str
    held: Taken
    told: bool = False
    """Whether its buckets were told as touched by its acquire."""


def check(reservation: str, actual: Mapping[str, int]) -> None:
    """Raises ValueError for a negative amount."""
    if actual and min(actual.values()) < 0:
        raise ValueError(f"reservation {reservation} cannot have used {dict(actual)}")


def undo(held: Taken) -> None:
    """As if just now nothing of it had been taken."""
    for bucket, amount in held.values():
        bucket.undo(amount)


def levels_of(held: Taken, now_ns: int) -> Levels:
    """What is left in each of its buckets."""
    return tuple([bucket.left(now_ns) for bucket, _ in held.values()])


def new_epoch() -> str:
    """Another one for each limiter that begins with none of these."""
    from uuid import uuid4  # what it loads takes as long as all of a limiter

    return uuid4().hex
