"""The table of a server's connections: who may stay when there are more than it holds.

A connection waits until a request of somebody known is under way on it. Some places are always left
to those that wait, so a newcomer is never turned away: the one that waited longest goes instead,
strangers first but for the newest few. What can be refused is a request, in words.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from quotadeck.domain.notice import Notice, notice

SEAT: Final = "seat"
"""The key of ``scope["state"]`` under which a connection's `Seat` stands."""

_WAITING_SHARE: Final = 8
_MOST_WAITING: Final = 256
_LONGEST_TURN: Final = 32
"""Some five milliseconds of the event loop."""
_NEARLY_FULL_PERCENT: Final = 90
_FULL: Final = {
    (False, False): "nearly_full",
    (True, False): "drops",
    (False, True): "refuses",
    (True, True): "drops_and_refuses",
}
"""By whether idle ones are dropped, and whether requests are refused."""
_TOLD_S: Final = 60.0
"""So long a connection dropped or a request refused stays among the problems."""


@dataclass
class OwnerCrowded(Exception):
    """One account or project has as many requests under way as are ``allowed`` to one."""

    allowed: int


@dataclass
class Crowded(Exception):
    """All places that such a request may take, ``places``, are taken."""

    places: int


class Seat:
    """One connection's place in its table.

    ``uid`` is the peer's account on a Unix socket, None on TCP. ``known`` is true for an account,
    and for good once the connection has carried a valid key.
    """

    __slots__ = ("_gone", "_table", "hang_up", "known", "owner", "uid")

    def __init__(self, table: "Connections", hang_up: Callable[[], None], uid: int | None) -> None:
        self._table = table
        self.hang_up = hang_up
        self.uid = uid
        self.known = uid is not None
        self.owner = ""
        """Whose request is under way; empty while the connection waits."""
        self._gone = False

    def serve(self, owner: str, *, share: int | None = None, places: int | None = None) -> None:
        """A request of somebody known begins; until it ends the connection is not dropped.

        ``share`` is how many one owner may have under way (by default three quarters of all, so
        that none takes everything), ``places`` how many there may be in all to let this one in.
        Raises OwnerCrowded or Crowded.
        """
        if not self._gone:  # else the request outlives its connection: nobody is served
            self._table.serve(self, owner, share, places)

    def rest(self) -> None:
        """The request has ended: the connection waits for the next one."""
        self._table.rest(self)

    def leave(self) -> None:
        """The connection is lost."""
        self._gone = True
        self._table.leave(self)


class Connections:
    """``most`` connections of the server called ``name`` in words; ``now_s`` is monotonic."""

    def __init__(self, name: str, most: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._now_s = now_s
        self.most = most
        self.places = most - min(_MOST_WAITING, max(2, most // _WAITING_SHARE))
        """How many may have a request under way; the other ones are for those that wait."""
        # Oldest first. Linked lists: taking the first of a dict again and again is quadratic.
        self._strangers = OrderedDict[Seat, None]()
        self._waiting = OrderedDict[Seat, None]()
        self._served = Counter[str]()
        self._busy = 0
        self._dropped_s = self._refused_s = self._starved_s = float("-inf")

    def __len__(self) -> int:
        return self._busy + len(self._waiting) + len(self._strangers)

    @property
    def turn(self) -> int:
        """How many may be accepted before those accepted were heard: fewer than can wait."""
        return max(1, min(_LONGEST_TURN, (self.most - self.places) // 2))

    def come(self, hang_up: Callable[[], None], uid: int | None = None) -> Seat:
        """A new connection; for one too many, another one is hung up on."""
        seat = Seat(self, hang_up, uid)
        if len(self) >= self.most:
            # An account that opens one after the other pushes out its own.
            mine = [other for other in self._waiting if other.uid == uid] if uid is not None else []
            if len(mine) >= self.turn:
                self._drop(mine[0])
            else:
                self._drop_one()
        self._wait(seat)
        return seat

    def serve(self, seat: Seat, owner: str, share: int | None, places: int | None) -> None:
        """See `Seat.serve`."""
        places = self.places if places is None else places
        share = self.places * 3 // 4 if share is None else share
        if self._served[owner] >= share:
            self._refused_s = self._now_s()
            raise OwnerCrowded(share)
        if self._busy >= places:
            self._refused_s = self._now_s()
            raise Crowded(places)
        self._forget(seat)
        seat.known = True
        seat.owner = owner
        self._served[owner] += 1
        self._busy += 1

    def rest(self, seat: Seat) -> None:
        """See `Seat.rest`; a connection that waits keeps its place in the line."""
        if seat.owner:
            self._end(seat)
            self._wait(seat)

    def leave(self, seat: Seat) -> None:
        """See `Seat.leave`."""
        if seat.owner:
            self._end(seat)
        self._forget(seat)

    def starved(self) -> None:
        """The system gave no file descriptor for a newcomer: make room for the next ones."""
        self._starved_s = self._now_s()
        for _ in range(self.turn):
            self._drop_one()

    def problems(self) -> list[Notice]:
        """What is wrong, in facts that stay the same while it is."""
        since_s = self._now_s() - _TOLD_S
        dropped, refused = self._dropped_s > since_s, self._refused_s > since_s
        nearly_full = len(self) * 100 >= self.most * _NEARLY_FULL_PERCENT
        found = []
        if dropped or refused or nearly_full:
            kind = f"vital.{self._name}.{_FULL[dropped, refused]}"
            found.append(notice(kind, shown=self.shown, most=self.most))
        if self._starved_s > since_s:
            found.append(notice("vital.no_descriptor"))
        return found

    @property
    def shown(self) -> int:
        """How many there are, rounded up to a hundredth of the most, so that calm is still."""
        step = max(1, self.most // 100)
        return min(self.most, -(-len(self) // step) * step)

    def _wait(self, seat: Seat) -> None:
        (self._waiting if seat.known else self._strangers)[seat] = None

    def _forget(self, seat: Seat) -> None:
        self._strangers.pop(seat, None)
        self._waiting.pop(seat, None)

    def _end(self, seat: Seat) -> None:
        self._busy -= 1
        self._served[seat.owner] -= 1
        if not self._served[seat.owner]:
            del self._served[seat.owner]
        seat.owner = ""

    def _drop_one(self) -> None:
        # The last strangers are as new as they come: one of them may be about to show its key.
        few = len(self._strangers) < self.most - self.places
        line = self._waiting if few and self._waiting else self._strangers
        if line:
            self._drop(next(iter(line)))

    def _drop(self, seat: Seat) -> None:
        self._forget(seat)
        self._dropped_s = self._now_s()
        seat.hang_up()


def seat_of(scope: Mapping[str, Any]) -> Seat:
    """The seat of a request's connection, from its ASGI scope."""
    seat: Seat = scope["state"][SEAT]
    return seat
