"""An exact-match cache: the same request of the same project is answered once.

While it is asked, others with the same request wait for that answer instead of asking too. Errors,
answers that did not end, streams that were cut and what cannot be copied are not kept: whoever
asked has his answer all the same. What models answer by lot is
the same each time from here: a temperature above zero has its meaning only without a cache.
"""

import asyncio
import threading
import time
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
)
from concurrent.futures import Future
from dataclasses import dataclass
from inspect import isawaitable
from sys import getsizeof
from typing import Any, Final, TypeVar

from quotadeck.client.help.awaited import answered
from quotadeck.client.help.cache_key import cache_key
from quotadeck.client.help.copies import Copy, copy_of
from quotadeck.client.help.kept import Kept
from quotadeck.client.help.wholeness import Ending, is_stream, is_whole

T = TypeVar("T")
ENTRIES: Final = 1_000
MOST_BYTES: Final = 64_000_000
TTL_S: Final = 3_600.0
_ENTRY_BYTES: Final = 500
"""Of an entry beside its copies."""


@dataclass(slots=True)
class Counts:
    """``hits`` were answered from the cache, ``joined`` by the answer to another one's request."""

    hits: int = 0
    joined: int = 0
    misses: int = 0


class _Alone(Exception):
    """The call that was waited for gave something that only one can use, such as a stream."""


class Cache:
    """Safe between threads and in asyncio. ``most_bytes`` is what all that is kept takes of memory.
    ``without`` are a body's members that do not change its answer, such as ``user``.

    Whoever gets an answer gets one of his own, to change as he likes. One cache may serve several
    SDKs, endpoints and keys: ``of`` then says which is asked, such as a base URL.
    """

    def __init__(
        self,
        entries: int = ENTRIES,
        most_bytes: int = MOST_BYTES,
        ttl_s: float = TTL_S,
        *,
        without: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most_bytes: Final = most_bytes
        self.kept: Final = Kept(entries, most_bytes, ttl_s, clock)
        self.counts: Final = Counts()
        self._without = tuple(without)
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Any]] = {}
        self._awaited: dict[tuple[str, asyncio.AbstractEventLoop], asyncio.Future[Any]] = {}

    def get_or_call(
        self, body: Mapping[str, Any], call: Callable[[], T], project: str = "", *, of: str = ""
    ) -> T:
        """The kept answer to this body, or what ``call`` gives. Raises what ``call`` raises."""
        key = cache_key(body, project, self._without, of=of)
        while True:
            with self._lock:
                found = self._found(key)
                if found is not None:
                    return found[0]  # type: ignore[no-any-return]
                flight = self._asked.get(key)
                if flight is None:
                    own = self._asked[key] = Future()
            if flight is None:
                return self._lead(key, call, own)
            try:
                value: T = _own(flight.result())
            except _Alone:
                continue
            self.counts.joined += 1
            return value

    async def get_or_call_async(
        self,
        body: Mapping[str, Any],
        call: Callable[[], Awaitable[T]],
        project: str = "",
        *,
        of: str = "",
    ) -> T:
        """As `get_or_call`, for what is awaited. Whoever waits for one that is cancelled asks
        himself."""
        key = cache_key(body, project, self._without, of=of)
        place = key, asyncio.get_running_loop()
        while True:
            found = self._found(key)
            if found is not None:
                return found[0]  # type: ignore[no-any-return]
            flight = self._awaited.get(place)
            if flight is None:
                return await self._lead_async(key, place, call)
            await asyncio.wait([flight])
            if flight.cancelled():
                continue
            try:
                value: T = _own(flight.result())
            except _Alone:
                continue
            self.counts.joined += 1
            return value

    def stream(
        self,
        body: Mapping[str, Any],
        call: Callable[[], Iterable[T]],
        project: str = "",
        *,
        of: str = "",
    ) -> Iterator[T]:
        """The events of a stream, the kept ones or those of ``call``; kept when all have come."""
        key = cache_key(body, project, self._without, of=of, streamed=True)
        found = self._found(key)
        if found is not None:
            yield from found
            return
        self.counts.misses += 1
        came = _Came(self.most_bytes)
        stream = call()
        try:
            for event in stream:
                came.see(event)
                yield event
        finally:
            _close(stream)
        self._keep(key, came.whole())

    async def stream_async(
        self,
        body: Mapping[str, Any],
        call: Callable[[], Awaitable[AsyncIterable[T]]],
        project: str = "",
        *,
        of: str = "",
    ) -> AsyncIterator[T]:
        """As `stream`, for what is awaited."""
        key = cache_key(body, project, self._without, of=of, streamed=True)
        found = self._found(key)
        if found is not None:
            for event in found:
                yield event
            return
        self.counts.misses += 1
        came = _Came(self.most_bytes)
        stream = await call()
        try:
            async for event in stream:
                came.see(event)
                yield event
        finally:
            if isawaitable(closing := _close(stream)):
                await closing
        self._keep(key, came.whole())

    def _found(self, key: str) -> list[Any] | None:
        """What is kept, of the caller's own; None where nothing is."""
        kept: list[Copy] | None = self.kept.get(key)
        if kept is None:
            return None
        try:
            found = [copy.value() for copy in kept]
        except Exception:  # noqa: BLE001 -- objects raise what they like
            return None
        self.counts.hits += 1
        return found

    def _lead(self, key: str, call: Callable[[], T], flight: Future[Any]) -> T:
        self.counts.misses += 1
        try:
            value = answered(call(), "get_or_call_async")
            shared = self._shared(key, value)
        except BaseException as error:
            flight.set_exception(error if isinstance(error, Exception) else _Alone())
            raise
        else:
            _tell(flight, shared)
            return value
        finally:
            with self._lock:
                del self._asked[key]

    async def _lead_async(
        self,
        key: str,
        place: tuple[str, asyncio.AbstractEventLoop],
        call: Callable[[], Awaitable[T]],
    ) -> T:
        self.counts.misses += 1
        flight = self._awaited[place] = place[1].create_future()
        try:
            value = await call()
            shared = self._shared(key, value)
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # nobody has to be waiting for it
            raise
        except BaseException:
            flight.cancel()
            raise
        else:
            _tell(flight, shared)
            return value
        finally:
            del self._awaited[place]

    def _shared(self, key: str, value: Any) -> Copy | None:
        """What others who wait for it get; None for what only one can have."""
        try:
            if is_stream(value):
                return None
            copy = copy_of(value)
            self._keep(key, [copy] if copy and is_whole(value) else None)
        except Exception:  # noqa: BLE001 -- objects raise what they like
            return None
        return copy

    def _keep(self, key: str, copies: list[Copy] | None) -> None:
        if copies is not None:
            size_bytes = sum([copy.size_bytes for copy in copies]) + getsizeof(copies)
            self.kept.put(key, copies, size_bytes + _ENTRY_BYTES)


