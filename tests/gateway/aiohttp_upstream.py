"""The way to a provider over aiohttp: a second implementation, which keeps the suite honest."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO

import aiohttp

from quotadeck.gateway.upstream.client import (
    BOUNDS,
    Bounds,
    Broken,
    Into,
    Reply,
    StreamReply,
    TimedOut,
    Unreachable,
    UpstreamError,
    gathered,
)
from quotadeck.gateway.upstream.endpoint import Endpoint

_IDLE_S = 4.0
_IN_PIECES_BYTES = 1024 * 1024
"""A larger body is written in pieces: in one it would hold up the event loop."""


class AiohttpUpstream:
    """`UpstreamClient` over one aiohttp session."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self._bounds = bounds
        self._leaving: set[asyncio.Task[None]] = set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=True,
            skip_auto_headers=("User-Agent",),
        )

    async def call(self, endpoint: Endpoint, body: bytes, request_id: str) -> Reply:
        reply = await self.stream(endpoint, body, request_id)
        try:
            return Reply(
                reply.status, reply.headers, await gathered(reply.next, self._bounds.reply_bytes)
            )
        except BaseException:
            reply.cut()
            raise
        finally:
            reply.close()

    async def stream(self, endpoint: Endpoint, body: bytes, request_id: str) -> StreamReply:
        url, headers = _read(endpoint, request_id)
        try:
            response = await self._session.post(
                url,
                data=body if len(body) <= _IN_PIECES_BYTES else BytesIO(body),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=endpoint.timeout_s,
                    # Ends first: a total that ran out would not tell whether anything was sent.
                    connect=min(self._bounds.connect_s, endpoint.timeout_s / 2),
                ),
            )
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.InvalidURL,
        ) as error:
            raise Unreachable(f"no connection to {endpoint.name}: {_why(error)}") from None
        except TimeoutError:
            raise TimedOut(f"{endpoint.name} was silent for {endpoint.timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            raise Broken(f"{endpoint.name} broke the connection: {_why(error)}") from None
        return _AiohttpStream(response, endpoint, self._leaving, self._bounds)

    async def close(self) -> None:
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await self._session.close()


class _AiohttpStream:
    """`StreamReply` over aiohttp's."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        endpoint: Endpoint,
        leaving: set[asyncio.Task[None]],
        bounds: Bounds,
    ) -> None:
        self.bounds = bounds
        self.status = response.status
        self.headers: Mapping[bytes, bytes] = {
            name.lower(): value for name, value in reversed(response.raw_headers)
        }
        self._response = response
        self._endpoint = endpoint
        self._leaving = leaving
        self._left = False
        self._closed = _closed(response)
        if self._closed is not None:
            self._closed.add_done_callback(self._lost)

    def _lost(self, _: "asyncio.Future[None]") -> None:
        # aiohttp tells a reader nothing of framing that it cannot parse: it would wait on.
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("connection lost"))

    async def next(self) -> bytes:
        name, timeout_s = self._endpoint.name, self._endpoint.timeout_s
        try:
            return await self._response.content.readany()
        except TimeoutError:
            raise TimedOut(f"{name} did not end within {timeout_s:g} s") from None
        except (aiohttp.ClientError, RuntimeError):
            # A RuntimeError where the connection was lost before it was read from.
            raise Broken(f"{name} cut or garbled its reply") from None

    async def pour(self, into: Into) -> None:
        pass

    def cut(self) -> None:
        self._response.close()

    def close(self) -> None:
        if self._left:
            return
        self._left = True
        if self._response.closed or self._response.content.at_eof():
            self._let_go()
            return
        task = asyncio.ensure_future(self._skip_tail())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _skip_tail(self) -> None:
        try:
            with suppress(TimeoutError, UpstreamError):
                async with asyncio.timeout(self.bounds.tail_s):
                    while await self.next():
                        pass
        finally:
            self._let_go()

    def _let_go(self) -> None:
        # At its end the reply has given its connection back, and this does nothing.
        self._response.close()
        if self._closed is not None:
            self._closed.remove_done_callback(self._lost)


def _closed(response: aiohttp.ClientResponse) -> "asyncio.Future[None] | None":
    """Done when the reply's connection is lost; None where it has all come or is lost already."""
    protocol = response.connection.protocol if response.connection is not None else None
    closed = protocol.closed if protocol is not None else None
    if closed is not None:
        closed.remove_done_callback(_heard)
        closed.add_done_callback(_heard)
    return closed


def _heard(closed: "asyncio.Future[None]") -> None:
    """Else the loop complains of an error that nobody asked for, when an idle connection breaks."""
    if not closed.cancelled():
        closed.exception()


def _why(error: Exception) -> str:
    if not isinstance(error, aiohttp.ClientConnectorError):
        return type(error).__name__
    cause = error.os_error
    if isinstance(cause, ConnectionError) and cause.errno:
        return os.strerror(cause.errno)  # asyncio's own words would name the address instead
    return cause.strerror or type(cause).__name__


def _read(endpoint: Endpoint, request_id: str) -> tuple[str, dict[str, str]]:
    """The URL, and the headers that aiohttp does not make itself."""
    origin = endpoint.origin
    first, *lines, _ = endpoint.head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    scheme = "https" if origin.tls else "http"
    host = headers.pop("host") if origin.port else f"{origin.host}:99999"
    return f"{scheme}://{host}{first.split()[1]}", {**headers, "x-request-id": request_id}
