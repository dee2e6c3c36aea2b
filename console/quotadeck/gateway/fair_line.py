"""A line in which everybody has a line of their own, and they are served by turns."""

from collections import deque
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

MOST_WAITING: Final = 256
"""Of one owner; a script with fifty processes is one."""

T = TypeVar("T")


class FairLine(Generic[T]):
    """First come, first served among those of one owner; of several owners, one each in turn."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, deque[T]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def join(self, owner: Hashable, one: T) -> bool:
        """False where the owner has too many waiting: this one does not wait."""
        line = self._lines.setdefault(owner, deque())
        if len(line) >= MOST_WAITING:
            return False
        line.append(one)
        return True

    def next(self) -> T:
        """The next one, of whoever waits for a turn longest. Raises StopIteration where none is."""
        owner = next(iter(self._lines))
        line = self._lines.pop(owner)
        one = line.popleft()
        if line:
            self._lines[owner] = line
        return one
