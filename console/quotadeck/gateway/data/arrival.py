"""A request's arrival: its id, its instant, and what its caller calls it."""

import secrets
from typing import Final, NamedTuple

from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id

_OF_AN_ID: Final = 10
_DRAWN: Final = 256 * _OF_AN_ID


class Arrival(NamedTuple):
    """A request's id, the instant it came, on both clocks, and what its caller calls it.

    ``at_us`` is UTC, ``at_ns`` monotonic. ``trace_id`` is of the caller's trace, 32 hex digits;
    ``lines`` tell the upstream both: header lines, each behind the end of the one before it.
    """

    id: str
    at_us: int
    at_ns: int
    client_request_id: str = ""
    trace_id: str = ""
    lines: str = ""

    @property
    def sent_as(self) -> str:
        """The value of x-request-id to the upstream, and the lines behind it."""
        return self.id + self.lines


class Arrivals:
    """Names requests as they come.

    Random bytes are drawn for many ids at once: the system call lets other threads run, and each
    request would have to wait for the interpreter to come back.
    """

    __slots__ = ("_at", "_clock", "_drawn")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._drawn = b""
        self._at = _DRAWN

    def new(self) -> Arrival:
        """The arrival of a request that comes now."""
        if self._at == _DRAWN:
            self._drawn, self._at = secrets.token_bytes(_DRAWN), 0
        at_us, begin = self._clock.wall_us(), self._at
        self._at = end = begin + _OF_AN_ID
        identity = new_id("req", at_us, self._drawn[begin:end])
        return Arrival(identity, at_us, self._clock.monotonic_ns())
