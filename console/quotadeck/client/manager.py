"""The quota manager of programs that run on asyncio."""

import asyncio
from typing import TYPE_CHECKING, Self, Unpack

from quotadeck.client.acquiring import Acquiring
from quotadeck.client.base import Asking, Managing, Running
from quotadeck.client.quotas import Asked
from quotadeck.domain.limits import Priority

if TYPE_CHECKING:
    from datetime import timedelta
    from decimal import Decimal

    import httpx2

    from quotadeck.client.sync_manager import SyncQuotaManager
    from quotadeck.client.transport.options import ClientOptions


class _Asks(Asking):
    def acquire(
        self,
        project: str,
        estimate: Asked = 0,
        priority: Priority | str | None = None,
        timeout: float | None = None,
    ) -> Acquiring:
        """A reservation: ``await`` it, or enter it with ``async with``.

        It is given first in, first out of those of the project, a higher class ten seconds ahead.
        ``timeout`` is seconds to wait at most, 0 not at all, None as long as it takes. Raises
        AcquireTimeout, BudgetSpent, NeverFits, GatewayRefused, PriceUnknown, RunEnded or
        TooManyWaiting; nothing is taken then.
        """
        return Acquiring(self._core, self._want(project, estimate, priority, timeout))

    def http_client(self, project: str, **options: "Unpack[ClientOptions]") -> "httpx2.AsyncClient":
        """A client for an SDK's ``http_client``: each call of a model waits here for its turn, and
        is settled by what its reply used.

        It has the official SDKs' own timeouts and limits. See `ClientOptions` for what may be said
        otherwise. Raises ImportError where the HTTP library is missing.
        """
        from quotadeck.client.transport.clients import client_for_asyncio

        return client_for_asyncio(self._core, project, options, self._beyond)


class QuotaManager(_Asks, Managing):
    """Admits requests, or lets them wait their turn. One serves any number of loops and threads."""

    async def aclose(self) -> None:
        """As `close`, while the loop goes on: the gateway's answer may take seconds."""
        if self._core.address:
            await asyncio.to_thread(self._core.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def for_threads(self) -> "SyncQuotaManager":
        """The same state, for the program's threads."""
        from quotadeck.client.sync_manager import SyncQuotaManager

        return SyncQuotaManager(core=self._core)

    def run(
        self,
        name: str,
        *,
        budget: "str | int | Decimal | None" = None,
        requests: int | None = None,
        lifetime: "str | float | timedelta | None" = None,
    ) -> "Run":
        """A run of that name: a new one, or the one that goes on.

        ``budget`` is dollars and ``requests`` a number, of the whole run; ``lifetime`` is seconds,
        or such as ``"90s"`` and ``"1h30m"``. Raises ValueError for what is no limit, or where it
        goes on with others.
        """
        from quotadeck.client.runs import open_run

        return Run(self._core, open_run(self._core, name, budget, requests, lifetime))


class Run(_Asks, Running):
    """A run of a `QuotaManager`. See `Running`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end()
