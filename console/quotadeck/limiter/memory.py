"""The limiter in one process's memory: every call completes without suspending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from quotadeck.domain.calls import Gate
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import BudgetLimit, Limit, Priority, RateLimit, SlotLimit, Take
from quotadeck.limiter.buckets import (
    UNTOLD_NS,
    Bucket,
    MoneyBucket,
    MoneyDays,
    RateBucket,
    SlotBucket,
    Wait,
)
from quotadeck.limiter.protocol import Admitted, BucketState, Money, Refused

_ADMITTED: Final = Admitted()
_NO_MONEY: Final = Money()
_NS_PER_MS: Final = 1_000_000


@dataclass(slots=True)
class _Reservation:
    deadline_ns: int
    answer: Admitted
    held: dict[str, tuple[Bucket, int]]
    told: bool = False
    """Whether its buckets were told as touched by its acquire."""


class MemoryLimiter:
    """A `Limiter` for one event loop.

    - A reservation ends when somebody ends it: past its deadline it still counts, and may be
      renewed or settled, until `expire` is called. So `expire` tells each lost one exactly once.
    - An id is known from its admission to its end, and forgotten then: that is how long a repeated
      `acquire` gets the same answer without taking twice. A refused id may simply ask again.
    - When several buckets refuse, money is named before slots, slots before rates: only the
      next day brings a spent budget back, and a slot comes at a time nobody knows. Among
      rates the longest wait is named. A budget's wait lasts until its day ends (settling may free
      held money sooner); it is None where the amount exceeds the whole budget.
    - A shadow bucket that is short takes nothing, and later usage does not reach it either.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._days: dict[str, MoneyDays] = {}
        self._known_after = ""
        self._live: dict[str, _Reservation] = {}
        self._touched: set[str] = set()
        self._untold: dict[str, set[str]] = {}

    async def acquire(
        self, reservation: str, takes: Sequence[Take], priority: Priority, ttl_ms: int
    ) -> Admitted | Refused:
        """Take from all buckets or from none.

        Raises ValueError for a negative amount or a bucket named twice, and DayUnknown; nothing is
        taken then.
        """
        known = self._live.get(reservation)
        if known is not None:
            return known.answer
        now_ns = self._clock.monotonic_ns()
        held: dict[str, tuple[Bucket, int]] = {}
        short: list[tuple[Take, Bucket]] = []
        known_bucket = self._buckets.get
        for take in takes:
            key, amount, limit, shared, _ = take
            if amount < 0:
                raise ValueError(f"reservation {reservation} asks {key} for {amount}")
            bucket = known_bucket(key)
            if bucket is None or bucket.limit is not limit:
                bucket = self._limited(key, limit, now_ns)
            if bucket.fits(amount, priority, shared, now_ns):
                held[key] = bucket, amount
            else:
                short.append((take, bucket))
        if len(held) + len(short) != len(takes):
            raise ValueError(f"reservation {reservation} names a bucket twice")
        answer = _ADMITTED
        if short:
            refused = self._binding([s for s in short if not s[0].shadow], priority)
            if refused:
                return refused
            shadow = self._binding(short, priority)
            answer = Admitted(shadow.binding if shadow else "")
        for bucket, amount in held.values():
            bucket.take(amount, now_ns)
        self._live[reservation] = _Reservation(now_ns + ttl_ms * _NS_PER_MS, answer, held)
        return answer

    async def renew(self, reservation: str, ttl_ms: int) -> bool:
        known = self._live.get(reservation)
        if known is None:
            return False
        known.deadline_ns = self._clock.monotonic_ns() + ttl_ms * _NS_PER_MS
        return True

    async def settle(self, reservation: str, actual: Mapping[str, int]) -> bool:
        """End with real usage. Raises ValueError for a negative amount; nothing ends then."""
        if actual and min(actual.values()) < 0:
            raise ValueError(f"reservation {reservation} cannot have used {dict(actual)}")
        return self._end(reservation, actual)

    async def release(self, reservation: str) -> bool:
        known = self._live.get(reservation)
        return known is not None and self._end(reservation, dict.fromkeys(known.held, 0))

    async def expire(self) -> tuple[str, ...]:
        now_ns = self._clock.monotonic_ns()
        late = tuple(name for name, held in self._live.items() if held.deadline_ns <= now_ns)
        for name in late:
            self._end(name, {})
        return late

    async def relimit(self, limits: Mapping[str, Limit]) -> None:
        now_ns = self._clock.monotonic_ns()
        for key, limit in limits.items():
            if key in self._buckets:
                self._limited(key, limit, now_ns)

    async def levels(self, keys: Sequence[str]) -> dict[str, BucketState]:
        return {key: self._buckets[key].state() for key in keys if key in self._buckets}

    async def touched(self, reader: str) -> set[str]:
        # An acquire marks nothing, it is in haste: the newest of those that live are looked up.
        for one in takewhile(lambda one: not one.told, reversed(self._live.values())):
            one.told = True
            self._touched.update(one.held)
        for untold in self._untold.values():
            untold |= self._touched
        self._touched.clear()
        known = self._untold.get(reader)
        self._untold[reader] = set()
        return self._buckets.keys() | self._days.keys() if known is None else known

    def restore(self, levels: Mapping[str, tuple[int, RateLimit]]) -> None:
        """Start rate buckets at these levels (micro-units), as of now; before the first acquire."""
        now_ns = self._clock.monotonic_ns()
        for key, (level, limit) in levels.items():
            bucket = RateBucket(limit, now_ns)
            bucket.level = min(level, limit.capacity)
            self._buckets[key] = bucket
        self._touched.update(levels)

    async def money(self, days: Mapping[str, str]) -> dict[str, Money]:
        found: dict[str, Money] = {}
        for key, day in days.items():
            known = self._days.get(key)
            bucket = known.by_name.get(day) if known else None
            if bucket:
                found[key] = Money(bucket.spent, bucket.held)
            elif day > (known.known_after if known else self._known_after):
                found[key] = _NO_MONEY
        return found

    def spent_nano(self, key: str, day: str) -> int:
        """What is settled of a budget's day."""
        bucket = self._days_of(key).by_name.get(day)
        return bucket.spent if bucket else 0

    async def restore_spent(
        self, spent: Mapping[str, Mapping[str, int]], *, known_after: str | None = None
    ) -> None:
        now_ns = self._clock.monotonic_ns()
        if known_after is not None:
            self._known_after = known_after
        for key, days in spent.items():
            for day, nano in days.items():
                self._days_of(key).restore(day, nano, now_ns)
        self._touched.update(spent)

    def _days_of(self, key: str) -> MoneyDays:
        days = self._days.get(key)
        if days is None:
            days = self._days[key] = MoneyDays(self._known_after)
        return days

    def _end(self, reservation: str, actual: Mapping[str, int]) -> bool:
        known = self._live.pop(reservation, None)
        if known is None:
            return False
        now_ns = self._clock.monotonic_ns()
        self._touched.update(known.held)
        for key, (bucket, amount) in known.held.items():
            bucket.end(amount, actual.get(key, amount), now_ns)
        return True

    def _limited(self, key: str, limit: Limit, now_ns: int) -> Bucket:
        """The bucket under this limit: as it is, changed, of another day, or new and full."""
        bucket = self._buckets.get(key)
        match bucket, limit:
            case None, RateLimit():
                bucket = RateBucket(limit, now_ns)
            case None, SlotLimit():
                bucket = SlotBucket(limit, now_ns)
            case RateBucket(), RateLimit():
                bucket.relimit(limit, now_ns)
            case SlotBucket(), SlotLimit():
                bucket.limit = limit
            case None | MoneyBucket(), BudgetLimit():
                bucket = self._days_of(key).on(key, limit, now_ns)
            case _:
                raise ValueError(f"bucket {key} cannot become a {type(limit).__name__}")
        self._buckets[key] = bucket
        self._touched.add(key)
        return bucket

    def _binding(self, short: Sequence[tuple[Take, Bucket]], priority: Priority) -> Refused | None:
        """The refusal that binds the most; the first of equals."""
        longest: Wait | None = None
        binding = ""
        for take, bucket in short:
            wait = bucket.wait(take.amount, priority, take.shared, self._clock)
            if longest is None or wait > longest:
                longest, binding = wait, take.key
        if longest is None:
            return None
        wait_ns = longest[1]
        wait_ms = None if wait_ns == UNTOLD_NS else -(-wait_ns // _NS_PER_MS)
        gates = [
            Gate(take.key, take.limit.amount, take.amount, bucket.state().level)
            for take, bucket in short
        ]
        gates.sort(key=lambda gate: gate.bucket != binding)
        return Refused(binding, wait_ms, tuple(gates))
