"""The quota manager of programs that run on threads."""

from typing import TYPE_CHECKING, Self, Unpack

from quotadeck.client.base import Asking, Managing, Running
from quotadeck.client.blocking import wait_for
from quotadeck.client.quotas import Asked
from quotadeck.client.reservation import Reservation
from quotadeck.domain.limits import Priority

if TYPE_CHECKING:
    from datetime import timedelta
    from decimal import Decimal

    import httpx2

    from quotadeck.client.manager import QuotaManager
    from quotadeck.client.transport.options import ClientOptions


class _Asks(Asking):
    def acquire(
        self,
        project: str,
        estimate: Asked = 0,
        priority: Priority | str | None = None,
        timeout: float | None = None,
    ) -> Reservation:
        """A reservation, to be entered by ``with`` or settled; waits as `QuotaManager.acquire`."""
        return wait_for(self._core, self._want(project, estimate, priority, timeout))

    def http_client(self, project: str, **options: "Unpack[ClientOptions]") -> "httpx2.Client":
        """As `QuotaManager.http_client`, for SDKs that are used from threads."""
        from quotadeck.client.transport.clients import client_for_threads

        return client_for_threads(self._core, project, options, self._beyond)


class SyncQuotaManager(_Asks, Managing):
    """Admits requests, or lets their threads wait their turn."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def for_asyncio(self) -> "QuotaManager":
        """The same state, for the program's loops."""
        from quotadeck.client.manager import QuotaManager

        return QuotaManager(core=self._core)

    def run(
        self,
        name: str,
        *,
        budget: "str | int | Decimal | None" = None,
        requests: int | None = None,
        lifetime: "str | float | timedelta | None" = None,
    ) -> "SyncRun":
        """A run of that name, as `QuotaManager.run`."""
        from quotadeck.client.runs import open_run

        return SyncRun(self._core, open_run(self._core, name, budget, requests, lifetime))


class SyncRun(_Asks, Running):
    """A run of a `SyncQuotaManager`. See `Running`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
