"""Sliding sums: what passed in the last minute, five minutes, hour. Memory bounded by the span."""

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
_SECOND_NS = 1_000_000_000


class SlidingSums:
    """Sums of ``columns`` figures over the last ``slots`` slots of ``slot_ns``.

    Slots without figures cost nothing; the oldest leaves whole: the span is exact to a slot.
    """

    __slots__ = ("_columns", "_slot_ns", "_slots", "_when", "sums")

    def __init__(self, columns: int, slot_ns: int, slots: int) -> None:
        self._columns = columns
        self._slot_ns = slot_ns
        self._slots = slots
        self._when: deque[tuple[int, list[int]]] = deque()
        self.sums = [0] * columns

    def add(self, now_ns: int, column: int, amount: int) -> None:
        """Add to one figure, now."""
        slot = now_ns // self._slot_ns
        # An instant before the last one counts with the last: a slot each would grow without end.
        if not self._when or self._when[-1][0] < slot:
            self.advance(now_ns)
            self._when.append((slot, [0] * self._columns))
        self._when[-1][1][column] += amount
        self.sums[column] += amount

    def advance(self, now_ns: int) -> list[int]:
        """Drop what is older than the span; the sums that remain."""
        oldest = now_ns // self._slot_ns - self._slots
        while self._when and self._when[0][0] <= oldest:
            for column, amount in enumerate(self._when.popleft()[1]):
                self.sums[column] -= amount
        return self.sums

    @property
    def next_ns(self) -> int | None:
        """When the oldest slot leaves; None where nothing is left."""
        return (self._when[0][0] + self._slots) * self._slot_ns if self._when else None


class Counts(Generic[Key]):
    """How often each key came in the last ``seconds``, by the second; keys come as they are met."""

    __slots__ = ("_seconds", "_sums", "_when")

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._when: deque[tuple[int, dict[Key, int]]] = deque()
        self._sums: dict[Key, int] = {}

    def add(self, now_ns: int, key: Key) -> None:
        """It came once more, now."""
        second = now_ns // _SECOND_NS
        if not self._when or self._when[-1][0] < second:
            self.at(now_ns)
            self._when.append((second, {}))
        counts = self._when[-1][1]
        counts[key] = counts.get(key, 0) + 1
        self._sums[key] = self._sums.get(key, 0) + 1

    def at(self, now_ns: int) -> Mapping[Key, int]:
        """The counts without what is older than the span; none is zero."""
        oldest = now_ns // _SECOND_NS - self._seconds
        while self._when and self._when[0][0] <= oldest:
            for key, count in self._when.popleft()[1].items():
                self._sums[key] -= count
                if not self._sums[key]:
                    del self._sums[key]
        return self._sums

    def forget(self, key: Key) -> None:
        """As if it had never come."""
        if self._sums.pop(key, 0):
            for _, counts in self._when:
                counts.pop(key, None)
