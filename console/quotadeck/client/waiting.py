"""The lines of all projects, and which of their heads is woken when a bucket is given something."""

from collections.abc import Collection

from quotadeck.client.heads import Heads
from quotadeck.client.line import Line, Waiter
from quotadeck.client.want import Want


class Waiting:
    """Only heads are woken, and of those that wait for one bucket one at a time.

    None depends on it: each wakes by itself at its turn. Being woken only makes it earlier.
    """

    def __init__(self) -> None:
        self.heads = Heads()
        self._lines: dict[str, Line[Want]] = {}
        """The lines in which somebody waits, by project."""
        self._flows = False
        """Whether a bucket was given something, and no head was refused since."""

    def __len__(self) -> int:
        return len(self._lines)

    def join(self, waiter: Waiter[Want]) -> Waiter[Want] | None:
        """Stand in the project's line; the head that was displaced by that, if one was."""
        project = waiter.wants.project
        self._lines[project.name] = project.line
        return project.line.join(waiter)

    def leave(self, waiter: Waiter[Want]) -> None:
        """Leave the project's line; who is the head by that is woken."""
        project = waiter.wants.project
        after = project.line.leave(waiter)
        if after is not None:
            after.wake()
        self.has_turn(waiter)
        if not len(project.line):
            self._lines.pop(project.name, None)

    def has_turn(self, waiter: Waiter[Want]) -> None:
        """The waiter was promised a turn, or has left: it holds up nobody any longer."""
        first = self.heads.go(waiter)
        if first is not None:
            first.wake()

    def came_back(self, buckets: Collection[str]) -> None:
        """Something was given back to these buckets: wake the head that is due next at them."""
        soonest: Waiter[Want] | None = None
        for line in self._lines.values():
            head = line.head
            if (
                head is not None
                and head.binding in buckets
                and (soonest is None or head.due_ns < soonest.due_ns)
            ):
                soonest = head
        if soonest is not None:
            self._flows = True
            soonest.wake()

    def went(self, waiter: Waiter[Want]) -> None:
        """The waiter was admitted: there may be room for the next one at the same bucket."""
        self.leave(waiter)
        if self._flows:
            self.came_back((waiter.binding,))
        first = self.heads.first(waiter.binding)
        if first is not None:
            first.wake()

    def refused(self) -> None:
        """A head was refused: what came back is used up, and no further head is woken for it."""
        self._flows = False

    def wake(self) -> None:
        """Let every head ask again. Safe at any moment: it may be called by the collector."""
        for line in tuple(self._lines.values()):
            head = line.head
            if head is not None:
                head.wake()
