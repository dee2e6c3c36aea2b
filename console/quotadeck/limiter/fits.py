"""When something fits in beside what a rate's bucket keeps for those who have a turn."""

from collections.abc import Sequence
from typing import NamedTuple

from quotadeck.domain.bucket import needed, refill, wait_ns
from quotadeck.domain.limits import Priority, Take
from quotadeck.limiter.buckets import RateBucket


class Kept(NamedTuple):
    """What a bucket keeps for one turn, in micro-units or slots; in the order of the instants."""

    start_ns: int
    order: int
    amount: int
    owner: str
    priority: Priority


class Fits:
    """One take, beside what its bucket keeps.

    The level is projected from turn to turn, each taking its own at its instant, or now where that
    has passed. Between two of them there is room for what every later one can spare.
    """

    __slots__ = ("_limit", "_need", "_rooms", "_spans", "_take")

    def __init__(
        self,
        bucket: RateBucket,
        kept: Sequence[Kept],
        take: Take,
        priority: Priority,
        now_ns: int,
    ) -> None:
        limit = bucket.limit
        self._limit, self._take = limit, take
        self._need = needed(take.amount, limit, priority, shared=take.shared)
        reserve = needed(0, limit, priority, shared=take.shared)
        capacity = limit.capacity
        level, at_ns = refill(bucket.level, bucket.at_ns, limit, now_ns)
        self._spans = [(now_ns, level, at_ns)]
        self._rooms = list[int]()
        for start_ns, _, amount, *_ in kept:
            instant = max(start_ns, now_ns)
            level, at_ns = refill(level, at_ns, limit, instant)
            self._rooms.append(level - min(capacity, amount + reserve))
            level -= amount
            self._spans.append((instant, level, at_ns))
        room = capacity
        for at in range(len(self._rooms) - 1, -1, -1):
            room = self._rooms[at] = min(room, self._rooms[at])

    def first(self, from_ns: int) -> int:
        """The first instant from there on at which it may be taken and no turn is delayed."""
        at = len(self._rooms)
        begins, level, at_ns = self._spans[at]
        first = self._reaches(level, at_ns, max(begins, from_ns))
        while at and from_ns <= begins:
            at -= 1
            if self._rooms[at] < self._take.amount:
                break
            ends, (begins, level, at_ns) = begins, self._spans[at]
            instant = self._reaches(level, at_ns, max(begins, from_ns))
            if instant <= ends:
                first = instant
        return first

    def _reaches(self, level: int, at_ns: int, from_ns: int) -> int:
        """When the level stands where it must, not before ``from_ns``."""
        level, at_ns = refill(level, at_ns, self._limit, from_ns)
        return from_ns + wait_ns(level, at_ns, self._need, self._limit, from_ns)
