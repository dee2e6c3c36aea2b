"""When something fits in beside what a rate's bucket keeps for those who have a turn."""

from collections.abc import Sequence
from typing import NamedTuple

from quotadeck.domain.bucket import refill, wait_ns
from quotadeck.domain.limits import Priority
from quotadeck.limiter.buckets import RateBucket


class Kept(NamedTuple):
    """What a bucket keeps for one turn, in micro-units or slots; in the order of the instants."""

    start_ns: int
    order: int
    amount: int
    owner: str
    priority: Priority


class Fits:
    """What a class finds in a bucket, beside what that keeps.

    The level is projected from turn to turn, each taking its own at its instant, or now where that
    has passed. Between two of them there is room for what every later one can spare.

    Of a storm that is refused each one looks here, and nothing has changed in between but the time:
    so it is worked out once, and holds (`still_holds`) until something else happens to the bucket.
    """

    __slots__ = ("_limit", "_reserve", "_rooms", "_spans", "_state")

    def __init__(self, bucket: RateBucket, kept: Sequence[Kept], reserve: int, now_ns: int) -> None:
        """``reserve`` is what the class leaves in the bucket, in micro-units."""
        self._limit, self._reserve = bucket.limit, reserve
        self._state = bucket.level, bucket.at_ns
        limit, capacity = bucket.limit, bucket.limit.capacity
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

    def still_holds(self, bucket: RateBucket) -> bool:
        """Whether the bucket has only been refilled since."""
        if bucket.limit is not self._limit:
            return False
        return refill(*self._state, self._limit, bucket.at_ns) == (bucket.level, bucket.at_ns)

    def first(self, amount: int, from_ns: int) -> int:
        """The first instant from there on at which so much may be taken and no turn is delayed."""
        need = min(self._limit.capacity, amount + self._reserve)
        at = len(self._rooms)
        begins, level, at_ns = self._spans[at]
        first = self._reaches(level, at_ns, need, max(begins, from_ns))
        while at and from_ns <= begins:
            at -= 1
            if self._rooms[at] < amount:
                break
            ends, (begins, level, at_ns) = begins, self._spans[at]
            instant = self._reaches(level, at_ns, need, max(begins, from_ns))
            if instant <= ends:
                first = instant
        return first

    def _reaches(self, level: int, at_ns: int, need: int, from_ns: int) -> int:
        """When the level stands at ``need``, not before ``from_ns``."""
        level, at_ns = refill(level, at_ns, self._limit, from_ns)
        return from_ns + wait_ns(level, at_ns, need, self._limit, from_ns)
