"""Who has changed without being touched: by time that passed, or by a day that began."""

import heapq
from collections.abc import Iterable, Iterator

from quotadeck.domain.catalogue import Project
from quotadeck.domain.days import day_at
from quotadeck.domain.subject import Subject


class Due:
    """Subjects by the instant at which time alone changes what is said of them."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, Subject]] = []
        self._at_ns: dict[Subject, int] = {}

    def at(self, subject: Subject, when_ns: int | None) -> None:
        """It changes then, if not before; None where time changes nothing.

        An earlier instant stays: who asks then is told of the next one.
        """
        if when_ns is not None and when_ns < self._at_ns.get(subject, when_ns + 1):
            self._at_ns[subject] = when_ns
            heapq.heappush(self._heap, (when_ns, subject))

    def reached(self, now_ns: int) -> Iterator[Subject]:
        """Those whose instant has come; they are forgotten."""
        while self._heap and self._heap[0][0] <= now_ns:
            when_ns, subject = heapq.heappop(self._heap)
            if self._at_ns.get(subject) == when_ns:
                del self._at_ns[subject]
                yield subject


class Midnights:
    """Projects by their zone, of which all begin their day at the same instant."""

    def __init__(self, projects: Iterable[Project], now_us: int) -> None:
        self._zones: dict[str, list[Subject]] = {}
        for project in projects:
            self._zones.setdefault(project.zone, []).append(Subject.project(project.id))
        self._days = {zone: day_at(now_us, zone) for zone in self._zones}

    def passed(self, now_us: int) -> Iterator[Subject]:
        """The projects for which it is another day than when last asked, by midnight or a step
        of the clock, to either side."""
        for zone, day in self._days.items():
            if not day.start_us <= now_us < day.end_us:
                self._days[zone] = day_at(now_us, zone)
                yield from self._zones[zone]
