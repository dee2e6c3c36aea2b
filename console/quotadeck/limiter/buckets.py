"""The three kinds of bucket: what each keeps, when a request fits, and what its end gives back."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from quotadeck.domain.bucket import RESERVE_PERCENT, needed, refill, relimited, settled, wait_ns
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import NEVER_US, BudgetLimit, Priority, RateLimit, SlotLimit, Take
from quotadeck.limiter.protocol import BucketState, DayUnknown, Levels

Wait = tuple[int, int]
"""How hard a refusal binds: the rank of the bucket's kind, then nanoseconds. The greatest is named.
"""

UNTOLD_NS: Final = 1 << 62
"""In the place of a wait that cannot be told; it outlasts every other of its kind."""

DAYS_KEPT: Final = 8
"""Days of one budget that are remembered, for wall clocks that are set back."""

_LASTED_KEPT: Final = 64
"""Newest ends, and oldest under way, by which the wait for a slot is estimated."""

_RATE, _SLOTS, _MONEY = range(3)


class RateBucket:
    """A token bucket. ``level`` is in micro-units and exact at ``at_ns``."""

    __slots__ = ("at_ns", "level", "limit")

    def __init__(self, limit: RateLimit, now_ns: int) -> None:
        self.limit = limit
        self.level = limit.capacity
        self.at_ns = now_ns

    def take(self, amount: int, priority: Priority, shared: bool, now_ns: int) -> int | None:
        """What is left afterwards; None where there is too little, and then nothing is taken.

        Of a shared bucket, the reserve of the higher classes has to stay.
        """
        limit = self.limit
        level = self.level
        if now_ns > self.at_ns:
            level, self.at_ns = refill(level, self.at_ns, limit, now_ns)
            self.level = level
        need = amount
        if shared:
            need += limit.capacity * RESERVE_PERCENT[priority] // 100
        # As `needed` has it: a full bucket serves any amount, and goes into debt by it.
        if need > level and level < limit.capacity:
            return None
        self.level = level = level - amount
        return level

    def undo(self, amount: int) -> None:
        """Take back a `take` of this very instant."""
        self.level += amount

    def wait(self, amount: int, priority: Priority, shared: bool, clock: Clock) -> Wait:
        need = needed(amount, self.limit, priority, shared=shared)
        now_ns = clock.monotonic_ns()
        return _RATE, wait_ns(self.level, self.at_ns, need, self.limit, now_ns)

    def end(self, held: int, actual: int, now_ns: int) -> int:
        """Replace what a reservation held by what it used; what is left afterwards."""
        level, limit = self.level, self.limit
        if now_ns > self.at_ns:
            level, self.at_ns = refill(level, self.at_ns, limit, now_ns)
        if held != actual:
            level = settled(level, held, actual, limit)
        self.level = level
        return level

    def relimit(self, limit: RateLimit, now_ns: int) -> None:
        """Change the limit. A part step under the old one is dropped: it has no rate any more."""
        if limit != self.limit:
            level, _ = refill(self.level, self.at_ns, self.limit, now_ns)
            self.level, self.at_ns = relimited(level, self.limit, limit), now_ns
        self.limit = limit

    def left(self, now_ns: int) -> int:
        return refill(self.level, self.at_ns, self.limit, now_ns)[0]

    def state(self, now_ns: int) -> BucketState:
        return BucketState(self.left(now_ns), 0, self.limit)

    def kept(self) -> tuple[int, int]:
        """Its state, to go `back` to."""
        return self.level, self.at_ns

    def back(self, kept: tuple[int, int]) -> None:
        self.level, self.at_ns = kept


class SlotBucket:
    """Requests at the same time.

    It does not know which request ends, and takes it for the one that began first. The sum of all
    durations is right by that, and so is the wait that is estimated from them.
    """

    __slots__ = ("_begun", "_lasted", "_latest", "limit", "used")

    def __init__(self, limit: SlotLimit) -> None:
        self.limit = limit
        self.used = 0
        self._begun: deque[int] = deque()
        self._lasted: deque[int] = deque(maxlen=_LASTED_KEPT)
        self._latest = 0

    def take(self, amount: int, _priority: Priority, _shared: bool, now_ns: int) -> int | None:
        left = self.limit.slots - self.used - amount
        if left < 0:
            return None
        self.hold(amount, now_ns)
        return left

    def hold(self, amount: int, now_ns: int) -> None:
        """Count them in, whatever the limit is."""
        self.used += amount
        self._begun.append(now_ns)

    def undo(self, amount: int) -> None:
        self.used -= amount
        self._begun.pop()

    def wait(self, _amount: int, _priority: Priority, _shared: bool, clock: Clock) -> Wait:
        return _SLOTS, self.still_needed_ns(clock.monotonic_ns())

    def usual_ns(self) -> int:
        """The median of how long a slot is held, in ns; 0 before any request has ended."""
        return _median(self._lasted) if self._lasted else 0

    def still_needed_ns(self, now_ns: int) -> int:
        """The median of how long those under way still need, in ns; `UNTOLD_NS` where none has
        ended yet, or none is under way."""
        if not self._lasted or not self._begun:
            return UNTOLD_NS
        usual = self.usual_ns()
        under_way = islice(self._begun, _LASTED_KEPT)
        # One that has taken longer than usual is assumed to need an eighth of that still.
        return _median(max(usual - now_ns + begun, usual // 8) for begun in under_way)

    def end(self, held: int, _actual: int, now_ns: int) -> int:
        """Give the slots back, whatever was used."""
        self.used -= held
        self._latest = self._begun.popleft()
        self._lasted.append(now_ns - self._latest)
        return self.limit.slots - self.used

    def left(self, _now_ns: int) -> int:
        return self.limit.slots - self.used

    def state(self, now_ns: int) -> BucketState:
        return BucketState(self.left(now_ns), self.used, self.limit)

    def kept(self) -> tuple[int, int]:
        return self.used, len(self._begun)

    def back(self, kept: tuple[int, int]) -> None:
        self.used, begun = kept
        if len(self._begun) < begun:
            self._begun.appendleft(self._latest)
            self._lasted.pop()


def _median(numbers: Iterable[int]) -> int:
    """The lower median. The standard library's module takes as long to import as the limiter."""
    ordered = sorted(numbers)
    return ordered[(len(ordered) - 1) // 2]


class MoneyBucket:
    """The money of one day, in nano-dollars. A reservation ends on the day on which it began."""

    __slots__ = ("held", "limit", "spent")

    def __init__(self, limit: BudgetLimit, spent: int = 0) -> None:
        self.limit = limit
        self.spent = spent
        self.held = 0

    def take(self, amount: int, _priority: Priority, _shared: bool, _now_ns: int) -> int | None:
        left = self.limit.nano_usd - self.spent - self.held - amount
        if left < 0:
            return None
        self.held += amount
        return left

    def undo(self, amount: int) -> None:
        self.held -= amount

    def wait(self, amount: int, _priority: Priority, _shared: bool, clock: Clock) -> Wait:
        if amount > self.limit.nano_usd or self.limit.ends_at_us == NEVER_US:
            return _MONEY, UNTOLD_NS
        return _MONEY, max(0, self.limit.ends_at_us - clock.wall_us()) * 1_000

    def end(self, held: int, actual: int, _now_ns: int) -> int:
        """Turn what was held into what was spent, also where that is more; what is left."""
        self.held -= held
        self.spent += actual
        return self.limit.nano_usd - self.spent - self.held

    def left(self, _now_ns: int) -> int:
        return self.limit.nano_usd - self.spent - self.held

    def state(self, now_ns: int) -> BucketState:
        return BucketState(self.left(now_ns), self.held, self.limit)

    def kept(self) -> tuple[int, int]:
        return self.spent, self.held

    def back(self, kept: tuple[int, int]) -> None:
        self.spent, self.held = kept


Bucket = RateBucket | SlotBucket | MoneyBucket


class Passed:
    """In the place of a shadow limit's bucket that had too little: nothing was taken of it, and
    nothing is given back to it."""

    __slots__ = ("bucket",)

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def undo(self, _amount: int) -> None:
        pass

    def end(self, _held: int, _actual: int, now_ns: int) -> int:
        return self.bucket.left(now_ns)

    def left(self, now_ns: int) -> int:
        return self.bucket.left(now_ns)

    def kept(self) -> tuple[int, int]:
        return 0, 0

    def back(self, _kept: tuple[int, int]) -> None:
        pass


Held = Bucket | Passed


def all_fit(
    takes: Sequence[Take], buckets: Mapping[str, Bucket], priority: Priority, now_ns: int
) -> Levels:
    """The levels that these takes would leave; nothing is taken.

    Empty where one does not fit, or its bucket does not exist under this limit yet.
    """
    levels: list[int] = []
    for key, amount, limit, shared, _ in takes:
        bucket = buckets.get(key)
        if bucket is None or bucket.limit is not limit or amount < 0:
            return ()
        left = bucket.take(amount, priority, shared, now_ns)
        if left is None:
            return ()
        bucket.undo(amount)
        levels.append(left)
    return tuple(levels)


class MoneyDays:
    """The days of one budget. No money is taken on a day of which it is unknown what was spent.

    Known are the days in ``by_name``, and all after ``known_after`` (ISO): one of these that is
    absent has seen no money. The oldest days are forgotten, but none on which money is held.
    """

    __slots__ = ("by_name", "known_after")

    def __init__(self, known_after: str) -> None:
        self.known_after = known_after
        self.by_name: dict[str, MoneyBucket] = {}

    def on(self, key: str, limit: BudgetLimit) -> MoneyBucket:
        """The bucket of the limit's day, with that limit. Raises DayUnknown."""
        bucket = self.by_name.get(limit.day)
        if bucket is None:
            if limit.day <= self.known_after:
                raise DayUnknown(key, limit.day)
            bucket = self._add(MoneyBucket(limit))
        bucket.limit = limit
        return bucket

    def restore(self, day: str, spent_nano: int) -> None:
        """Tell what was spent on a day; a day that is known already stays as it is."""
        if day not in self.by_name:
            self._add(MoneyBucket(BudgetLimit(0, day, 0), spent_nano))

    def _add(self, bucket: MoneyBucket) -> MoneyBucket:
        idle = sorted(name for name, day in self.by_name.items() if not day.held)
        for name in idle[: max(0, len(self.by_name) + 1 - DAYS_KEPT)]:
            del self.by_name[name]
            self.known_after = max(self.known_after, name)
        self.by_name[bucket.limit.day] = bucket
        return bucket
