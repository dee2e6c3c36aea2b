"""Where a reply ends, and what is none: nothing of one reply is taken for another's."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from quotadeck.domain.catalogue import Upstream
from quotadeck.gateway.upstream.client import Bounds, Broken, TimedOut, UpstreamClient
from quotadeck.gateway.upstream.pool import Pool
from tests.gateway.aiohttp_upstream import AiohttpUpstream
from tests.gateway.conftest import Bounded
from tests.gateway.provider import Peer, always, call, chunks, hello, provider, stream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"
TELLING = [
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b""),
    (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}"),
    (b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}", 999, b"{}"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b""),
    (CHUNKED + b"0\r\n\r\n", 200, b""),
    (
        CHUNKED + b"1;a=b\r\n{\r\n1\r\n}\r\n0\r\nX-Trailer: t\r\nContent-Encoding: gzip\r\n\r\n",
        200,
        b"{}",
    ),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"{}"),
    (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Encoding: gzip\r\n\r\n" * 5 + OK, 200, b"{}"),
]
NONE = {
    "upgraded": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    "upgraded-without-a-word": b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK,
    "two-framings": CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two-framings-turned": OK[:-4] + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two-lengths": OK[:-4] + b"Content-Length: 1\r\n\r\n{}",
    "length-of-letters": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
    "length-below-0": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "length-beyond-all": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{}" % 10**30,
    "chunk-of-letters": CHUNKED + b"two\r\n{}\r\n0\r\n\r\n",
    "chunk-beyond-all": CHUNKED + b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n",
    "chunk-that-goes-on": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "folded-header": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    "no-colon": b"HTTP/1.1 200 OK\r\nwhat\r\nContent-Length: 2\r\n\r\n{}",
    "bare-cr": b"HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 2\r\n\r\n{}",
    "status-line-alone": b"{}\r\n\r\n",
}
AIOHTTP_TAKES = ("upgraded", "upgraded-without-a-word", "folded-header")
FLOODS = {
    "many-headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
    "long-header": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200_000 + b"\r\n\r\n",
    "long-name": b"HTTP/1.1 200 OK\r\n" + b"a" * 200_000 + b": b\r\n\r\n",
    "long-reason": b"HTTP/1.1 200 " + b"O" * 200_000 + b"\r\n\r\n",
    "many-trailers": CHUNKED + b"2\r\n{}\r\n0\r\n" + b"A: b\r\n" * 20_000,
    "long-trailer": CHUNKED + b"2\r\n{}\r\n0\r\nA: " + b"b" * 200_000,
    "endless-1xx": b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
    "endless-extension": CHUNKED + b"2;" + b"a" * 200_000,
}


def saying(*raw: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Each request is answered with these bytes, a write each."""

    async def answer(peer: Peer) -> None:
        for piece in raw:
            await peer.send(piece)

    return always(answer)


async def streamed(client: UpstreamClient, upstream: Upstream) -> bytes:
    """The whole body, by the other method."""
    async with stream(client, upstream) as reply:
        return b"".join([chunk async for chunk in chunks(reply)])


async def gone(peer: Peer) -> None:
    """The gateway's end of the connection is closed, and so the script done."""
    await asyncio.wait_for(peer.done.wait(), 2)


@pytest.mark.parametrize(("raw", "status", "body"), TELLING, ids=range(len(TELLING)))
async def test_reply_is_read_by_the_letter(
    client: UpstreamClient, raw: bytes, status: int, body: bytes
) -> None:
    async with provider(saying(raw)) as it:
        for _ in range(2):
            reply = await call(client, it.upstream())
            assert (reply.status, reply.body) == (status, body)
            assert b"link" not in reply.headers
        assert await streamed(client, it.upstream()) == body
        assert len(it.peers) == 1


@pytest.mark.parametrize("kind", NONE)
async def test_what_is_no_reply_is_broken(client: UpstreamClient, kind: str) -> None:
    if isinstance(client, AiohttpUpstream) and kind in AIOHTTP_TAKES:
        pytest.skip("aiohttp takes it")
    async with provider(saying(NONE[kind])) as it:
        with pytest.raises(Broken):
            await call(client, it.upstream())
        with pytest.raises(Broken):
            await streamed(client, it.upstream())
        assert len(it.peers) == 2


