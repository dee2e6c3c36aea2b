"""A gateway whose ledger is on this machine: where nobody answers, its past is read from there.

What was is shown as the gateway itself would show it; nothing else can be asked of a ledger, and
nothing can be done. The store is loaded when it is first needed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quotadeck.clock import MachineClock
from quotadeck.domain.commands import Role
from quotadeck.domain.snapshot import Snapshot, Whoami
from quotadeck.sources.base import Reading, SourceError, SourceGone
from quotadeck.sources.gateway.source import GatewaySource

if TYPE_CHECKING:
    from quotadeck.store import AsOf, Reader


class RecordedGateway(GatewaySource):
    """As `GatewaySource`; ``state`` is the folder of its ledger."""

    def __init__(self, path: Path, state: Path, **more: Any) -> None:
        super().__init__(path, **more)
        self._state = state
        self._ledger: tuple[Reader, AsOf] | None = None
        self._opening = asyncio.Lock()

    async def as_of(self, at_us: int) -> Reading:
        """The picture of a past instant, from the ledger where nobody answers."""
        try:
            return await super().as_of(at_us)
        except SourceGone:
            return await self._recorded(at_us)

    async def _recorded(self, at_us: int) -> Reading:
        from quotadeck.domain.as_of import snapshot_of
        from quotadeck.store import StoreError

        try:
            past = await self._past()
            work = snapshot_of(await past.then(at_us, MachineClock().wall_us()))
        except StoreError as error:
            raise SourceError("source.ledger", why=error.told.kind, **error.told.facts) from None
        snapshot: Snapshot | None = None
        while snapshot is None:
            try:
                next(work)
                await asyncio.sleep(0)
            except StopIteration as done:
                snapshot = done.value
        return Reading(snapshot, Whoami(_account(), Role.VIEWER), self._monotonic_ns(), fresh=True)

    async def _past(self) -> AsOf:
        from quotadeck.store import AsOf, Reader

        async with self._opening:
            if self._ledger is None:
                reader = await Reader.open(self._state)
                self._ledger = reader, AsOf(reader)
            return self._ledger[1]

    async def close(self) -> None:
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            await ledger[0].close()
        await super().close()


def last_written_us(state: Path) -> int | None:
    """When a ledger was written last; None where there is none that can be read.

    A gateway that lives writes every second.
    """
    written = []
    with suppress(OSError):
        written = [one.stat().st_mtime_ns for one in (state / "journal").iterdir()]
        written.append((state / "ledger.db").stat().st_mtime_ns)
    return max(written) // 1_000 if len(written) > 1 else None


def _account() -> str:
    import getpass  # only where the ledger is read

    with suppress(OSError, KeyError):
        return getpass.getuser()
    return ""
