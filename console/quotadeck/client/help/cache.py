"""An exact-match cache: the same request of the same project is answered once.

While it is asked, others with the same request wait for that answer instead of asking too. Errors,
answers that did not end, and streams that were cut are never kept. What models answer by lot is
the same each time from here: a temperature above zero has its meaning only without a cache.
"""

import asyncio
import json
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
from copy import deepcopy
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final, TypeVar

from quotadeck.client.help.awaited import answered
from quotadeck.client.help.cache_key import cache_key
from quotadeck.client.help.kept import Kept
from quotadeck.client.help.wholeness import is_stream, is_whole, is_whole_stream

T = TypeVar("T")
ENTRIES: Final = 1_000
MOST_BYTES: Final = 64_000_000
TTL_S: Final = 3_600.0


@dataclass(slots=True)
class Counts:
    """``hits`` were answered from the cache, ``joined`` by the answer to another one's request."""

    hits: int = 0
    joined: int = 0
    misses: int = 0


class _Alone(Exception):
    """What the other one got is nothing that two can have."""


class Cache:
    """Safe between threads and in asyncio. ``without`` are a body's members that do not change its
    answer, such as ``user``. Whoever gets an answer gets one of his own, to change as he likes.
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
        self.kept: Final = Kept(entries, most_bytes, ttl_s, clock)
        self.counts: Final = Counts()
        self._without = tuple(without)
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Any]] = {}
        self._awaited: dict[tuple[str, asyncio.AbstractEventLoop], asyncio.Future[Any]] = {}

    def get_or_call(self, body: Mapping[str, Any], call: Callable[[], T], project: str = "") -> T:
        """The kept answer to this body, or what ``call`` gives. Raises what ``call`` raises."""
        key = cache_key(body, project, self._without)
        while True:
            with self._lock:
                found = self._found(key)
                if found is not None:
                    return found  # type: ignore[no-any-return]
                flight = self._asked.get(key)
                if flight is None:
                    own = self._asked[key] = Future()
            if flight is None:
                return self._lead(key, call, own)
            try:
                value: T = deepcopy(flight.result())
            except _Alone:
                continue
            self.counts.joined += 1
            return value

    async def get_or_call_async(
        self, body: Mapping[str, Any], call: Callable[[], Awaitable[T]], project: str = ""
    ) -> T:
        """As `get_or_call`, for what is awaited. Whoever waits for one that is cancelled asks
        himself."""
        key = cache_key(body, project, self._without)
        place = key, asyncio.get_running_loop()
        while True:
            found = self._found(key)
            if found is not None:
                return found  # type: ignore[no-any-return]
            flight = self._awaited.get(place)
            if flight is None:
                return await self._lead_async(key, place, call)
            await asyncio.wait([flight])
            if flight.cancelled():
                continue
            try:
                value: T = deepcopy(flight.result())
            except _Alone:
                continue
            self.counts.joined += 1
            return value

    def stream(
        self, body: Mapping[str, Any], call: Callable[[], Iterable[T]], project: str = ""
    ) -> Iterator[T]:
        """The events of a stream, the kept ones or those of ``call``; kept when all have come."""
        key = cache_key(body, project, self._without)
        found = self._found(key)
        if found is not None:
            yield from found
            return
        self.counts.misses += 1
        events: list[T] = []
        stream = call()
        try:
            for event in stream:
                events.append(event)
                yield event
        finally:
            _close(stream)
        self._keep(key, events, whole=is_whole_stream(events))

    async def stream_async(
        self,
        body: Mapping[str, Any],
        call: Callable[[], Awaitable[AsyncIterable[T]]],
        project: str = "",
    ) -> AsyncIterator[T]:
        """As `stream`, for what is awaited."""
        key = cache_key(body, project, self._without)
        found = self._found(key)
        if found is not None:
            for event in found:
                yield event
            return
        self.counts.misses += 1
        events: list[T] = []
        stream = await call()
        try:
            async for event in stream:
                events.append(event)
                yield event
        finally:
            if isawaitable(closing := _close(stream)):
                await closing
        self._keep(key, events, whole=is_whole_stream(events))

    def _found(self, key: str) -> Any:
        found = self.kept.get(key)
        if found is not None:
            self.counts.hits += 1
        return deepcopy(found)

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

    def _shared(self, key: str, value: Any) -> Any:
        """What others who wait for it get: a copy; None for what only one can have."""
        if is_stream(value):
            return None
        try:
            copy = deepcopy(value)
        except TypeError:
            return None
        self._keep(key, copy, whole=is_whole(copy))
        return copy

    def _keep(self, key: str, value: Any, *, whole: bool) -> None:
        if whole:
            self.kept.put(key, value, size_of(value))


def _close(stream: Any) -> Any:
    """One that is left in the middle holds a connection until it is closed."""
    close = getattr(stream, "close", None) or getattr(stream, "aclose", None)
    return close() if callable(close) else None


def _tell(flight: Future[Any] | asyncio.Future[Any], shared: Any) -> None:
    if shared is None:
        flight.set_exception(_Alone())
        flight.exception()
    else:
        flight.set_result(shared)


def size_of(value: Any) -> int:
    """Bytes of a value as JSON, about half of what Python holds for it."""
    if isinstance(value, bytes | str):
        return len(value)
    return len(json.dumps(value, default=_dumped))


def _dumped(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", exclude_unset=True) if callable(dump) else str(value)
