"""Sliding sums: what passed in the last minute, five minutes, hour. Memory bounded by the span.

What comes is added to the newest slot alone; sums are made where they are read, and when a slot is
over. The slots are in lists, for there are 60 at most and a deque takes 600 bytes before its first.
"""

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
_SECOND_NS = 1_000_000_000
_NEVER = -(1 << 63)
"""Before every instant: what came before a machine started is at negative ones."""


class SlidingSums:
    """Sums of ``columns`` figures over the last ``slots`` slots of ``slot_ns``.

    Slots without figures cost nothing; the oldest leaves whole: the span is exact to a slot.
    """

    __slots__ = ("_columns", "_newest", "_over", "_slot_ns", "_slots", "_until_ns", "_when")

    def __init__(self, columns: int, slot_ns: int, slots: int) -> None:
        self._columns = columns
        self._slot_ns = slot_ns
        self._slots = slots
        self._when: list[tuple[int, list[int]]] = []
        self._over = [0] * columns
        """The sums of all slots but the newest."""
        self._newest: list[int] = []
        self._until_ns = _NEVER
        """Before this instant, what comes belongs to the newest slot."""

    def slot(self, now_ns: int) -> list[int]:
        """The figures of now, to add to."""
        # An instant before the last one counts with the last: a slot each would grow without end.
        if now_ns >= self._until_ns:
            self._begin(now_ns)
        return self._newest

    def advance(self, now_ns: int) -> list[int]:
        """Drop what is older than the span; the sums that remain."""
        self._drop(now_ns // self._slot_ns - self._slots)
        if not self._when:
            return [0] * self._columns
        return [over + new for over, new in zip(self._over, self._newest, strict=True)]

    def newest(self, now_ns: int, slots: int) -> list[int]:
        """The sums of the newest so many slots."""
        oldest = now_ns // self._slot_ns - slots
        kept = [figures for slot, figures in self._when if slot > oldest]
        return [sum(column) for column in zip(*kept, strict=True)] or [0] * self._columns

    @property
    def next_ns(self) -> int | None:
        """When the oldest slot leaves; None where nothing is left."""
        return (self._when[0][0] + self._slots) * self._slot_ns if self._when else None

    def _begin(self, now_ns: int) -> None:
        """A new slot. What the one before it held goes into the sums."""
        slot = now_ns // self._slot_ns
        self._drop(slot - self._slots)
        if self._when:
            for column, amount in enumerate(self._newest):
                if amount:
                    self._over[column] += amount
        self._newest = [0] * self._columns
        self._when.append((slot, self._newest))
        self._until_ns = (slot + 1) * self._slot_ns

    def _drop(self, oldest: int) -> None:
        """Drop the slots up to this one."""
        when = self._when
        while when and when[0][0] <= oldest:
            _, figures = when.pop(0)
            if when:
                for column, amount in enumerate(figures):
                    if amount:
                        self._over[column] -= amount
        if not when:
            self._until_ns = _NEVER


class Counts(Generic[Key]):
    """How often each key came in the last ``short`` and the last ``long`` seconds, by the second.

    Keys come as they are met.
    """

    __slots__ = ("_long", "_newest", "_second", "_short")

    def __init__(self, short: int, long: int) -> None:
        self._short: _Span[Key] = _Span(short)
        self._long: _Span[Key] = _Span(long)
        self._second = _NEVER
        self._newest: dict[Key, int] = {}

    def add(self, now_ns: int, key: Key) -> None:
        """It came once more, now."""
        second = now_ns // _SECOND_NS
        if second > self._second:
            self._begin(second)
        counts = self._newest
        counts[key] = counts.get(key, 0) + 1

    def at(self, now_ns: int) -> tuple[Mapping[Key, int], Mapping[Key, int]]:
        """The counts of the short and of the long span; none is zero."""
        second = now_ns // _SECOND_NS
        if second > self._second:
            self._begin(second)
        return self._short.with_newest(self._newest), self._long.with_newest(self._newest)

    def forget(self, key: Key) -> None:
        """As if it had never come."""
        self._newest.pop(key, None)
        self._short.forget(key)
        self._long.forget(key)

    def _begin(self, second: int) -> None:
        for span in (self._short, self._long):
            span.close(self._second, self._newest, second)
        self._second = second
        self._newest = {}


class _Span(Generic[Key]):
    """The seconds that are over, of those that a span covers; two spans share each one's counts."""

    __slots__ = ("_seconds", "_sums", "_when")

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._when: list[tuple[int, dict[Key, int]]] = []
        self._sums: dict[Key, int] = {}

    def close(self, second: int, counts: dict[Key, int], now: int) -> None:
        """Take in a second that is over, and let go what the span does not cover now."""
        sums, oldest = self._sums, now - self._seconds
        if counts and second > oldest:
            self._when.append((second, counts))
            for key, count in counts.items():
                sums[key] = sums.get(key, 0) + count
        while self._when and self._when[0][0] <= oldest:
            for key, count in self._when.pop(0)[1].items():
                sums[key] -= count
                if not sums[key]:
                    del sums[key]

    def with_newest(self, newest: Mapping[Key, int]) -> Mapping[Key, int]:
        if not newest:
            return self._sums
        counts = dict(self._sums)
        for key, count in newest.items():
            counts[key] = counts.get(key, 0) + count
        return counts

    def forget(self, key: Key) -> None:
        self._sums.pop(key, None)
        for _, counts in self._when:
            counts.pop(key, None)
