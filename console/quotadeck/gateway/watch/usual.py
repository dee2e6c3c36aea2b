"""What is usual at this hour, read from the ledger when an hour begins."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.usual import HOUR_US, Usual, same_hours
from quotadeck.store import Ledger, StoreError

LATER_S: Final = 2.0
"""After the hour's beginning: its first second has other work."""


class UsualHours:
    """`of` says it of a project; None where nothing is known yet, or too little."""

    def __init__(self, ledger: Ledger, projects: Sequence[str], clock: Clock) -> None:
        self._ledger = ledger
        self._projects = projects
        self._clock = clock
        self._known: Mapping[str, Usual] = {}

    def of(self, project: str) -> Usual | None:
        return self._known.get(project)

    async def read(self) -> None:
        """Read it for the hour that it is. What cannot be read is not known."""
        hours_us = same_hours(self._clock.wall_us())
        try:
            self._known = await self._ledger.reader.usual(hours_us, self._projects)
        except StoreError:
            self._known = {}

    async def run(self) -> None:
        """Read it now, and whenever an hour begins."""
        while True:
            await self.read()
            left_us = HOUR_US - self._clock.wall_us() % HOUR_US
            await asyncio.sleep(left_us / 1_000_000 + LATER_S)