class _Came:
    """The events of a stream so far, copied before anybody else has them."""

    def __init__(self, most_bytes: int) -> None:
        self._left_bytes = most_bytes
        self._copies: list[Copy] | None = []
        self._ending = Ending()

    def see(self, event: Any) -> None:
        if self._copies is None:
            return
        try:
            self._ending.see(event)
            copy = copy_of(event)
        except Exception:  # noqa: BLE001 -- objects raise what they like
            copy = None
        self._left_bytes -= copy.size_bytes if copy else 0
        if copy is None or self._left_bytes < 0:
            self._copies = None
        else:
            self._copies.append(copy)

    def whole(self) -> list[Copy] | None:
        """All of them, None where they are no whole stream, or cannot be kept."""
        return self._copies if self._ending.is_whole else None


def _own(shared: Copy) -> Any:
    """One of the caller's own, of an answer to somebody else."""
    try:
        return shared.value()
    except Exception:  # noqa: BLE001 -- objects raise what they like
        raise _Alone from None


def _close(stream: Any) -> Any:
    """Close a stream: one that is left in the middle keeps its connection until then."""
    close = getattr(stream, "close", None) or getattr(stream, "aclose", None)
    return close() if callable(close) else None


def _tell(flight: Future[Any] | asyncio.Future[Any], shared: Copy | None) -> None:
    if shared is None:
        flight.set_exception(_Alone())
        flight.exception()
    else:
        flight.set_result(shared)
