"""Did it help? A minute after each change the store is asked what passed before and since.

So it is measured with no console open, and nothing waits on the requests' way. A change that the
gateway did not live to measure is told as not measured.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Entry
from quotadeck.domain.effect import Measured, effect_notice, measured, unmeasured_notice
from quotadeck.domain.ids import new_id
from quotadeck.domain.notice import Notice
from quotadeck.domain.snapshot import Event
from quotadeck.store import Ledger, StoreError

AFTER_NS: Final = 62_000_000_000
"""A minute, and until counted refusals of its last second are on record."""
_STEP_US: Final = 1_000_000
"""A wall clock that was stepped by more has put the minutes out of place."""
MOST: Final = 200
"""Changes that wait to be measured."""
_AT_ONCE: Final = 2
"""So many are measured a second: the store is others', too."""
_LOOKED_BACK: Final = 1_000
LOG: Final = logging.getLogger(__name__)


class Effects:
    """`changed` is told each change; `second` is to be called every second."""

    def __init__(self, ledger: Ledger, clock: Clock, tell: Callable[[Event], None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tell = tell
        self._waiting: deque[tuple[int, Measured]] = deque()
        """Each with the instant of its change on the monotonic clock."""
        self._cut_off: list[Measured] = []

    def changed(self, entries: Sequence[Entry]) -> None:
        """A change is in force since now."""
        if (one := measured(entries, self._clock.wall_us())) is None:
            return
        if len(self._waiting) >= MOST:
            self._say(one, unmeasured_notice(one, "many"))
            return
        self._waiting.append((self._clock.monotonic_ns(), one))

    def cut_off(self, entries: Sequence[Entry]) -> None:
        """A change that the last process may not have lived to measure."""
        if one := measured(entries, entries[0].at_us):
            self._cut_off.append(one)

    async def second(self) -> None:
        """Measure what is due. What the store cannot tell is not measured."""
        if self._cut_off:
            await self._tell_of_cut_off()
        for _ in range(_AT_ONCE):
            if not self._waiting:
                return
            since_ns, one = self._waiting[0]
            passed_ns = self._clock.monotonic_ns() - since_ns
            if passed_ns < AFTER_NS:
                return
            self._waiting.popleft()
            stepped_us = self._clock.wall_us() - one.at_us - passed_ns // 1_000
            if abs(stepped_us) > _STEP_US:
                self._say(one, unmeasured_notice(one, "clock"))
                continue
            await self._measure(one)

    async def _measure(self, one: Measured) -> None:
        try:
            await self._ledger.flushed()
            found = await self._ledger.pages.effect(one.at_us, one.subjects)
        except StoreError as error:
            LOG.warning("the effect of a change could not be measured: %r", error)
            self._say(one, unmeasured_notice(one, "store"))
        else:
            self._say(one, effect_notice(one, found))

    async def _tell_of_cut_off(self) -> None:
        """Those that were measured have their event, whose id follows from the change's."""
        cut_off, self._cut_off = self._cut_off, []
        try:
            known = {event.id for _, event in await self._ledger.pages.events(last=_LOOKED_BACK)}
        except StoreError:
            return
        for one in cut_off:
            if _event_id(one) not in known:
                self._say(one, unmeasured_notice(one, "restart"))

    def _say(self, one: Measured, told: Notice) -> None:
        at_us = self._clock.wall_us()
        self._tell(Event(_event_id(one), at_us, str(one.subjects[0]), told))


def _event_id(one: Measured) -> str:
    return new_id("evt", one.at_us, sha256(f"{one.id} effect".encode()).digest())
