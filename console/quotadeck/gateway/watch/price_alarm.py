"""Prices in doubt, noticed by how calls end: unknown ones, and those that the upstream denies."""

from collections.abc import Callable
from typing import Final

from quotadeck.domain.calls import Call, is_unpriced
from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Notice
from quotadeck.domain.price import BY_UPSTREAM, UNKNOWN_VERSION
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.gateway.plan import Plan

_CALM_NS: Final = 3_600_000_000_000
"""Told once an hour: prices are cured by day."""
_SPAN_NS: Final = 600_000_000_000
_LEAST_CALLS: Final = 5
_USUAL_PERCENT: Final = 2


class _Sums:
    """What calls of a target cost by our prices and by the upstream, since ``since_ns``."""

    __slots__ = ("calls", "ours_nano", "since_ns", "stated_nano")

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.calls = self.ours_nano = self.stated_nano = 0


class PriceAlarm:
    """Tells of a target whose calls have no price, or another than the upstream says."""

    def __init__(
        self, plan: Callable[[], Plan], clock: Clock, tell: Callable[[Event], None]
    ) -> None:
        """``plan`` gives the one in force."""
        self._plan = plan
        self._clock = clock
        self._tell = tell
        self._told: dict[tuple[str, str], int] = {}
        self._sums: dict[str, _Sums] = {}

    def ended(self, call: Call) -> None:
        """Look at what a call was booked with."""
        stated = call.usage.stated_nano
        if is_unpriced(call):
            if call.usage.tier and call.cost_nano_usd:
                self._alarm("price.unknown_tier", call, tier=clean(call.usage.tier))
            else:
                self._alarm("price.unknown", call)
        elif stated is not None and call.price_version not in (BY_UPSTREAM, UNKNOWN_VERSION):
            self._compare(call, stated)

    def _compare(self, call: Call, stated_nano: int) -> None:
        now_ns = self._clock.monotonic_ns()
        sums = self._sums.get(call.target)
        if sums is None or now_ns - sums.since_ns > _SPAN_NS:
            sums = self._sums[call.target] = _Sums(now_ns)
        sums.calls += 1
        sums.ours_nano += call.cost_nano_usd
        sums.stated_nano += stated_nano
        apart = abs(sums.ours_nano - sums.stated_nano)
        if sums.calls < _LEAST_CALLS:
            return
        if apart * 100 > self._most_percent(call.target) * sums.stated_nano:
            self._alarm(
                "price.drifts",
                call,
                ours_nano=sums.ours_nano,
                stated_nano=sums.stated_nano,
                count=sums.calls,
            )

    def _most_percent(self, target: str) -> int:
        """So far apart the two may be."""
        known = self._plan().targets.get(target)
        return known.upstream.drift_percent if known else _USUAL_PERCENT

    def _alarm(self, kind: str, call: Call, **facts: int | str) -> None:
        now_ns = self._clock.monotonic_ns()
        before = self._told.get((kind, call.target))
        if before is not None and now_ns - before <= _CALM_NS:
            return
        self._told[kind, call.target] = now_ns
        told = Notice(kind, {"target": call.target, **facts})
        subject = str(Subject.target(call.target))
        self._tell(Event(f"evt_price_{call.id}", self._clock.wall_us(), subject, told))