@pytest.mark.parametrize("kind", FLOODS)
async def test_flood_without_a_body_is_broken_off(kind: str) -> None:
    """aiohttp has its own bounds, and none for some."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for at in range(0, len(FLOODS[kind]), 5_000):
            await peer.send(FLOODS[kind][at : at + 5_000])
        await peer.reader.read()

    pool = Pool()
    async with provider(script) as it:
        with pytest.raises(Broken):
            await call(pool, it.upstream())
        with pytest.raises(Broken):
            await streamed(pool, it.upstream())
    await pool.close()


@pytest.mark.parametrize(
    "pieces",
    [(OK + SECOND,), (OK, SECOND), (OK + SECOND[:5], SECOND[5:])],
    ids=["at-once", "behind", "by-and-by"],
)
async def test_second_reply_is_nobodys(client: UpstreamClient, pieces: tuple[bytes, ...]) -> None:
    async with provider(saying(*pieces)) as it:
        for number in range(3):
            assert (await call(client, it.upstream())).body == b"{}"
            await gone(it.peers[number])
        assert len(it.peers) == 3


@pytest.mark.parametrize(
    "extra", [b"x", b"HTTP/1.1 408 Request Timeout\r\n\r\n"], ids=["byte", "reply"]
)
async def test_bytes_that_nobody_asked_for_end_a_kept_connection(
    client: UpstreamClient, extra: bytes
) -> None:
    if isinstance(client, AiohttpUpstream) and extra != b"x":
        pytest.skip("aiohttp takes it for the next request's reply")
    async with provider(always(hello)) as it:
        assert (await call(client, it.upstream())).status == 200
        await it.peers[0].send(extra)
        await gone(it.peers[0])
        assert (await call(client, it.upstream())).status == 200
        assert len(it.peers) == 2


async def test_second_reply_behind_a_streams_end_is_nobodys(client: UpstreamClient) -> None:
    end = CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"
    async with provider(saying(end + SECOND)) as it:
        for number in range(2):
            assert await streamed(client, it.upstream()) == b"{}"
            await gone(it.peers[number])


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_connection_that_closes_is_not_used_again(
    client: UpstreamClient, version: bytes
) -> None:
    raw = OK.replace(b"1.1", version).replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    async with provider(saying(raw)) as it:
        for _ in range(2):
            assert (await call(client, it.upstream())).body == b"{}"
        assert len(it.peers) == 2


@pytest.mark.parametrize("told", ["close", "keep-alive"])
async def test_answer_before_the_request_was_read_is_an_answer(
    client: UpstreamClient, told: str
) -> None:
    """As proxies refuse a body that is too large: its rest must not pass for another request."""

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.answer(b'{"too":"large"}', "413 Content Too Large", f"Connection: {told}")
        if told == "close":
            peer.writer.write_eof()
        while await peer.reader.read(1 << 16):
            pass

    async with provider(script) as it:
        reply = await call(client, it.upstream(), b"x" * (10 << 20))
        assert (reply.status, reply.body) == (413, b'{"too":"large"}')
        assert (await call(client, it.upstream())).status == 413
        assert len(it.peers) == 2


async def test_upstream_that_does_not_read_is_given_up_and_holds_nobody_up(
    client: UpstreamClient,
) -> None:
    async def script(peer: Peer) -> None:
        there.set()
        sock: socket.socket = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await over.wait()

    if isinstance(client, AiohttpUpstream):
        pytest.skip("aiohttp holds the loop up")
    there, over = asyncio.Event(), asyncio.Event()
    async with provider(script) as it, provider(always(hello)) as other:
        stuck = asyncio.ensure_future(call(client, it.upstream(timeout_s=0.3), b"x" * (64 << 20)))
        await there.wait()
        for _ in range(5):
            assert (await call(client, other.upstream())).status == 200
        assert not stuck.done()
        with pytest.raises(TimedOut, match="silent"):
            await stuck
        over.set()


async def test_slow_reader_of_a_stream_slows_the_upstream(client: UpstreamClient) -> None:
    piece, many = b"data: " + b"x" * 60_000 + b"\n\n", 1_000

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        for _ in range(many):
            await peer.chunk(piece)
            sent.append(1)
        await peer.chunk(b"")

    async def stands_still() -> None:
        seen = -1
        while seen != len(sent):
            seen = len(sent)
            await asyncio.wait([asyncio.ensure_future(over.wait())], timeout=0.1)

    over, sent = asyncio.Event(), list[int]()
    async with provider(script) as it, stream(client, it.upstream()) as reply:
        got = len(await reply.next())
        await stands_still()
        assert len(sent) < many / 2, "all of it is held here"
        while part := await reply.next():
            got += len(part)
        assert got == many * len(piece)
        over.set()


RESET = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"a":1\r\n1\r\n}\r\n0\r\n\r\n'


@pytest.mark.parametrize("how", ["reset", "closed"])
@pytest.mark.parametrize("raw", [RESET, OK], ids=["chunks", "length"])
async def test_reply_that_ends_at_any_byte_is_broken(
    client: UpstreamClient, raw: bytes, how: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        at = (len(it.peers) - 1) // 2
        peer.writer.write(raw[:at])
        if how == "reset":
            await asyncio.sleep(0)
            peer.reset()

    async with provider(script) as it:
        for _ in raw:
            with pytest.raises(Broken):
                await call(client, it.upstream())
            with pytest.raises(Broken):
                await streamed(client, it.upstream())
        assert len(it.peers) == 2 * len(raw)


async def test_reply_without_an_end_that_is_reset_is_broken(client: UpstreamClient) -> None:
    if isinstance(client, AiohttpUpstream):
        pytest.skip("aiohttp takes a reset for an end")

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndata: 1\n\n")
        await arrived.wait()
        peer.reset()

    arrived = asyncio.Event()
    async with provider(script) as it, stream(client, it.upstream()) as reply:
        assert await reply.next() == b"data: 1\n\n"
        arrived.set()
        with pytest.raises(Broken):
            await reply.next()


async def test_cut_stream_ends_in_an_error_though_all_of_it_had_come(
    client: UpstreamClient,
) -> None:
    async with (
        provider(saying(CHUNKED + b"2\r\n{}\r\n0\r\n\r\n")) as it,
        stream(client, it.upstream()) as reply,
    ):
        reply.cut()
        with pytest.raises(Broken):
            await reply.next()


async def test_endless_reply_in_one_piece_is_held_to_its_cap(bounded: Bounded) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % 10**12)
        while True:
            await peer.send(b"x" * 65_536)

    client = bounded(Bounds(reply_bytes=1_000_000))
    async with provider(script) as it:
        with pytest.raises(Broken, match="over 1,000,000 bytes"):
            await call(client, it.upstream())
