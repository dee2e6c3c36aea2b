"""What a limiter promises, in plain values, so that a shared store can stand in for memory.

Admission is all-or-nothing over every bucket in one step. A reservation ends exactly once:
settled, released or expired. Each call is idempotent by reservation id.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from quotadeck.domain.calls import Gate
from quotadeck.domain.limits import Limit, Priority, Take


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request may go. ``shadowed`` names a shadow limit's bucket that would have refused."""

    shadowed: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The request must wait: for the bucket with the longest wait, exactly so long.

    ``wait_ms`` is rounded up; None where no time can be told (a slot that somebody holds).
    ``gates`` are all the buckets that refused, the binding one first, with their levels now.
    """

    binding: str
    wait_ms: int | None
    gates: tuple[Gate, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class BucketState:
    """A bucket as last touched.

    ``level`` is what is left: micro-units, free slots, or nano-dollars (limit − spent − held);
    ``held`` is the money or slots that live reservations hold, 0 for rates. ``at_ns`` is monotonic.
    """

    level: int
    held: int
    at_ns: int
    limit: Limit


@dataclass(frozen=True, slots=True)
class Money:
    """Nano-dollars of one budget's day: settled, and held by live reservations."""

    spent_nano: int = 0
    held_nano: int = 0


class DayUnknown(Exception):
    """Nobody told the limiter what was spent on this day: it is restored first, then asked."""

    def __init__(self, key: str, day: str) -> None:
        super().__init__(f"what was spent on {day} under {key} is not known")
        self.key = key
        self.day = day


class Limiter(Protocol):
    """Live bucket state. Amounts are in each limit's unit (see `Take`)."""

    async def acquire(
        self, reservation: str, takes: Sequence[Take], priority: Priority, ttl_ms: int
    ) -> Admitted | Refused:
        """Take from all buckets or from none. A changed limit is applied here, keeping use.

        Raises DayUnknown for a budget's day that must be restored first; nothing is taken then.
        """
        ...

    async def renew(self, reservation: str, ttl_ms: int) -> bool:
        """Move the deadline of a live reservation; False when it has ended."""
        ...

    async def settle(self, reservation: str, actual: Mapping[str, int]) -> bool:
        """End a reservation: for the keys given, real amounts replace the estimates.

        Slots are always given back. Keys not given keep their estimate. False when it had ended.
        """
        ...

    async def release(self, reservation: str) -> bool:
        """End a reservation as if it had never been: everything is given back."""
        ...

    async def expire(self) -> tuple[str, ...]:
        """End the reservations whose deadline passed, charged in full; their ids."""
        ...

    async def relimit(self, limits: Mapping[str, Limit]) -> None:
        """Apply changed limits at once, keeping what was used."""
        ...

    async def levels(self, keys: Sequence[str]) -> dict[str, BucketState]:
        """The states of the buckets that exist; a bucket never touched is absent (full)."""
        ...

    async def touched(self, reader: str) -> Collection[str]:
        """The buckets that were used or changed since this reader last asked; at first, all.

        What was only refused is not among them: a refusal takes nothing.
        """
        ...

    async def money(self, days: Mapping[str, str]) -> dict[str, Money]:
        """What is spent and held on each budget's day (ISO); a day that is unknown is absent."""
        ...

    async def restore_spent(
        self, spent: Mapping[str, Mapping[str, int]], *, known_after: str | None = None
    ) -> None:
        """Tell what was settled before our time: by budget key and day (ISO), in nano-dollars.

        A day that is known already stays as it is. ``known_after``: of every budget this is all
        after that day; to be told once, before the first acquire.
        """
        ...
