"""Troubles that began or ended in the last hour, told among the events where lines are free.

The source has them on record. It is asked when other rows are in trouble than before, and with each
of the clock's minutes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from quotadeck.domain.capability import Read
from quotadeck.domain.snapshot import Event
from quotadeck.sources.base import Source, SourceError
from quotadeck.tui.present import MINUTE_US, Present

if TYPE_CHECKING:
    from quotadeck.domain.happenings import Happening

LINES_FROM: Final = 3
"""With fewer lines the newest events have them all."""
HOUR_US: Final = 60 * MINUTE_US
WRITTEN_US: Final = 1_500_000
"""So long after a word turned, its beginning is on record."""


class Lately:
    """Whoever draws the events tells what is in trouble; ``arrived`` is called with an answer."""

    def __init__(
        self, source: Source, run: Callable[..., object], arrived: Callable[[], None]
    ) -> None:
        self._source = source
        self._run = run
        self._arrived = arrived
        self._rows: tuple[Happening, ...] = ()
        self._troubles: object = None
        self._turned_us = 0
        self._of: object = None
        self._asking = False

    def follow(self, troubles: object, now: Present, lines: int) -> None:
        """``troubles`` is equal as long as the same rows are in trouble; so many lines are free."""
        if troubles != self._troubles:
            self._troubles, self._turned_us = troubles, now.now_us
        wanted = troubles, now.now_us // MINUTE_US
        if lines < LINES_FROM or self._asking or wanted == self._of or not now.live:
            return
        if self._of is not None and 0 <= now.now_us - self._turned_us < WRITTEN_US:
            return
        if self._source.capabilities.can(Read.EVENTS):
            self._asking, self._of = True, wanted
            self._run(partial(self._ask, now.now_us))

    async def _ask(self, now_us: int) -> None:
        from quotadeck.domain.happenings import Span, happenings  # not before a first picture

        since_us = now_us - HOUR_US
        try:
            page = await self._source.alarms(since_us)
        except SourceError:
            self._rows = ()
        else:
            # Where there are more than one answer tells, the newest are not among them.
            span = Span(since_us, now_us + MINUTE_US)
            self._rows = () if page.more else tuple(happenings(span, page.rows, (), ()))
        self._asking = False
        self._arrived()

    def among(self, events: Sequence[Event]) -> "Sequence[Event | Happening]":
        """The events and these, the newest first."""
        if not self._rows:
            return events
        return sorted((*events, *self._rows), key=lambda one: one.at_us, reverse=True)
