"""A list without end, read leaf by leaf, of which only what is near the cursor is kept.

The newest rows are the first. What was let go is read again from where it began, for a leaf begins
at a cursor that stays good. A hundred thousand rows may be passed by; some hundreds are held.
"""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

R = TypeVar("R")
C = TypeVar("C")

LEAVES: Final = 6
"""Leaves that are kept beside the head."""
HEAD_MOST: Final = 600
"""Rows of the head: what came since the list was opened goes on from here."""
HEAD_KEPT: Final = 400
"""What is left of a head that grew over `HEAD_MOST`."""


class Reel(Generic[R, C]):
    """The rows of a head, which grows at the front, and of the leaves behind it.

    ``past`` gives the cursor behind some rows that were read from a cursor on.
    """

    def __init__(self, past: Callable[[C, Sequence[R]], C], start: C) -> None:
        self._past = past
        self._start = start
        self._head: tuple[R, ...] = ()
        self._clear()
        self._next: C | None = start
        self._rows: tuple[R, ...] | None = None

    def _clear(self) -> None:
        self._starts: list[C] = []
        self._sizes: list[int] = []
        self._kept: list[tuple[R, ...]] = []
        self._first = 0

    @property
    def rows(self) -> tuple[R, ...]:
        """What is held, the newest first: the same tuple until something is put or let go."""
        if self._rows is None:
            head = () if self._first else self._head
            self._rows = tuple(row for rows in (head, *self._kept) for row in rows)
        return self._rows

    @property
    def before(self) -> int:
        """How many rows were let go before the first that is held."""
        return len(self._head) + sum(self._sizes[: self._first]) if self._first else 0

    @property
    def seen(self) -> int:
        """How many rows there are, as far as it was read."""
        return len(self._head) + sum(self._sizes)

    @property
    def older(self) -> C | None:
        """From where to read what is older than the last row held; None at the end."""
        last = self._first + len(self._kept)
        return self._starts[last] if last < len(self._starts) else self._next

    @property
    def newer(self) -> C | None:
        """From where to read what comes before the first row held; None where nothing is gone."""
        return self._starts[self._first - 1] if self._first else None

    def begin(self, rows: Sequence[R], following: C | None) -> None:
        """Start anew with these; ``following`` is where the next leaf begins, None at the end."""
        self._clear()
        self._head, self._next, self._rows = tuple(rows), following, None

    def add(self, rows: Sequence[R], *, trim: bool) -> None:
        """Put newer rows before all others.

        A head that has become too long loses its end, if it may be trimmed, and what is behind it:
        that is read again when somebody goes there.
        """
        head = (*rows, *self._head)
        if trim and len(head) > HEAD_MOST:
            head = head[:HEAD_KEPT]
            self._clear()
            self._next = self._past(self._start, head)
        self._head, self._rows = head, None

    def put_older(self, rows: Sequence[R], following: C | None) -> None:
        """The leaf that was read from `older` on. One without rows only says where to go on."""
        last = self._first + len(self._kept)
        known = last < len(self._starts)
        if not known and not rows:
            self._next = following
            return
        if not known:
            assert self._next is not None, "behind the end there is no leaf"
            self._starts.append(self._next)
            self._sizes.append(len(rows))
            self._next = following
        self._kept.append(tuple(rows))
        if len(self._kept) > LEAVES:
            self._kept.pop(0)
            self._first += 1
        self._rows = None

    def put_newer(self, rows: Sequence[R]) -> None:
        """The leaf that was read from `newer` on."""
        self._first -= 1
        self._kept = [tuple(rows), *self._kept][:LEAVES]
        self._rows = None

    def rewind(self) -> None:
        """Back to the head: what is behind it is read again."""
        if self._first:
            self._next = self._starts[0]
            self._clear()
            self._rows = None
