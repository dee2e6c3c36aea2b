"""The way to a provider: two methods, one JSON reply or one stream, and typed failures.

aiohttp stands behind them. Redirects are not followed and proxy variables not honoured: the key
goes to the configured host only.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

import aiohttp

from quotadeck.gateway.upstream.endpoint import Endpoint

MAX_REPLY_BYTES = 64 * 1024 * 1024
CONNECT_TIMEOUT_S = 10.0
_IDLE_S = 15.0
"""Shorter than servers keep idle connections, so that a request seldom meets a closing one."""
_TAIL_S = 0.25
"""So long a stream left at its last event may take to end, so that its connection serves on."""
_IN_PIECES_BYTES = 1024 * 1024
"""A larger body is written in pieces: in one it would hold up the event loop."""


class UpstreamError(Exception):
    """No usable answer; ``args[0]`` says why, without secrets."""


class Unreachable(UpstreamError):
    """The request never reached the upstream: nothing was used."""


class TimedOut(UpstreamError):
    """Sent, but not answered in time: it may have been billed."""


class Broken(UpstreamError):
    """Sent, but the answer was cut or is not HTTP: it may have been billed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``headers`` have names in lower case; of a name that comes twice, the first."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class StreamReply(Protocol):
    """A reply as it comes. Whoever leaves it closes it, and cuts it first if that is for an error.

    ``headers`` as in `Reply`.
    """

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[bytes, bytes]: ...

    async def next(self) -> bytes:
        """What has come; b"" at the end. Raises UpstreamError: it broke, or was cut from here."""
        ...

    def cut(self) -> None:
        """Drop the connection at once; whoever waits for `next` gets an UpstreamError."""
        ...

    def close(self) -> None:
        """Be done with it, once or more often. The connection serves on if it ends at once."""
        ...


class UpstreamClient(Protocol):
    """Posts to endpoints."""

    async def call(self, endpoint: Endpoint, body: bytes, request_id: str) -> Reply:
        """The whole reply, whatever its status."""
        ...

    async def stream(self, endpoint: Endpoint, body: bytes, request_id: str) -> StreamReply:
        """The reply once its head has come, whatever its status."""
        ...


class AiohttpUpstream:
    """`UpstreamClient` over one aiohttp session."""

    def __init__(self) -> None:
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
            return Reply(reply.status, reply.headers, await read_whole(reply))
        except BaseException:
            reply.cut()
            raise
        finally:
            reply.close()

    async def stream(self, endpoint: Endpoint, body: bytes, request_id: str) -> StreamReply:
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
        for name, value in endpoint.credentials:
            headers[name.decode("latin-1")] = value.decode()
        try:
            response = await self._session.post(
                endpoint.url,
                data=body if len(body) <= _IN_PIECES_BYTES else BytesIO(body),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=endpoint.timeout_s,
                    # Ends first: a total that ran out would not tell whether anything was sent.
                    connect=min(CONNECT_TIMEOUT_S, endpoint.timeout_s / 2),
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
        return _AiohttpStream(response, endpoint, self._leaving)

    async def close(self) -> None:
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await self._session.close()


async def read_whole(reply: StreamReply) -> bytes:
    """All chunks of a reply. Raises UpstreamError, also for more than MAX_REPLY_BYTES."""
    parts: list[bytes] = []
    size = 0
    while chunk := await reply.next():
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            raise Broken(f"its reply is over {MAX_REPLY_BYTES:,} bytes")
        parts.append(chunk)
    return b"".join(parts)


class _AiohttpStream:
    """`StreamReply` over aiohttp's."""

    def __init__(
        self, response: aiohttp.ClientResponse, endpoint: Endpoint, leaving: set[asyncio.Task[None]]
    ) -> None:
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
                async with asyncio.timeout(_TAIL_S):
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
