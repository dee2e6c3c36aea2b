"""The limiter in one process's memory: every call completes without suspending."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import BudgetLimit, Limit, Priority, RateLimit, SlotLimit, Take
from quotadeck.limiter.buckets import (
    Bucket,
    MoneyBucket,
    MoneyDays,
    Passed,
    RateBucket,
    SlotBucket,
    all_fit,
)
from quotadeck.limiter.drawing import parted
from quotadeck.limiter.protocol import Admitted, BucketState, Levels, Money, Refused, TurnName
from quotadeck.limiter.refusing import refusal
from quotadeck.limiter.reservations import Reservation, Taken, check, levels_of, new_epoch, undo
from quotadeck.limiter.turns import Turn, Turns

_NO_MONEY: Final = Money()
_NS_PER_MS: Final = 1_000_000


class MemoryLimiter:
    """A `Limiter` for one event loop.

    - A reservation ends when somebody ends it: past its deadline it still counts, and may be
      settled, until `expire` is called. So `expire` tells each lost one exactly once.
    - An id is known from its admission to its end, and forgotten then: that is how long a repeated
      `acquire` gets the same answer without taking twice. A refused id may simply ask again.
    - When several buckets refuse, money is named before slots, slots before rates: only the
      next day brings a spent budget back, and a slot comes at a time nobody knows. Among
      rates the longest wait is named. A budget's wait lasts until its day ends (settling may free
      held money sooner); it is None where the amount exceeds the whole budget.
    - What is promised to those who have a turn is kept in its memory only.
    - A shadow bucket that is short takes nothing, and later usage does not reach it either.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._days: dict[str, MoneyDays] = {}
        self._known_after = ""
        self._live: dict[str, Reservation] = {}
        self._touched: set[str] = set()
        self._untold: dict[str, set[str]] = {}
        self._epoch = new_epoch()
        self._turns = Turns()

    async def acquire(
        self,
        reservation: str,
        takes: Sequence[Take],
        priority: Priority,
        ttl_ms: int,
        turn: TurnName | None = None,
    ) -> Admitted | Refused:
        """Take from all buckets or from none.

        Raises ValueError for a negative amount or a bucket named twice, and DayUnknown; nothing is
        taken then.
        """
        now_ns = self._clock.monotonic_ns()
        known = self._live.get(reservation)
        if known is not None:
            return Admitted(known.shadowed, levels_of(known.held, now_ns))
        mine = self._turns.of(turn, now_ns) if self._turns.kept else None
        answer = self._take(reservation, takes, priority, now_ns, mine)
        if isinstance(answer, Refused):
            return self._turns.promised(turn, answer, takes, self._buckets, priority, now_ns, mine)
        if turn and mine:
            self._turns.remove(turn)
        admitted, held = answer
        deadline_ns = now_ns + ttl_ms * _NS_PER_MS
        self._live[reservation] = Reservation(deadline_ns, admitted.shadowed, held)
        return admitted

    async def forget(self, turn: TurnName) -> None:
        """Give up a turn: see the protocol."""
        self._turns.remove(turn)

    def look(self, takes: Sequence[Take], priority: Priority) -> Admitted | Refused:
        """What an acquire would be told now: see the protocol."""
        now_ns = self._clock.monotonic_ns()
        # Asked before every request of an application: as a rule all is well, and quick.
        if not self._turns.kept and (levels := all_fit(takes, self._buckets, priority, now_ns)):
            return Admitted("", levels)
        answer = self._take("", takes, priority, now_ns)
        if isinstance(answer, Refused):
            return answer
        admitted, held = answer
        undo(held)
        return admitted

    async def hold(self, reservation: str, takes: Sequence[Take], ttl_ms: int) -> None:
        """Go on with what was admitted elsewhere, before: slots and money are held from now on.

        Of rates nothing is taken: what was counts in the levels that `restore` is told.
        """
        now_ns = self._clock.monotonic_ns()
        held: Taken = {}
        for key, amount, limit, _, _ in takes:
            bucket = self._limited(key, limit, now_ns)
            if isinstance(bucket, SlotBucket):
                bucket.hold(amount, now_ns)
            elif isinstance(bucket, MoneyBucket):
                bucket.held += amount
            held[key] = bucket, amount
        self._live[reservation] = Reservation(now_ns + ttl_ms * _NS_PER_MS, "", held)

    async def exchange(
        self,
        reservation: str,
        gone: Mapping[str, int],
        takes: Sequence[Take],
        priority: Priority,
        ttl_ms: int,
    ) -> Admitted | Refused | None:
        """Move to other buckets in one step: see the protocol."""
        known = self._live.get(reservation)
        if known is None:
            return None
        check(reservation, gone)
        now_ns = self._clock.monotonic_ns()
        before, asked = known.held, {take.key for take in takes}
        given_up = gone.keys() - asked
        done = given_up.isdisjoint(before) if given_up else not gone
        if done and asked <= before.keys():
            return Admitted(known.shadowed, levels_of(before, now_ns))
        if twice := (asked & before.keys()) - gone.keys():
            raise ValueError(f"reservation {reservation} holds {min(twice)} and asks for it again")
        # What comes back to a bucket that is taken anew counts for it: its money is not held twice.
        again = [key for key in gone if key in asked and key in before]
        for take in takes:
            if take.key in again:
                self._limited(take.key, take.limit, now_ns)
        kept = [(before[key][0], before[key][0].kept()) for key in again]
        for key in again:
            bucket, amount = before[key]
            bucket.end(amount, gone[key], now_ns)
        answer: tuple[Admitted, Taken] | Refused | None = None
        try:
            answer = self._take(reservation, takes, priority, now_ns)
        finally:
            if not isinstance(answer, tuple):
                for bucket, state in kept:
                    bucket.back(state)
        if isinstance(answer, Refused):
            return answer
        admitted, fresh = answer
        for key in given_up & before.keys():
            bucket, amount = before[key]
            bucket.end(amount, gone[key], now_ns)
        stay = {k: fresh.get(k, v) for k, v in before.items() if k not in gone or k in fresh}
        known.held = stay | fresh
        if admitted.shadowed or known.shadowed in fresh:  # taken anew, it was not short this time
            known.shadowed = admitted.shadowed
        known.deadline_ns = now_ns + ttl_ms * _NS_PER_MS
        self._touched.update(before, fresh)
        return Admitted(known.shadowed, levels_of(known.held, now_ns))

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
        """Move what another one holds, and take the rest as usual: see the protocol."""
        if reservation in self._live:
            return await self.acquire(reservation, takes, priority, ttl_ms)
        source = self._live.get(lease)
        if source is None:
            return None
        now_ns = self._clock.monotonic_ns()
        moved, rest = parted(
            takes, source.held, most, lambda take: self._limited(take.key, take.limit, now_ns)
        )
        mine = self._turns.of(turn, now_ns) if self._turns.kept else None
        answer = self._take(reservation, rest, priority, now_ns, mine)
        if isinstance(answer, Refused):
            answer = self._turns.promised(turn, answer, rest, self._buckets, priority, now_ns, mine)
            levels = tuple([self._buckets[take.key].left(now_ns) for take in takes])
            return replace(answer, levels=levels)
        if turn and mine:
            self._turns.remove(turn)
        admitted, fresh = answer
        held: Taken = {}
        for key, amount, *_ in takes:
            held[key] = fresh[key] if key in fresh else source.held[key]
            if key in moved:
                bucket, before = source.held[key]
                source.held[key] = bucket, before - moved[key]
                passed = isinstance(held[key][0], Passed)
                held[key] = bucket, moved[key] if passed else amount
        self._touched.update(moved)
        deadline_ns = now_ns + ttl_ms * _NS_PER_MS
        self._live[reservation] = Reservation(deadline_ns, admitted.shadowed, held)
        return Admitted(admitted.shadowed, levels_of(held, now_ns))

    async def charge(self, used: Sequence[Take]) -> None:
        now_ns = self._clock.monotonic_ns()
        for key, amount, limit, *_ in used:
            self._limited(key, limit, now_ns).end(0, amount, now_ns)
            self._touched.add(key)

    async def held(self, reservation: str) -> Mapping[str, int] | None:
        known = self._live.get(reservation)
        return None if known is None else {key: held for key, (_, held) in known.held.items()}

    async def settle(self, reservation: str, actual: Mapping[str, int]) -> Levels | None:
        """End with real usage. Raises ValueError for a negative amount; nothing ends then."""
        check(reservation, actual)
        return self._end(reservation, actual)

    async def release(self, reservation: str) -> bool:
        held = self._live[reservation].held if reservation in self._live else ()
        return self._end(reservation, dict.fromkeys(held, 0)) is not None

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

    def drop(self, keys: Iterable[str]) -> None:
        """Forget buckets of what is no more; what is held of them may still be ended."""
        for key in keys:
            self._buckets.pop(key, None)
            self._days.pop(key, None)
            self._turns.drop(key)
            for touched in (self._touched, *self._untold.values()):
                touched.discard(key)

    async def levels(self, keys: Sequence[str]) -> dict[str, BucketState]:
        now_ns = self._clock.monotonic_ns()
        return {key: self._buckets[key].state(now_ns) for key in keys if key in self._buckets}

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

    async def epoch(self) -> str:
        return self._epoch

    async def restore(self, levels: Mapping[str, tuple[int, RateLimit]]) -> None:
        now_ns = self._clock.monotonic_ns()
        for key, (level, limit) in levels.items():
            if key not in self._buckets:
                self._buckets[key] = bucket = RateBucket(limit, now_ns)
                bucket.level = min(level, limit.capacity)
                self._touched.add(key)

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
        known = self._days.get(key)
        bucket = known.by_name.get(day) if known else None
        return bucket.spent if bucket else 0

    async def restore_spent(
        self, spent: Mapping[str, Mapping[str, int]], *, known_after: str | None = None
    ) -> None:
        if known_after is not None:
            self._known_after = known_after
        for key, days in spent.items():
            for day, nano in days.items():
                self._days_of(key).restore(day, nano)
        self._touched.update(spent)

    def _days_of(self, key: str) -> MoneyDays:
        days = self._days.get(key)
        if days is None:
            days = self._days[key] = MoneyDays(self._known_after)
        return days

    def _take(
        self,
        reservation: str,
        takes: Sequence[Take],
        priority: Priority,
        now_ns: int,
        mine: Turn | None = None,
    ) -> tuple[Admitted, Taken] | Refused:
        """Take from all or from none, whatever is raised; of what is promised only ``mine``."""
        held: Taken = {}
        levels: list[int] = []
        short: list[tuple[Take, Bucket]] = []
        known_bucket = self._buckets.get
        turns = self._turns if self._turns.kept and self._turns.alive(now_ns) else None
        if mine and mine.start_ns <= now_ns:
            priority = Priority.HIGH
        try:
            for take in takes:
                key, amount, limit, shared, _ = take
                if amount < 0:
                    raise ValueError(f"reservation {reservation} asks {key} for {amount}")
                if key in held:
                    raise ValueError(f"reservation {reservation} names a bucket twice")
                bucket = known_bucket(key)
                if bucket is None or bucket.limit is not limit:
                    bucket = self._limited(key, limit, now_ns)
                left = bucket.take(amount, priority, shared, now_ns)
                if (
                    turns
                    and left is not None
                    and not turns.lets(take, bucket, priority, now_ns, mine)
                ):
                    bucket.undo(amount)
                    left = None
                if left is None:
                    short.append((take, bucket))
                    held[key] = Passed(bucket), amount
                    left = bucket.left(now_ns)
                else:
                    held[key] = bucket, amount
                levels.append(left)
        except BaseException:
            undo(held)
            raise
        if not short:
            return Admitted("", tuple(levels)), held
        real = [one for one in short if not one[0].shadow]
        if real:
            undo(held)
            refused = refusal(real, priority, levels_of(held, now_ns), self._clock)
            if turns:
                refused = turns.behind(refused, takes, self._buckets, priority, now_ns, mine)
            return refused
        shadow = refusal(short, priority, (), self._clock)
        return Admitted(shadow.binding, tuple(levels)), held

    def _end(self, reservation: str, actual: Mapping[str, int]) -> Levels | None:
        known = self._live.pop(reservation, None)
        if known is None:
            return None
        now_ns = self._clock.monotonic_ns()
        held = known.held
        if self._untold:  # whoever reads for the first time is told of all
            self._touched.update(held)
        used = actual.get
        return tuple(
            [
                bucket.end(amount, used(key, amount), now_ns)
                for key, (bucket, amount) in held.items()
            ]
        )

    def _limited(self, key: str, limit: Limit, now_ns: int) -> Bucket:
        """The bucket under this limit: as it is, changed, of another day, or new and full."""
        bucket = self._buckets.get(key)
        match bucket, limit:
            case None, RateLimit():
                bucket = RateBucket(limit, now_ns)
            case None, SlotLimit():
                bucket = SlotBucket(limit)
            case RateBucket(), RateLimit():
                bucket.relimit(limit, now_ns)
            case SlotBucket(), SlotLimit():
                bucket.limit = limit
            case None | MoneyBucket(), BudgetLimit():
                bucket = self._days_of(key).on(key, limit)
            case _:
                raise ValueError(f"bucket {key} cannot become a {type(limit).__name__}")
        self._buckets[key] = bucket
        self._touched.add(key)
        return bucket
