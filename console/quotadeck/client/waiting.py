"""All who wait: the lines of the projects, and which head is woken when something comes back."""

from collections.abc import Collection

from quotadeck.client.heads import Heads
from quotadeck.client.line import Line, Waiter
from quotadeck.client.want import Want


class Waiting:
    """Only heads are ever woken, and of those that wait for the same bucket one after the other.

    Each sleeps no longer than until its turn anyway: to be woken is to be early.
    """

    def __init__(self) -> None:
        self.heads = Heads()
        self._lines: dict[str, Line[Want]] = {}
        """Those in which somebody waits, by project."""
        self._flows = False
        """Something came back, and nobody was refused since."""

    def __len__(self) -> int:
        return len(self._lines)

    def join(self, waiter: Waiter[Want]) -> Waiter[Want] | None:
        """Stand in the project's line; the head that is one no more."""
        project = waiter.wants.project
        self._lines[project.name] = project.line
        return project.line.join(waiter)

    def leave(self, waiter: Waiter[Want]) -> None:
        """Whoever is a head by that looks for himself."""
        project = waiter.wants.project
        after = project.line.leave(waiter)
        if after is not None:
            after.wake()
        self.has_turn(waiter)
        if not len(project.line):
            self._lines.pop(project.name, None)

    def has_turn(self, waiter: Waiter[Want]) -> None:
        """He holds up nobody any longer."""
        first = self.heads.go(waiter)
        if first is not None:
            first.wake()

    def came_back(self, buckets: Collection[str]) -> None:
        """Something was given back to these: the head whose turn is next may be early."""
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
        """He was admitted: there may be room for the next one who waits for the same."""
        self.leave(waiter)
        if self._flows:
            self.came_back((waiter.binding,))
        first = self.heads.first(waiter.binding)
        if first is not None:
            first.wake()

    def refused(self) -> None:
        """There was not enough for a head: nor is there for the next."""
        self._flows = False

    def wake(self) -> None:
        """Every head looks again. To be called in the middle of anything."""
        for line in tuple(self._lines.values()):
            head = line.head
            if head is not None:
                head.wake()
