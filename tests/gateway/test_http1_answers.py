"""What the data plane's connection writes, and when: bytes of answers, whole and in pieces."""

import asyncio
import logging

import pytest

from quotadeck.domain.refusals import BodiesTooLarge, BodyCut
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.connection.http1_service import Handle
from quotadeck.gateway.connection.states import IDLE, Impossible
from tests.gateway.echoing import KINDS, asked, count_nothing, dated

pytestmark = pytest.mark.usefixtures("now_is_known")
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n"


async def whole(exchange: Exchange) -> None:
    await exchange.answer(404, b"a: b\r\n", b"hello")


async def in_pieces(exchange: Exchange) -> None:
    await exchange.begin(200, b"a: b\r\n")
    for piece in (b"hello ", b"", b"there"):
        await exchange.write(piece)
    await exchange.finish(b"!")


async def empty(exchange: Exchange) -> None:
    await exchange.begin(200, b"")
    await exchange.finish(b"")


async def no_content(exchange: Exchange) -> None:
    await exchange.answer(204, b"", b"")


CLOSE = b"connection: close\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("handle", "asking", "answer"),
    [
        (whole, GET, b"HTTP/1.1 404 Not Found\r\na: b\r\ncontent-length: 5\r\n\r\nhello"),
        (whole, HEAD, b"HTTP/1.1 404 Not Found\r\na: b\r\ncontent-length: 5\r\n\r\n"),
        (no_content, GET, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (in_pieces, GET, CHUNKED + b"6\r\nhello \r\n5\r\nthere\r\n1\r\n!\r\n0\r\n\r\n"),
        (in_pieces, HEAD, b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"),
        (empty, GET, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ],
)
async def test_an_answer_to_the_byte(handle: Handle, asking: bytes, answer: bytes) -> None:
    async with asked("own", handle) as client:
        await client.send(asking * 2)
        answers = dated(answer) * 2
        assert await client.reader.readexactly(len(answers)) == answers
        assert client.connection.state is IDLE


@pytest.mark.parametrize(
    ("handle", "answer"),
    [
        (
            whole,
            b"HTTP/1.1 404 Not Found\r\na: b\r\n%bcontent-length: 5\r\n\r\nhello" % CLOSE,
        ),
        (in_pieces, b"HTTP/1.1 200 OK\r\na: b\r\n%b\r\nhello there!" % CLOSE),
    ],
)
async def test_http_1_0_gets_no_chunks_and_the_end_is_the_end(
    handle: Handle, answer: bytes
) -> None:
    async with asked("own", handle) as client:
        await client.send(OLD + GET)
        assert await client.reader.read() == dated(answer)


async def test_a_head_and_what_follows_are_one_write_and_so_is_each_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[bytes] = []

    class Noting:
        def __init__(self, transport: asyncio.Transport) -> None:
            self._transport = transport

        def write(self, data: bytes) -> None:
            written.append(data)
            self._transport.write(data)

        def __getattr__(self, name: str) -> object:
            return getattr(self._transport, name)

    async with asked("own", in_pieces) as client:
        client.connection.transport = Noting(client.connection.transport)
        await client.send(GET)
        await client.nothing_under_way()
    assert len(written) == 3
    assert written[0] == dated(CHUNKED) + b"6\r\nhello \r\n"
    assert written[2] == b"1\r\n!\r\n0\r\n\r\n"


@pytest.mark.parametrize("head", [b"a: b", b"a: b\r\n\r\nb: c\r\n"])
async def test_a_head_that_ends_too_early_or_not_at_all_is_not_written(head: bytes) -> None:
    async def wrong(exchange: Exchange) -> None:
        with pytest.raises(ValueError, match="whole lines"):
            await exchange.answer(200, head, b"")
        with pytest.raises(ValueError, match="whole lines"):
            await exchange.begin(200, head)
        await exchange.answer(200, b"", b"")

    async with asked("own", wrong) as client:
        await client.send(GET)
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 200 ")


async def test_nothing_is_written_out_of_its_turn() -> None:
    late: list[Exchange] = []

    async def confused(exchange: Exchange) -> None:
        with pytest.raises(Impossible):
            await exchange.write(b"no head")
        with pytest.raises(Impossible):
            await exchange.finish(b"no head")
        for before in late:
            for wrong in (before.answer(200, b"", b"x"), before.write(b"x"), before.finish(b"x")):
                with pytest.raises(Impossible):
                    await wrong
        late.append(exchange)
        await exchange.answer(200, b"", b"")

    answer = dated(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    async with asked("own", confused) as client:
        await client.send(GET * 2)
        assert await client.reader.readexactly(2 * len(answer)) == answer * 2
        await client.nothing_under_way()


@pytest.mark.parametrize("kind", KINDS)
async def test_who_gets_no_whole_answer_is_cut(kind: str) -> None:
    async def half(exchange: Exchange) -> None:
        await exchange.begin(200, b"")
        await exchange.write(b"half")

    async with asked(kind, half) as client:
        await client.send(GET)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.reader.readuntil(b"0\r\n\r\n")
        await client.nothing_under_way()


async def test_a_fault_of_the_handler_is_logged_and_cuts(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_exchange: Exchange) -> None:
        raise KeyError("ours")

    caplog.set_level(logging.ERROR)
    async with asked("own", broken) as client:
        await client.send(GET)
        await client.cut()
    [record] = caplog.records
    assert record.exc_info


async def test_a_cancelled_request_is_cut_and_forgotten() -> None:
    begun = asyncio.Event()

    async def slow(_exchange: Exchange) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asked("own", slow) as client:
        await client.send(GET)
        await begun.wait()
        for task in list(client.tasks):
            task.cancel()
        await client.nothing_under_way()
        assert client.is_closing()


@pytest.mark.parametrize("kind", KINDS)
async def test_each_part_of_a_body_is_counted_as_it_comes_and_can_be_refused(kind: str) -> None:
    sizes: list[int] = []

    async def counting(exchange: Exchange) -> None:
        def grow(size: int) -> None:
            sizes.append(size)
            if sum(sizes) > 4:
                raise BodiesTooLarge(4)

        with pytest.raises(BodiesTooLarge):
            await exchange.body(grow)
        await exchange.answer(413, b"", b"")

    async with asked(kind, counting) as client:
        await client.send(POST + b"abc", b"de")
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 413 ")
        assert [size for size in sizes if size] == [3, 2]
        await client.send(b"f")
        assert client.waits


@pytest.mark.parametrize("kind", KINDS)
async def test_who_watches_is_told_once_that_its_client_is_gone(kind: str) -> None:
    told: list[str] = []
    gone = asyncio.Event()

    async def watching(exchange: Exchange) -> None:
        def tell() -> None:
            told.append("gone")
            gone.set()

        await exchange.body(count_nothing)
        exchange.watch(tell)
        await gone.wait()
        await exchange.begin(200, b"")
        await exchange.write(b"nobody")
        await exchange.finish(b"hears")

    async with asked(kind, watching) as client:
        await client.send(GET)
        client.writer.close()
        await client.nothing_under_way()
    assert told == ["gone"]


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_answered_is_never_told_that_its_client_is_gone(kind: str) -> None:
    told: list[str] = []

    async def watching(exchange: Exchange) -> None:
        exchange.watch(lambda: told.append("gone"))
        await exchange.answer(200, b"", b"")

    async with asked(kind, watching) as client:
        await client.send(GET)
        await client.nothing_under_way()
        client.writer.close()
        await client.cut()
    assert told == []


async def test_whose_client_is_gone_before_the_watch_is_told_too() -> None:
    told = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        with pytest.raises(BodyCut):
            await exchange.body(count_nothing)
        exchange.watch(told.set)
        await told.wait()

    async with asked("own", late) as client:
        await client.send(POST)
        client.writer.close()
        await client.nothing_under_way()
    assert told.is_set()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_seat_is_taken_from_the_answers_beginning_to_its_end(kind: str) -> None:
    table, inside = Connections("connections", 100), asyncio.Event()
    release = asyncio.Event()

    async def serving(exchange: Exchange) -> None:
        exchange.seat.serve("project")
        inside.set()
        await release.wait()
        await exchange.answer(200, b"", b"")

    async with asked(kind, serving, table) as client:
        await client.send(GET)
        await inside.wait()
        assert table._busy == 1
        release.set()
        await client.nothing_under_way()
        assert (table._busy, len(table)) == (0, 1)
        assert client.connection._seat.known
    await asyncio.sleep(0)
    assert len(table) == 0
