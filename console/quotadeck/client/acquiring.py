"""How an acquire is awaited: at once where it may go, else asleep in the line until it is woken."""

import asyncio
from collections.abc import Generator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn
from warnings import warn

from quotadeck.client.core import Core
from quotadeck.client.reservation import Reservation
from quotadeck.client.want import Want


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
        waiter = core.join(self._want, sleeper.wake, sleeper.lives)
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

    async def sleep(self, seconds: float) -> None:
        """Until he is called, or so long."""
        called = self._called
        timer = self._loop.call_later(seconds, _call, called)
        try:
            await called
        finally:
            timer.cancel()

    def lives(self) -> bool:
        """Whether its loop runs: of one that was closed, or stands still, nobody can be served."""
        return self._loop.is_running()

    def wake(self) -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody sleeps in it any more
            self._loop.call_soon_threadsafe(_call, self._called)


def _call(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
