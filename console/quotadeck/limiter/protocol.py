"""What a limiter promises, in plain values, so that a shared store can stand in for memory.

Admission is all-or-nothing over every bucket in one step. A reservation ends exactly once:
settled, released or expired. Each call is idempotent by reservation id. No instant of anybody's
clock is told: levels are as of the answer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from quotadeck.domain.gate import Gate
from quotadeck.domain.limits import Limit, Priority, RateLimit, Take

Levels = tuple[int, ...]
"""What is left in each of some buckets, as of the answer: micro-units, slots or nano-dollars."""


class Admitted(NamedTuple):
    """The request may go. ``shadowed`` names a shadow limit's bucket that would have refused.

    ``levels`` are what is left in each bucket of the reservation now, in the order of its takes.
    """

    shadowed: str = ""
    levels: Levels = ()


class TurnName(NamedTuple):
    """What a turn is known by: the project that wants it, and what it calls the request."""

    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The request must wait: for the bucket with the longest wait, exactly so long.

    ``wait_ms`` is rounded up; None where no time can be told (a slot that somebody holds).
    ``gates`` are all the buckets that refused, the binding one first, with their levels now;
    ``levels`` are what is left in each bucket that was asked, in the order of the takes. ``turn``:
    from that instant on its amount is kept for it.
    """

    binding: str
    wait_ms: int | None
    gates: tuple[Gate, ...] = field(default=(), compare=False)
    levels: Levels = field(default=(), compare=False)
    turn: bool = False


class BucketState(NamedTuple):
    """A bucket now.

    ``level`` is what is left: micro-units, free slots, or nano-dollars (limit − spent − held);
    ``held`` is the money or slots that live reservations hold, 0 for rates.
    """

    level: int
    held: int
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
        self,
        reservation: str,
        takes: Sequence[Take],
        priority: Priority,
        ttl_ms: int,
        turn: TurnName | None = None,
    ) -> Admitted | Refused:
        """Take from all buckets or from none. A changed limit is applied here, keeping use.

        With the name of a ``turn``, a refusal by rates or slots alone promises one within 60 s, if
        its buckets can: from ``wait_ms`` on the amounts are kept for whoever asks under that name,
        two seconds long. All promised of a bucket to a class and those above is a capacity of it at
        most, and of what is shared each project that wants turns has an equal part. Who asks before
        his turn, or finds it spoilt by a debt, keeps his place and is told the instant anew. Nobody
        passes who would delay a turn, and each is told when he would not.

        A bucket that is short under a shadow limit has its place in the levels all the same.
        Raises DayUnknown for a budget's day that must be restored first; nothing is taken then.
        """
        ...

    async def forget(self, turn: TurnName) -> None:
        """Give up the turn of that name, if there is one."""
        ...

    def look(self, takes: Sequence[Take], priority: Priority) -> Admitted | Refused:
        """What an acquire would be told as far as this process knows, without waiting.

        Nothing is taken. Raises DayUnknown.
        """
        ...

    async def exchange(
        self,
        reservation: str,
        gone: Mapping[str, int],
        takes: Sequence[Take],
        priority: Priority,
        ttl_ms: int,
    ) -> Admitted | Refused | None:
        """Move a live reservation to other buckets in one step; None when it had ended.

        All ``takes`` are taken, or it is refused and nothing changes; then the buckets in ``gone``
        end with the real amounts given. A bucket in both ends before it is taken anew, and keeps
        its place in the levels; new ones come last, in their order. The deadline is set anew.

        An exchange that has given up all it should, and holds all it should, is answered again
        without effect. One that gives up only what it takes again is another attempt each time.
        Raises ValueError for a bucket that is held and not given up, and what `acquire` raises.
        """
        ...

    async def draw(
        self,
        lease: str,
        reservation: str,
        takes: Sequence[Take],
        priority: Priority,
        ttl_ms: int,
        most: Mapping[str, int] | None = None,
        turn: TurnName | None = None,
    ) -> Admitted | Refused | None:
        """`acquire`, where what another reservation holds of a bucket is moved instead of taken.

        ``lease`` is that other one; None when it had ended: nothing is taken then. Only what it
        lacks is taken of the bucket; of one in ``most`` no more than that is moved. It keeps its
        own deadline, and what is left in it. A refusal moves nothing, and a turn keeps the rest
        alone. Repeated, it is answered as a repeated `acquire`.
        """
        ...

    async def charge(self, used: Sequence[Take]) -> None:
        """Count what was used already, whatever is left: as if it had been admitted and settled."""
        ...

    async def held(self, reservation: str) -> Mapping[str, int] | None:
        """What a reservation holds of each of its buckets now; None when it had ended."""
        ...

    async def settle(self, reservation: str, actual: Mapping[str, int]) -> Levels | None:
        """End a reservation: for the keys given, real amounts replace the estimates.

        Slots are always given back. Keys not given keep their estimate. What is left of each of its
        buckets then, in the order of its takes; None when it had ended.
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

    async def epoch(self) -> str:
        """Another one whenever the store of levels began anew, so that it must be restored.

        For whoever restored it to ask again, every second, say, and to restore where it is another.
        Nobody has to of one that lives and dies with its process.
        """
        ...

    async def restore(self, levels: Mapping[str, tuple[int, RateLimit]]) -> None:
        """Start rate buckets at these levels (micro-units) as of now; one that exists stays."""
        ...

    async def money(self, days: Mapping[str, str]) -> dict[str, Money]:
        """What is spent and held on each budget's day (ISO); a day that is unknown is absent."""
        ...

    def spent_nano(self, key: str, day: str) -> int:
        """What this process knows to be settled of a budget's day (ISO), without waiting.

        0 for a day of which it knows nothing.
        """
        ...

    async def restore_spent(
        self, spent: Mapping[str, Mapping[str, int]], *, known_after: str | None = None
    ) -> None:
        """Tell what was settled before our time: by budget key and day (ISO), in nano-dollars.

        A day that is known already stays as it is. ``known_after``: of every budget this is all
        after that day; to be told once, before the first acquire.
        """
        ...
