"""Names to addresses: a resolver may hang for as long as it likes, and only its own name waits."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, NamedTuple


class Address(NamedTuple):
    """A resolved address, as the socket module takes it."""

    family: int
    at: Any


Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


async def resolve(host: str, port: int) -> Sequence[Address]:
    """By the system's resolver. Raises OSError or UnicodeError.

    In a thread of its own. The loop's threads are few: names that hang would hold up all others,
    and the process could not end before its resolver gave up.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[Address]] = loop.create_future()

    def ask() -> None:
        try:
            tell = partial(answer.set_result, _found(host, port))
        except Exception as error:  # noqa: BLE001 -- raised where it is waited for
            tell = partial(answer.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_unless_done, answer, tell)

    Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    return await answer


class Names:
    """The names that are being resolved: each once, for all who wait for it.

    A lookup cannot be ended. It goes on when nobody waits any more, and whoever comes next joins
    it: a name has one thread at most.
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._asked: dict[tuple[str, int], asyncio.Future[Sequence[Address]]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Raises OSError or UnicodeError."""
        lookup = self._asked.get((host, port))
        if lookup is None:
            lookup = self._asked[host, port] = asyncio.ensure_future(self._resolve(host, port))
            lookup.add_done_callback(partial(self._answered, (host, port)))
        await asyncio.wait((lookup,))  # who stops to wait does not cancel it
        return lookup.result()

    def _answered(self, name: tuple[str, int], lookup: "asyncio.Future[Sequence[Address]]") -> None:
        del self._asked[name]
        if not lookup.cancelled():
            lookup.exception()  # perhaps nobody waits to be told


def numeric(host: str, port: int) -> Sequence[Address]:
    """The address that the host is already; none where it is a name."""
    try:
        return _found(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return ()


def _found(host: str, port: int, flags: int = 0) -> Sequence[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [Address(family, at) for family, _, _, _, at in found]


def _unless_done(answer: "asyncio.Future[Any]", tell: Callable[[], None]) -> None:
    if not answer.done():
        tell()
