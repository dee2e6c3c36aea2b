"""The last quarter of an hour of the rows that are shown, asked for beside the keys.

What stands on the screen is of one minute: a new one replaces all of it. Where an ask fails there
is nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from quotadeck.domain.capability import Read
from quotadeck.domain.subject import Subject
from quotadeck.sources.base import Source, SourceError
from quotadeck.tui.present import MINUTE_US, Present

if TYPE_CHECKING:
    from quotadeck.domain.series import Series

MINUTES: Final = 15
SETTLED_US: Final = 2_000_000
"""So long after its end a minute's calls are on record."""
AGAIN_US: Final = 5_000_000
"""So long after a failed ask the next one is made."""
AT_ONCE: Final = 100
"""Rows in one ask; what is behind them is asked for when that is answered."""

NOTHING: Final[Mapping[str, "Series"]] = {}


class Sparks:
    """The series of subjects by their text, all up to the same minute."""

    def __init__(
        self,
        source: Source,
        run: Callable[..., object],
        arrived: Callable[[], None],
    ) -> None:
        self._source = source
        self._run = run
        self._arrived = arrived
        self._until_us = 0
        self._asking = False
        self._failed_us = 0
        self.known: Mapping[str, Series] = NOTHING
        self.still = True
        """Whether all that was shown last is there, or could not be had."""

    def show(self, subjects: Sequence[Subject], now: Present) -> None:
        """These are shown now: ask for those that are not there, and at a new minute for all.

        Late readings ask nothing, and keep nothing of a minute that is over.
        """
        until_us = (now.now_us - SETTLED_US) // MINUTE_US * MINUTE_US
        old = until_us != self._until_us
        if not now.live:
            self.known = NOTHING if old else self.known
            return
        missing = [one for one in subjects if old or str(one) not in self.known][:AT_ONCE]
        waits = 0 <= now.now_us - self._failed_us < AGAIN_US
        can = self._source.capabilities.can(Read.SERIES)
        self.still = not missing or waits or not can
        if missing and can and not waits and not self._asking:
            self._asking = True
            # As a function: a page that closes at once leaves no coroutine that nobody waits for.
            self._run(partial(self._ask, missing, until_us, now.now_us))

    async def _ask(self, subjects: Sequence[Subject], until_us: int, now_us: int) -> None:
        try:
            page = await self._source.series(subjects, minutes=MINUTES, until_us=until_us)
        except SourceError:
            self._failed_us = now_us
            if until_us != self._until_us:
                self.known = NOTHING
        else:
            found = {str(subject): row for subject, row in zip(subjects, page.rows, strict=False)}
            self.known = found if until_us != self._until_us else {**self.known, **found}
            self._until_us = until_us
        self._asking = False
        self._arrived()
