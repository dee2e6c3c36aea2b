"""How long a peer may owe something, and how much may be held for it: both servers alike."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from quotadeck.domain.refusals import BodyCut
from quotadeck.gateway.connection.bodies import HELD_BYTES
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.connection.http1_server import Http1Server
from quotadeck.gateway.connection.http1_service import Handle
from quotadeck.gateway.connection.patience import (
    IDLE_S,
    KEEP_ALIVE_S,
    PACE_BYTES,
    STALL_S,
    STRANGER_S,
)
from quotadeck.gateway.connection.states import HEAD, IDLE, LINGERING, SKIPPING, STREAMING
from tests.gateway.echoing import KINDS, Client, asked, count_nothing, never, refused
from tests.gateway.serving import served_as

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LONG = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n"
EARLY = LONG.replace(b"/ ", b"/early ", 1)

both = pytest.mark.parametrize("kind", KINDS)


async def at_once(exchange: Exchange) -> None:
    """Answers before the body has come."""
    await exchange.answer(200, b"", b"")


async def endless(exchange: Exchange) -> None:
    """Streams for as long as its client is there."""
    await exchange.body(count_nothing)
    gone = asyncio.Event()
    exchange.watch(gone.set)
    await exchange.begin(200, b"")
    while not gone.is_set():
        await exchange.write(b"x" * 100_000)
        await asyncio.sleep(0)


@asynccontextmanager
async def _stalled(
    kind: str, handle: Handle, sent: bytes = GET
) -> AsyncIterator[tuple[Client, socket.socket]]:
    """A connection whose client has asked, reads nothing, and has more to read than it can hold."""
    async with asked(kind, handle) as client:
        raw = client.writer.get_extra_info("socket")
        transport = client.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        await client.send(sent)
        async with asyncio.timeout(10):
            while not client.is_stalled():  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)
        with socket.socket(fileno=raw.fileno()) as sock:
            try:
                yield client, sock
            finally:
                sock.detach()


@both
@pytest.mark.parametrize(
    "sent",
    [b"\r\n", b"GET / HT", GET[:-2], LONG, LONG + b"half"],
    ids=["empty line", "line", "head", "no body", "half a body"],
)
async def test_half_a_request_ends_in_its_time(kind: str, sent: bytes) -> None:
    async with asked(kind, _reading) as client:
        await client.send(sent)
        client.look(IDLE_S - 1)
        assert not client.is_closing()
        client.look(IDLE_S)
        assert client.is_closing()
        await client.nothing_under_way()


async def _reading(exchange: Exchange) -> None:
    with pytest.raises(BodyCut):
        await exchange.body(count_nothing)


@both
@pytest.mark.parametrize("sent", [LONG, EARLY])
@pytest.mark.parametrize(("pace", "cut"), [(1, True), (PACE_BYTES // 10, False)])
async def test_a_body_may_be_slow_but_not_drip(
    kind: str, sent: bytes, pace: int, cut: bool
) -> None:
    async with asked(kind, _reading if sent is LONG else at_once) as client:
        await client.send(sent)
        for second in range(0, 2 * round(IDLE_S), 5):
            await client.send(b"x" * pace)
            client.look(second)
        assert client.is_closing() == cut


@both
async def test_one_byte_of_a_head_now_and_then_is_no_reason_to_wait(kind: str) -> None:
    async with asked(kind) as client:
        for second, byte in enumerate(GET[:20]):
            await client.send(bytes([byte]))
            client.look(second * 5)
        assert client.is_closing()


async def test_between_two_requests_somebody_known_has_longer_than_a_stranger() -> None:
    for known, limit_s in ((True, KEEP_ALIVE_S), (False, STRANGER_S)):
        for before in (b"", GET):
            async with asked("own") as client:
                client.connection._seat.known = known
                await client.send(before)
                await client.nothing_under_way()
                assert client.connection.state is IDLE
                client.look(limit_s - 1)
                assert not client.is_closing()
                client.look(limit_s)
                assert client.is_closing()


async def test_the_rest_of_an_answered_requests_body_is_owed_too() -> None:
    async with asked("own", at_once) as client:
        await client.send(EARLY + b"half")
        client.look(IDLE_S - 1)
        assert not client.is_closing()
        client.look(IDLE_S)
        assert client.is_closing()


async def test_a_stranger_has_less_time_for_its_request() -> None:
    async with asked("own") as client:
        client.connection._seat.known = False
        await client.send(GET[:9])
        client.look(STRANGER_S - 1)
        assert not client.is_closing()
        client.look(STRANGER_S)
        assert client.is_closing()


@both
async def test_who_waits_for_its_answer_owes_nothing(kind: str) -> None:
    async with asked(kind, never) as client:
        await client.send(GET)
        for hours in range(5):
            client.look(hours * 3_600)
        assert not client.is_closing()


async def test_whose_body_is_not_read_owes_nothing() -> None:
    async with asked("own", never) as client:
        await client.send(LONG + b"x" * (HELD_BYTES + 1))
        assert client.reads_no_more()
        client.look(10 * IDLE_S)
        assert not client.is_closing()


@both
@pytest.mark.parametrize("reads", [False, True])
async def test_who_takes_nothing_of_an_answer_for_a_minute_is_cut(kind: str, reads: bool) -> None:
    async with _stalled(kind, endless) as (client, sock):
        client.look(STALL_S - 1)
        assert not client.is_closing()
        if reads:
            while not sock.recv(1_000_000):
                pass
        client.look(STALL_S)
        assert client.is_closing() != reads
        client.look(2 * STALL_S + 1)
        await client.nothing_under_way()


@both
async def test_who_reads_no_answers_gets_no_more_of_them_made(kind: str) -> None:
    made = 0

    async def large(exchange: Exchange) -> None:
        nonlocal made
        made += 1
        await exchange.answer(200, b"", b"x" * 1_000_000)

    async with _stalled(kind, large, GET * 50):
        for _ in range(100):
            await asyncio.sleep(0)
        assert made <= 3


async def test_a_cancelled_write_does_not_spoil_the_next() -> None:
    async def last_words(exchange: Exchange) -> None:
        try:
            await endless(exchange)
        except asyncio.CancelledError:
            await exchange.finish(b"last words")

    async with _stalled("own", last_words) as (client, sock):
        [task] = client.tasks
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        got = b""
        while not got.endswith(b"last words\r\n0\r\n\r\n"):
            await asyncio.sleep(0)
            try:
                got = got[-100:] + sock.recv(1_000_000)
            except BlockingIOError:
                continue
        await client.nothing_under_way()
        assert client.connection.state is IDLE


@both
async def test_what_waits_behind_an_answer_has_an_end(kind: str) -> None:
    async with asked(kind, never) as client:
        await client.send(GET)
        for _ in range(HELD_BYTES // len(GET) + 1):
            assert not client.reads_no_more()
            await client.send(GET)
        assert client.reads_no_more()
        assert client.held_bytes < HELD_BYTES + 2 * len(GET)
        assert len(client.tasks) == 1


async def test_reading_goes_on_as_soon_as_there_is_room() -> None:
    body = b"x" * (4 * HELD_BYTES)
    release = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await release.wait()
        got = await exchange.body(count_nothing)
        await exchange.answer(200, b"", b"%d" % len(got))

    async with asked("own", late) as client:
        await client.send(LONG.replace(b"9999999", b"%d" % len(body)) + body[:-HELD_BYTES])
        assert client.reads_no_more()
        release.set()
        await client.send(b"")
        assert not client.reads_no_more()
        await client.send(body[-HELD_BYTES:] + GET)
        await client.nothing_under_way()
        assert (client.connection.state, client.reads_no_more()) == (IDLE, False)


async def test_each_state_ends_in_its_own_way_when_the_server_does() -> None:
    streaming = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await exchange.begin(200, b"")
        await exchange.write(b"a")
        await streaming.wait()
        await exchange.finish(b"b")

    for handle, sent, state, answers in (
        (at_once, b"", IDLE, []),
        (at_once, GET[:9], HEAD, [503]),
        (at_once, EARLY, SKIPPING, [200]),
        (slow, GET * 2, STREAMING, [200]),
        (at_once, b"nonsense\r\n\r\n", LINGERING, [400]),
    ):
        streaming.clear()
        async with asked("own", handle) as client:
            await client.send(sent)
            assert client.connection.state is state
            client.connection.shutdown()
            client.connection.shutdown()
            streaming.set()
            assert [one.status for one in await client.answers()] == answers
            client.writer.close()
            await client.nothing_under_way()


async def test_a_server_stops_when_its_last_answer_is_taken_and_is_cut_when_told() -> None:
    begun = asyncio.Event()
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        begun.set()
        await release.wait()
        await exchange.answer(200, b"", b"")

    for cut in (False, True):
        begun.clear()
        release.clear()
        sock = socket.create_server(("127.0.0.1", 0))
        server = Http1Server(slow, refused, Connections("connections", 100))
        serving = asyncio.ensure_future(server.serve([sock]))
        await server.up.wait()
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        _, idle = await asyncio.open_connection(*sock.getsockname())
        writer.write(GET)
        async with asyncio.timeout(10):
            await begun.wait()
            server.stop()
            await asyncio.sleep(0)
            assert not serving.done()
            if cut:
                server.cut()
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            else:
                release.set()
                assert b"\r\nconnection: close\r\n" in await reader.read()
                writer.close()
            await serving
        assert not server.connections
        writer.close()
        idle.close()
        sock.close()


@both
async def test_thousands_of_connections_come_and_go(kind: str) -> None:
    sock = socket.create_server(("127.0.0.1", 0))

    async def once() -> bytes:
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        got = await reader.read()
        writer.close()
        await writer.wait_closed()
        return got

    async with served_as(kind, at_once, sock, 1_000) as connections:
        for _ in range(10):
            got = await asyncio.gather(*(once() for _ in range(100)))
            assert all(one.startswith(b"HTTP/1.1 200 ") for one in got)
        async with asyncio.timeout(10):
            while connections:  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)
