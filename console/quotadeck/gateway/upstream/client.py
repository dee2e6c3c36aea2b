"""The way to a provider: two methods, one JSON reply or one stream, and typed failures.

aiohttp stands behind them. Redirects are not followed and proxy variables not honoured: the key
goes to the configured host only.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

import aiohttp

from quotadeck.domain.catalogue import Upstream

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
    """``headers`` are found by name in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class StreamReply:
    """``chunks`` raises UpstreamError when the stream breaks or is ``cut`` from here."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]
    cut: Callable[[], None]


class UpstreamClient(Protocol):
    """Posts to a path under the upstream's base URL."""

    async def call(self, upstream: Upstream, path: str, body: bytes, request_id: str) -> Reply:
        """The whole reply, whatever its status."""
        ...

    def stream(
        self, upstream: Upstream, path: str, body: bytes, request_id: str
    ) -> AbstractAsyncContextManager[StreamReply]:
        """The reply as it comes; leaving the context drops the connection if it is not done."""
        ...


class AiohttpUpstream:
    """`UpstreamClient` over one aiohttp session."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=True,
            skip_auto_headers=("User-Agent",),
        )

    async def call(self, upstream: Upstream, path: str, body: bytes, request_id: str) -> Reply:
        async with self.stream(upstream, path, body, request_id) as reply:
            return Reply(reply.status, reply.headers, await read_whole(reply))

    @asynccontextmanager
    async def stream(
        self, upstream: Upstream, path: str, body: bytes, request_id: str
    ) -> AsyncIterator[StreamReply]:
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
        if upstream.key:
            headers["Authorization"] = f"Bearer {upstream.key}"
        try:
            response = await self._session.post(
                upstream.base_url + path,
                data=body if len(body) <= _IN_PIECES_BYTES else BytesIO(body),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=upstream.timeout_s,
                    # Ends first: a total that ran out would not tell whether anything was sent.
                    connect=min(CONNECT_TIMEOUT_S, upstream.timeout_s / 2),
                ),
            )
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.InvalidURL,
        ) as error:
            raise Unreachable(f"no connection to {upstream.name}: {_why(error)}") from None
        except TimeoutError:
            raise TimedOut(f"{upstream.name} was silent for {upstream.timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            raise Broken(f"{upstream.name} broke the connection: {_why(error)}") from None
        chunks = _chunks(response, upstream)
        try:
            yield StreamReply(response.status, response.headers, chunks, response.close)
            if not response.content.at_eof():
                await _skip_tail(chunks)
        finally:
            await chunks.aclose()
            # At its end the reply has given its connection back, and this does nothing.
            response.close()

    async def close(self) -> None:
        await self._session.close()


async def read_whole(reply: StreamReply) -> bytes:
    """All chunks of a reply. Raises UpstreamError, also for more than MAX_REPLY_BYTES."""
    parts: list[bytes] = []
    size = 0
    async for chunk in reply.chunks:
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            raise Broken(f"its reply is over {MAX_REPLY_BYTES:,} bytes")
        parts.append(chunk)
    return b"".join(parts)


async def _skip_tail(chunks: AsyncIterator[bytes]) -> None:
    with suppress(TimeoutError, UpstreamError):
        async with asyncio.timeout(_TAIL_S):
            async for _ in chunks:
                pass


async def _chunks(
    response: aiohttp.ClientResponse, upstream: Upstream
) -> AsyncGenerator[bytes, None]:
    closed = _closed(response)

    def lost(_: "asyncio.Future[None]") -> None:
        # aiohttp tells a reader nothing of framing that it cannot parse: it would wait on.
        if not response.content.is_eof() and response.content.exception() is None:
            response.content.set_exception(aiohttp.ClientPayloadError("connection lost"))

    if closed is not None:
        closed.add_done_callback(lost)
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except TimeoutError:
        raise TimedOut(f"{upstream.name} did not end within {upstream.timeout_s:g} s") from None
    except (aiohttp.ClientError, RuntimeError):
        # A RuntimeError where the connection was lost before it was read from.
        raise Broken(f"{upstream.name} cut or garbled its reply") from None
    finally:
        if closed is not None:
            closed.remove_done_callback(lost)


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
