"""Overrides' ends: which are reached, and the entry that each leaves in the log.

A duration is over by the steady clock, whatever the wall clock was set to; a time of day comes
when the wall clock shows it. The entry is what keeps an end for good: nothing takes it back.
"""

from dataclasses import replace
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Action, Entry, Role
from quotadeck.domain.layers import Layers, Slot
from quotadeck.domain.steady import SteadyClock

_NEVER_US: Final = 2**62
STEP_US: Final = 100_000
"""The wall clock is followed in steps of this size; a slewed one moves less between two looks."""


class Ends:
    """Watches the ends of a fold's overrides; `arm` it with each new one."""

    def __init__(self, clock: Clock, steady: SteadyClock) -> None:
        self._clock = clock
        self._steady = steady
        self._ahead_us: int | None = None
        self._next_steady_us = self._next_wall_us = 0

    def arm(self, layers: Layers) -> None:
        """Note which end comes next."""
        durations = (e.steady_end_us for e in layers.expiring if e.steady_end_us is not None)
        times = (e.until_us for e in layers.expiring if e.for_ms is None and e.until_us is not None)
        self._next_steady_us = min(durations, default=_NEVER_US)
        self._next_wall_us = min(times, default=_NEVER_US)

    def left_us(self) -> int:
        """How long until the next end; not positive when one is reached."""
        steady_us, wall_us = self._steady.now_us(), self._clock.wall_us()
        return min(self._next_steady_us - steady_us, self._next_wall_us - wall_us)

    def reached(self, layers: Layers) -> list[Entry]:
        """The overrides whose end is reached and not recorded, in the order of their ends."""
        if self.left_us() > 0:
            return []
        steady_us, wall_us = self._steady.now_us(), self._clock.wall_us()
        found = []
        for entry in layers.expiring:
            end_us, now_us = entry.steady_end_us, steady_us
            if end_us is None:
                end_us, now_us = entry.until_us, wall_us
            if end_us is not None and end_us <= now_us:
                found.append(entry)
        return sorted(found, key=lambda entry: entry.until_us or 0)

    def followed(self, layers: Layers) -> tuple[Layers, tuple[Slot, ...]]:
        """The fold with durations' ends as the wall clock will show them, and what that moved."""
        ahead_us = self._clock.wall_us() - self._steady.now_us()
        if self._ahead_us is not None and abs(ahead_us - self._ahead_us) < STEP_US:
            return layers, ()
        self._ahead_us = ahead_us
        moved = {
            entry.seq: end_us + ahead_us
            for entry in layers.expiring
            if (end_us := entry.steady_end_us) is not None
            and abs(end_us + ahead_us - (entry.until_us or 0)) >= STEP_US
        }
        slots = {
            (entry.subject, entry.field)
            for entry in layers.expiring
            if entry.seq in moved and entry.field is not None
        }
        return layers.moved(moved), tuple(slots)


def end_of(override: Entry, layers: Layers) -> Entry:
    """The entry that records an override's end, still without its id and number.

    It is idle where the override was out of force already.
    """
    assert override.field is not None
    assert override.until_us is not None
    at_us, idle = override.until_us, layers.ended(override.seq)
    before, after = (
        None if idle else layers.in_force(override.subject, override.field, us).value
        for us in (at_us - 1, at_us)
    )
    return replace(
        override,
        seq=0,
        id="",
        at_us=at_us,
        actor="gateway",
        role=Role.ADMIN,
        origin="clock",
        action=Action.END,
        value=None,
        before=before,
        after=after,
        reason="",
        public=False,
        until_us=None,
        ends=(override.seq,),
        idempotency_key="",
        prev_hash="",
        hash="",
        then=None,
        under=0,
        of=override.id,
        idle=idle,
        for_ms=None,
        steady_us=0,
        group="",
        asked="",
    )
