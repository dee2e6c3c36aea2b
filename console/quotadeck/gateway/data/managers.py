"""What the managers in applications told last: who waits there, for what, and how long already.

It comes with their renewals and is kept for a while after the last: a process that went away tells
nothing any more.
"""

from typing import Final, NamedTuple

from quotadeck.domain.clock import Clock
from quotadeck.domain.lease import ManagerRow, Waiting
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lease_asked import LeaseAsk

KEPT_NS: Final = 120_000_000_000
"""Two lives of a lease."""
MOST_OF_A_KEY: Final = 64
MOST: Final = 4_096


class _Told(NamedTuple):
    name: str
    at_us: int
    at_ns: int
    lease_id: str
    waiting: tuple[Waiting, ...]


class Managers:
    """By key, project and process, for several may have one name; of a key that has too many the
    oldest makes room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[tuple[Caller, str], _Told] = {}

    def tell(self, caller: Caller, ask: LeaseAsk, lease_id: str) -> None:
        """What a manager has told now; where it is nothing of who waits, the last stays."""
        whose, waiting = (caller, ask.whose), ask.waiting
        before = self._told.pop(whose, None)
        if waiting is None:
            waiting = before.waiting if before else ()
        if before is None:
            self._make_room(caller.key_id)
        # The newest are last.
        now_us, now_ns = self._clock.wall_us(), self._clock.monotonic_ns()
        self._told[whose] = _Told(ask.manager, now_us, now_ns, lease_id, waiting)

    def forget(self, caller: Caller, whose: str) -> None:
        """A manager has given back what it held: it tells again when it asks again."""
        self._told.pop((caller, whose), None)

    def rows(self) -> tuple[ManagerRow, ...]:
        """Those that told lately, each with how long ago that was."""
        now_ns = self._clock.monotonic_ns()
        for whose, told in list(self._told.items()):
            if now_ns - told.at_ns > KEPT_NS:
                del self._told[whose]
        return tuple(
            ManagerRow(
                told.name,
                caller.project,
                caller.key_id,
                told.lease_id,
                told.at_us,
                (now_ns - told.at_ns) // 1_000_000,
                told.waiting,
            )
            for (caller, _), told in self._told.items()
        )

    def _make_room(self, key_id: str) -> None:
        of_key = [whose for whose in self._told if whose[0].key_id == key_id]
        if len(of_key) >= MOST_OF_A_KEY:
            del self._told[of_key[0]]
        elif len(self._told) >= MOST:
            del self._told[next(iter(self._told))]
