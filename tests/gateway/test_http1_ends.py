"""How a connection of the data plane ends: who is still answered, and whose rest is not read."""

import asyncio
import socket

import pytest
import uvloop

from quotadeck.domain.refusals import Draining, NotHttp, Refusal
from quotadeck.gateway.connection.exchange import Exchange
from tests.gateway.echoing import asked, count_nothing, dated, refused
from tests.gateway.serving import served_as

pytestmark = pytest.mark.usefixtures("now_is_known")
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
STREAM = GET.replace(b"/", b"/stream", 1)
POST = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSE = b"connection: close\r\n"


async def slow(exchange: Exchange) -> None:
    """Answers only once its client has said that it says nothing more."""
    ended = asyncio.Event()
    exchange.watch(ended.set)
    await ended.wait()
    if exchange.path == "/stream":
        await exchange.begin(200, b"")
        await exchange.write(b"a")
        await asyncio.sleep(0)
        await exchange.finish(b"b")
    else:
        await exchange.answer(200, b"", b"hello")


async def _asked_and_ended(asking: bytes) -> tuple[bytes, int]:
    sock = socket.create_server(("127.0.0.1", 0))
    async with served_as("own", slow, sock) as connections, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(asking + GET)
        writer.write_eof()
        got = await reader.read()
        while connections:  # noqa: ASYNC110 -- no event
            await asyncio.sleep(0)
        writer.close()
        return got, len(connections)


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop])
@pytest.mark.parametrize(
    ("asking", "answer"),
    [
        (GET, b"HTTP/1.1 200 OK\r\n" + CLOSE + b"content-length: 5\r\n\r\nhello"),
        (
            STREAM,
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n%b\r\n"
            b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n" % CLOSE,
        ),
    ],
)
def test_who_ends_its_side_behind_its_request_is_answered_and_the_connection_ends(
    loop: type[asyncio.AbstractEventLoop], asking: bytes, answer: bytes
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(_asked_and_ended(asking)) == (dated(answer), 0)


async def test_a_head_of_pieces_that_are_long_in_coming_is_there_at_once() -> None:
    token = asyncio.Event()

    async def thinking(exchange: Exchange) -> None:
        await exchange.begin(200, b"a: b\r\n")
        await token.wait()
        await exchange.finish(b"hello")

    async with asked("own", thinking) as client, asyncio.timeout(10):
        await client.send(GET)
        head = dated(b"HTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n")
        assert await client.reader.readexactly(len(head)) == head
        token.set()
        assert await client.reader.readexactly(15) == b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize("pieces", [False, True])
async def test_a_head_may_say_that_nothing_follows(pieces: bool) -> None:
    async def last(exchange: Exchange) -> None:
        if pieces:
            await exchange.begin(503, CLOSE)
            await exchange.finish(b"no")
        else:
            await exchange.answer(503, CLOSE, b"no")

    async with asked("own", last) as client:
        await client.send(GET * 2)
        raw = await client.reader.read()
    assert (raw.count(b"HTTP/1.1 503"), raw.lower().count(CLOSE)) == (1, 1)


@pytest.mark.parametrize("early", [False, True])
async def test_a_body_that_is_none_is_refused_by_its_handler_and_ends_the_connection(
    early: bool,
) -> None:
    told: list[Refusal] = []

    async def reading(exchange: Exchange) -> None:
        if not early:
            with pytest.raises(NotHttp) as broken:
                await exchange.body(count_nothing)
            told.append(broken.value)
            await exchange.answer(*refused(broken.value))
        else:
            await exchange.answer(401, b"", b"")

    async with asked("own", reading) as client:
        client.connection.data_received(POST + b"nonsense\r\n" + GET)
        await client.send(GET, GET)
        [only] = await client.answers()
        await client.nothing_under_way()
    assert (only.status, only.closes) == ((401, True) if early else (400, True))
    assert len(told) == (not early)


async def test_a_body_that_is_waited_for_no_longer_is_refused_by_its_handler() -> None:
    async def reading(exchange: Exchange) -> None:
        with pytest.raises(Draining) as ended:
            await exchange.body(count_nothing)
        await exchange.answer(*refused(ended.value))

    async with asked("own", reading) as client:
        await client.send(POST + b"5\r\nhe")
        client.connection.shutdown()
        client.connection.shutdown()
        await client.send(b"llo\r\n0\r\n\r\n" + GET)
        [only] = await client.answers()
    assert (only.status, only.closes) == (503, True)
