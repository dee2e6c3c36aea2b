"""Requests begin a few in each turn of the event loop.

Those of one turn go through their steps together, and at each the first waits for the last: the
journal writes the records of a turn as one. Of fifty that came at once each would wait for all.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

AT_LEAST: Final = 3
SHARE: Final = 2
"""Half of those that wait: a long line is worked off in large turns, which cost less a request."""


class Starting:
    """Begins what waits, in the order in which it came: half of it a turn, `AT_LEAST` if so many.

    One request costs a write to the journal, eight of a turn cost hardly more. Measured at fifty
    clients, over an upstream of 20 ms: all at once 148 µs a request and 5.6 ms added, three a turn
    174 µs and 2.2 ms, this 137 µs and 1.7 ms.
    """

    __slots__ = ("_begun", "_loop", "_waiting")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = 0
        """In this turn."""
        self._waiting: deque[Callable[[], None]] = deque()

    def begin(self, start: Callable[[], None]) -> None:
        """Call it, now or in a turn to come."""
        if self._waiting or self._begun >= AT_LEAST:
            self._waiting.append(start)
        else:
            self._begin(start)

    def _begin(self, start: Callable[[], None]) -> None:
        if not self._begun:
            self._loop.call_soon(self._turn)
        self._begun += 1
        start()

    def _turn(self) -> None:
        self._begun = 0
        waiting = self._waiting
        for _ in range(min(len(waiting), max(AT_LEAST, len(waiting) // SHARE))):
            self._begin(waiting.popleft())
