"""The adapters to an HTTP library, for asyncio and for threads: transports of its own interface.

They bring bytes to the provider and back (see `Carrier`); all decisions are the course's.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from quotadeck.client.acquiring import Acquiring
from quotadeck.client.blocking import wait_for
from quotadeck.client.core import Core
from quotadeck.client.errors import WrongProcess
from quotadeck.client.reservation import Reservation
from quotadeck.client.transport.course import Course
from quotadeck.client.transport.libraries import Library, never_sent, with_stream
from quotadeck.client.transport.reading import Reading
from quotadeck.client.transport.refused import Answer
from quotadeck.client.want import Want
from quotadeck.limiter.at_once import complete


class _Carrier:
    """What is the same for both."""

    def __init__(self, course: Course, core: Core, of: Library, inner: Any) -> None:
        self._course, self._core, self._of, self._inner = course, core, of, inner
        self.never_sent = never_sent(of)

    def with_body(self, request: Any, body: bytes) -> Any:
        headers = request.headers.copy()
        headers["content-length"] = str(len(body))
        headers.pop("transfer-encoding", None)
        headers["accept-encoding"] = "identity"
        return self._of.Request(
            request.method,
            request.url,
            headers=headers,
            content=body,
            extensions=request.extensions,
        )

    def with_headers(self, request: Any, headers: Mapping[str, str | None]) -> Any:
        copied = request.headers.copy()
        for name, value in headers.items():
            copied.pop(name, None)
            if value is not None:
                copied[name] = value
        return self._of.Request(
            request.method,
            request.url,
            headers=copied,
            stream=request.stream,
            extensions=request.extensions,
        )

    def _is_read(self, response: Any, reading: Reading, done: Callable[[], None]) -> bool:
        """Whether the inner transport has read it already, as one with a cache does: nobody would
        come for its bytes."""
        if not response.is_closed or not isinstance(response.stream, self._of.ByteStream):
            return False
        for chunk in response.stream:
            reading.feed(chunk)
        reading.end()
        done()
        return True

    def answer(self, request: Any, answer: Answer) -> Any:
        return self._of.Response(
            answer.status,
            headers=answer.headers,
            stream=self._of.ByteStream(answer.body),
            request=request,
        )


class AsyncTransport(_Carrier):
    """An `AsyncBaseTransport` around another one."""

    async def handle_async_request(self, request: Any) -> Any:
        return await self._course.run(self, request)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)

    async def content(self, request: Any) -> bytes:
        body: bytes = await request.aread()
        return body

    async def admit(self, want: Want) -> Reservation:
        return await Acquiring(self._core, want)

    async def send(self, request: Any) -> Any:
        return await self._inner.handle_async_request(request)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def drain(self, response: Any) -> bytes:
        try:
            body = b"".join([chunk async for chunk in response.stream])
        finally:
            await response.stream.aclose()
        response.stream = self._of.ByteStream(body)
        return body

    def read_by(self, response: Any, reading: Reading, done: Callable[[], None]) -> Any:
        if not self._is_read(response, reading, done):
            stream = with_stream(self._of, "AsyncByteStream", _AsyncReader)
            response.stream = stream(response.stream, reading, done)
        return response


class Transport(_Carrier):
    """A `BaseTransport` around another one."""

    def handle_request(self, request: Any) -> Any:
        return complete(self._course.run(self, request))

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    async def content(self, request: Any) -> bytes:
        body: bytes = request.read()
        return body

    async def admit(self, want: Want) -> Reservation:
        return wait_for(self._core, want)

    async def send(self, request: Any) -> Any:
        return self._inner.handle_request(request)

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 -- nobody else runs in this thread's course

    async def drain(self, response: Any) -> bytes:
        try:
            body = b"".join(response.stream)
        finally:
            response.stream.close()
        response.stream = self._of.ByteStream(body)
        return body

    def read_by(self, response: Any, reading: Reading, done: Callable[[], None]) -> Any:
        if not self._is_read(response, reading, done):
            stream = with_stream(self._of, "SyncByteStream", _Reader)
            response.stream = stream(response.stream, reading, done)
        return response


class _Ending:
    """Tells once that a reply has ended.

    Of one that is forgotten nothing is told here: its reservation is forgotten with it, and that is
    charged as estimated. One that is closed in a process that was forked from the caller's is
    nobody's there.
    """

    _done: Callable[[], None] | None

    def __init__(self, inner: Any, reading: Reading, done: Callable[[], None]) -> None:
        self._inner, self._reading, self._done = inner, reading, done

    def _end(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            with suppress(WrongProcess):
                done()


class _Reader(_Ending):
    def __iter__(self) -> Iterator[bytes]:
        feed = self._reading.feed
        for chunk in self._inner:
            if passed := feed(chunk):
                yield passed
        if rest := self._reading.end():
            yield rest

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._end()


class _AsyncReader(_Ending):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        feed = self._reading.feed
        inner = self._inner.__aiter__()
        try:
            async for chunk in inner:
                if passed := feed(chunk):
                    yield passed
        finally:
            if isinstance(inner, AsyncGenerator):
                await inner.aclose()
        if rest := self._reading.end():
            yield rest

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._end()
