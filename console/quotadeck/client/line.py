"""Who waits, first in first out with ageing: a class is worth a head start of so many seconds."""

from bisect import insort
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from quotadeck.domain.limits import Priority
from quotadeck.limiter import TurnName

AGEING_S: Final = 10.0
"""How much later than one of the class below somebody may come and still go first."""

T = TypeVar("T")


class Waiter(Generic[T]):
    """One who waits: ``wants`` is his, ``wake`` tells him to look again (from any thread)."""

    __slots__ = (
        "binding",
        "due_ns",
        "gone",
        "key",
        "needs_s",
        "since_s",
        "stands_at",
        "turn",
        "wake",
        "wants",
    )

    def __init__(
        self, wants: T, since_s: float, priority: Priority, turn: TurnName, wake: Callable[[], None]
    ) -> None:
        self.wants, self.since_s, self.turn, self.wake = wants, since_s, turn, wake
        self.key = since_s + priority * AGEING_S
        self.binding = ""
        """The bucket that refused him last."""
        self.stands_at = ""
        """The bucket at which nobody asks before he has a turn."""
        self.due_ns = 0
        """The instant of the turn that he was promised; 0 where he was promised none."""
        self.needs_s: float | None = None
        """How long he would have to wait still, as he was told last; None where nobody knows."""
        self.gone = False


class Line(Generic[T]):
    """The waiters of one project; only the head asks for anything."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Waiter[T]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def head(self) -> Waiter[T] | None:
        return self._waiting[0] if self._waiting else None

    def ahead_of(self, one: Waiter[T]) -> int:
        """How many go first."""
        return self._waiting.index(one)

    def join(self, one: Waiter[T]) -> Waiter[T] | None:
        """Stand where the key says, behind those with the same; the head that he displaced."""
        before = self.head
        insort(self._waiting, one, key=lambda waiter: waiter.key)
        return before if before is not self.head else None

    def leave(self, one: Waiter[T]) -> Waiter[T] | None:
        """Go, wherever he stands; the new head, where he was it."""
        if one.gone:
            return None
        one.gone = True
        was_head = self.head is one
        if was_head:
            del self._waiting[0]
        else:
            self._waiting.remove(one)
        return self.head if was_head else None

    def __iter__(self) -> Iterator[Waiter[T]]:
        return iter(self._waiting)
