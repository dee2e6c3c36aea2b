"""The quota manager of programs that run on asyncio."""

import asyncio
from collections.abc import Generator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, Unpack
from warnings import warn

from quotadeck.client.base import Asking, Managing, Running
from quotadeck.client.core import Core
from quotadeck.client.quotas import Asked
from quotadeck.client.reservation import Reservation
from quotadeck.client.want import Want
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
    ) -> "Acquiring":
        """A reservation: ``await`` it, or enter it with ``async with``.

        It is given first in, first out of those of the project, a higher class ten seconds ahead.
        ``timeout`` is seconds to wait at most, 0 not at all, None as long as it takes. Raises
        AcquireTimeout, BudgetSpent, NeverFits, PriceUnknown, RunEnded or TooManyWaiting; nothing
        is taken then.
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
    """Admits requests, or lets them wait their turn. One serves any number of loops and threads.

    See `Managing` for what it is made with.
    """

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


class Acquiring:
    """An acquire that has not begun: await it, or enter it."""

    __slots__ = ("_begun", "_core", "_reservation", "_want")

    def __init__(self, core: Core, want: Want) -> None:
        self._core, self._want, self._begun = core, want, False
        self._reservation: Reservation | None = None

    def __await__(self) -> Generator[Any, None, Reservation]:
        self._begun = True
        found = self._core.admit(self._want)
        if found is None:
            found = yield from self._in_line().__await__()
        return found

    async def _in_line(self) -> Reservation:
        core, sleeper = self._core, _Sleeper()
        waiter = core.join(self._want, sleeper.wake)
        try:
            while True:
                sleeper.lie_down()
                found = core.claim(waiter)
                if isinstance(found, Reservation):
                    return found
                await sleeper.sleep(found)
        finally:
            core.leave(waiter)

    async def __aenter__(self) -> Reservation:
        self._reservation = await self
        return self._reservation

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._reservation is not None:
            self._reservation.__exit__(kind, error, trace)

    def __del__(self) -> None:
        if not self._begun:
            warn(
                f"an acquire of project {self._want.project.name} was never awaited: nothing is "
                "held for it, and nothing waited",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )

    if not TYPE_CHECKING:  # a type checker finds these by itself

        def __enter__(self) -> NoReturn:
            self._begun = True
            raise TypeError(
                "an acquire of a QuotaManager is entered by `async with`; threads have a "
                "SyncQuotaManager, or this one's for_threads()"
            )

        def __exit__(self, *_: object) -> None:
            """It is never entered."""

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"an acquire has no {name}: await it, its reservation may have one"
            )


class _Sleeper:
    """One who sleeps in a loop and is woken from any thread."""

    __slots__ = ("_called", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._called = self._loop.create_future()

    def lie_down(self) -> None:
        """A call from now on is heard, also one before he sleeps."""
        if self._called.done():
            self._called = self._loop.create_future()

    async def sleep(self, seconds: float | None) -> None:
        """Until he is called, or so long."""
        called = self._called
        timer = None if seconds is None else self._loop.call_later(seconds, _call, called)
        try:
            await called
        finally:
            if timer is not None:
                timer.cancel()

    def wake(self) -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody sleeps in it any more
            self._loop.call_soon_threadsafe(_call, self._called)


def _call(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
