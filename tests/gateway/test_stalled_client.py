"""A client that stops reading: over a real socket, and what is left of its request."""

import asyncio
import logging
import socket

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.gateway.connection.patience import STALL_S
from tests.gateway.chats import DELTA, STREAM, Open, nothing_is_held
from tests.gateway.provider import Peer, always
from tests.gateway.rig import SECRET
from tests.gateway.serving import served_as


async def endless(peer: Peer) -> None:
    await peer.begin_chunks()
    while True:
        await peer.chunk(DELTA * 1_000)


async def ask(sock: socket.socket, reader: socket.socket) -> None:
    """Ask for a stream, of which nothing will be read."""
    loop = asyncio.get_running_loop()
    reader.setblocking(False)
    await loop.sock_connect(reader, sock.getsockname())
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\n"
    await loop.sock_sendall(
        reader, f"{head}content-length: {len(STREAM)}\r\n\r\n".encode() + STREAM
    )


@pytest.fixture
def listening() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


async def test_its_slot_and_its_hold_are_free_and_the_log_is_quiet(
    opened: Open,
    listening: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("quotadeck.gateway.data.relay.LISTEN_ON_S", 0)
    it, _ = await opened(always(endless))
    caplog.set_level(logging.WARNING)
    async with served_as("own", it.app, listening) as connections, asyncio.timeout(10):
        with socket.socket() as reader:
            await ask(listening, reader)
            while not any(flight.writing for flight in it.flights.under_way.values()):  # noqa: ASYNC110
                await asyncio.sleep(0)
            [connection] = connections
            now_s = asyncio.get_running_loop().time()
            connection.cut_if_idle(now_s)
            assert len(it.flights.under_way) == 1
            connection.cut_if_idle(now_s + STALL_S)
            await it.flights.empty.wait()
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.CLIENT_GONE)
    await nothing_is_held(it, call.cost_nano_usd)
    assert caplog.records == []


async def test_also_where_the_upstreams_time_is_shorter(
    opened: Open,
    listening: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("quotadeck.gateway.data.relay.LAST_WORDS_S", 0)
    it, _ = await opened(always(endless))
    caplog.set_level(logging.WARNING)
    async with served_as("own", it.app, listening) as connections, asyncio.timeout(10):
        with socket.socket() as reader:
            await ask(listening, reader)
            while not any(flight.writing for flight in it.flights.under_way.values()):  # noqa: ASYNC110
                await asyncio.sleep(0)
            it.clock.advance_ms(40_000)
            await it.flights.reap()
            while connections:  # noqa: ASYNC110
                await asyncio.sleep(0)
    assert (await it.call()).cause is Cause.CLIENT_GONE
    assert caplog.records == []
