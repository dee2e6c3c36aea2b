"""Upstreams in trouble, noticed by how calls end, and put on record."""

from collections.abc import Callable

from quotadeck.domain.calls import Call, OpenCall
from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Notice
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject

_CALM_NS = 60_000_000_000
_TROUBLE = {
    Cause.UNREACHABLE: "upstream.unreachable",
    Cause.UPSTREAM_5XX: "upstream.fails",
    Cause.UPSTREAM_AUTH: "upstream.refuses_key",
    Cause.TIMEOUT: "upstream.slow",
    Cause.BROKEN_REPLY: "upstream.breaks",
    Cause.UPSTREAM_429: "upstream.throttles",
}


class UpstreamAlarm:
    """A target's trouble is told once, and again when it comes back after a calm minute."""

    def __init__(self, clock: Clock, tell: Callable[[Event], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._trouble: dict[tuple[str, Cause], int] = {}

    def moved(self, failed: Call, _now: OpenCall) -> None:
        """Look at why a call went on elsewhere."""
        self.ended(failed)

    def ended(self, call: Call) -> None:
        """Look at how a call ended at its target."""
        kind = _TROUBLE.get(call.cause)
        if kind is None:
            return
        now_ns = self._clock.monotonic_ns()
        before = self._trouble.get((call.target, call.cause))
        self._trouble[call.target, call.cause] = now_ns
        if before is None or now_ns - before > _CALM_NS:
            subject, told = str(Subject.target(call.target)), Notice(kind, {"target": call.target})
            self._tell(Event(f"evt_upstream_{call.id}", self._clock.wall_us(), subject, told))
