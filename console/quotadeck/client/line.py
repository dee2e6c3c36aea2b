"""A project's line: first in, first out, with priorities that age.

A waiter's place is the second at which it came, plus ten for each class below the highest. So a
higher class overtakes those who came up to ten seconds earlier, and nobody waits for ever.
"""

from bisect import insort
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from quotadeck.domain.limits import Priority
from quotadeck.limiter import TurnName

AGEING_S: Final = 10.0
"""The head start of a class over the one below it, in seconds."""

T = TypeVar("T")


class Waiter(Generic[T]):
    """One request in a line. ``wants`` is the request, ``wake`` lets it ask again (any thread)."""

    __slots__ = (
        "binding",
        "due_ns",
        "gone",
        "key",
        "lives",
        "money",
        "needs_s",
        "since_s",
        "stands_at",
        "stood",
        "turn",
        "wake",
        "wants",
    )

    def __init__(
        self,
        wants: T,
        since_s: float,
        priority: Priority,
        turn: TurnName,
        wake: Callable[[], None],
        lives: Callable[[], bool],
    ) -> None:
        self.wants, self.since_s, self.turn, self.wake = wants, since_s, turn, wake
        self.lives = lives
        """Whether it can ask at all now: its loop runs."""
        self.key = since_s + priority * AGEING_S
        """Its place: who has a smaller one goes first."""
        self.binding = ""
        """The bucket that refused it last."""
        self.stands_at = ""
        """The bucket at which it holds up those behind it, for want of a turn; else empty."""
        self.stood = 0
        """Its place among all that ever stood at a bucket; 0 where it never did."""
        self.money: tuple[tuple[str, int], ...] = ()
        """What it asks of money that has a limit, by bucket, since it was refused last."""
        self.due_ns = 0
        """The monotonic instant of the turn that it was promised; 0 where it has none."""
        self.needs_s: float | None = None
        """The wait that it was told last, in seconds; None where none can be computed."""
        self.gone = True
        """Whether it stands in no line."""

    @property
    def waits_for_money(self) -> bool:
        """Whether it was money that refused it last."""
        return any(bucket == self.binding for bucket, _ in self.money)


class Line(Generic[T]):
    """The waiters of one project; only the head asks the limiter."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Waiter[T]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def head(self) -> Waiter[T] | None:
        """The waiter who goes first."""
        return self._waiting[0] if self._waiting else None

    def ahead_of(self, one: Waiter[T]) -> int:
        """How many go before it."""
        return self._waiting.index(one)

    def join(self, one: Waiter[T]) -> Waiter[T] | None:
        """Stand in line, behind all with the same key; the head that it displaced, if it did."""
        before, one.gone = self.head, False
        insort(self._waiting, one, key=lambda waiter: waiter.key)
        return before if before is not self.head else None

    def leave(self, one: Waiter[T]) -> Waiter[T] | None:
        """Leave the line from any place in it; the new head, if the old one left."""
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
