"""Packed replies: unpacked however they come, and never more at once than there is room for."""

import asyncio
import gzip
import random
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest

from quotadeck.gateway.upstream.client import Bounds, Broken, UpstreamClient
from quotadeck.gateway.upstream.decoding import PIECE_BYTES, decoder_of
from quotadeck.gateway.upstream.pool import Pool
from tests.gateway.aiohttp_upstream import AiohttpUpstream
from tests.gateway.provider import Peer, always, call, chunks, provider, stream

PLAIN = b"".join(b'{"n":%d}' % n for n in range(30_000))


def bare(plain: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(plain) + packing.flush()


PACKED = {
    b"gzip": gzip.compress(PLAIN),
    b"X-GZip": gzip.compress(PLAIN),
    b"deflate": zlib.compress(PLAIN),
    b"Deflate": bare(PLAIN),
    b"gzip ": gzip.compress(PLAIN[:70]) + gzip.compress(PLAIN[70:]),
}


def unpacked(coding: bytes, parts: list[bytes]) -> bytes:
    decoder = decoder_of(coding.strip())
    assert decoder is not None
    whole = b""
    for part in parts:
        decoder.feed([part])
        while piece := decoder.take():
            assert len(piece) <= PIECE_BYTES
            whole += piece
    decoder.end()
    return whole


@pytest.mark.parametrize("coding", PACKED)
def test_cut_anywhere_it_is_the_same(coding: bytes) -> None:
    dice, packed = random.Random(7), PACKED[coding]
    assert unpacked(coding, [packed]) == PLAIN
    assert unpacked(coding, [packed[at : at + 1] for at in range(len(packed))]) == PLAIN
    for _ in range(20):
        at = dice.randrange(1, len(packed))
        assert unpacked(coding, [packed[:at], packed[at:]]) == PLAIN


@pytest.mark.parametrize("size", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_pieces_that_are_just_full_lose_nothing(size: int) -> None:
    assert unpacked(b"gzip", [gzip.compress(b"0" * size)]) == b"0" * size


def test_nothing_that_can_be_unpacked_waits_for_more() -> None:
    packed = zlib.compress(b"0" * 3 * PIECE_BYTES)
    for size in range(1, len(packed)):
        decoder = decoder_of(b"deflate")
        assert decoder is not None
        decoder.feed([packed[:size]])
        got = sum(map(len, iter(decoder.take, b"")))
        assert got == len(zlib.decompressobj().decompress(packed[:size]))


@pytest.mark.parametrize("coding", PACKED)
def test_what_ends_early_or_goes_on_is_broken(coding: bytes) -> None:
    with pytest.raises(Broken):
        unpacked(coding, [PACKED[coding][:-1]])
    with pytest.raises(Broken):
        unpacked(coding, [PACKED[coding] + b"more"])


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "identity", "what"])
async def test_unknown_coding_is_passed_on_as_it_is(coding: str) -> None:
    """Whoever reads it finds no answer in it; an error's status counts all the same."""

    async def answer(peer: Peer) -> None:
        await peer.answer(b"\x01\x02", "500 Broken", f"Content-Encoding: {coding}")

    pool = Pool()
    async with provider(always(answer)) as it:
        reply = await call(pool, it.upstream())
        assert (reply.status, reply.body) == (500, b"\x01\x02")
    await pool.close()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_stream_is_unpacked_as_it_comes(client: UpstreamClient, coding: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        wbits = zlib.MAX_WBITS | (16 if coding == "gzip" else 0)
        packing = zlib.compressobj(wbits=wbits)
        head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: {coding}"
        await peer.send(head.encode() + b"\r\n\r\n")
        for data in sent:
            await peer.chunk(packing.compress(data) + packing.flush(zlib.Z_SYNC_FLUSH))
            await arrived.wait()
            arrived.clear()
        await peer.chunk(packing.flush())
        await peer.chunk(b"")

    sent = [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]
    arrived, got = asyncio.Event(), list[bytes]()
    async with provider(script) as it, stream(client, it.upstream()) as reply:
        async for chunk in chunks(reply):
            got.append(chunk)
            arrived.set()
    assert got == sent


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_empty_reply_is_empty_whatever_it_says(client: UpstreamClient, coding: str) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(b"", "200 OK", f"Content-Encoding: {coding}")

    async with provider(always(answer)) as it:
        assert (await call(client, it.upstream())).body == b""
        async with stream(client, it.upstream()) as reply:
            assert await reply.next() == b""


async def test_packed_reply_that_was_cut_is_broken(client: UpstreamClient) -> None:
    if isinstance(client, AiohttpUpstream):
        pytest.skip("aiohttp takes what came of gzip")

    async def answer(peer: Peer) -> None:
        await peer.answer(PACKED[b"gzip"][:-20], "200 OK", "Content-Encoding: gzip")

    async def read() -> None:
        async with stream(client, it.upstream()) as reply:
            while await reply.next():
                pass

    async with provider(always(answer)) as it:
        with pytest.raises(Broken):
            await call(client, it.upstream())
        with pytest.raises(Broken):
            await read()


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """200 MB in 200 KB."""
    packing, zeros = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16), b"0" * (1 << 20)
    return b"".join([packing.compress(zeros) for _ in range(200)]) + packing.flush()


@pytest.fixture
async def small() -> AsyncIterator[Pool]:
    pool = Pool(bounds=Bounds(reply_bytes=2_000_000))
    yield pool
    await pool.close()


@pytest.mark.parametrize("whole", [True, False])
async def test_bomb_takes_no_more_than_there_is_room_for(
    bomb: bytes, small: Pool, whole: bool
) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            tracemalloc.start()
            await peer.answer(bomb, "200 OK", "Content-Encoding: gzip")

    async with provider(script) as it:
        try:
            if whole:
                with pytest.raises(Broken, match="over 2,000,000 bytes"):
                    await call(small, it.upstream())
            else:
                async with stream(small, it.upstream()) as reply:
                    for _ in range(20):
                        assert 0 < len(await reply.next()) <= PIECE_BYTES
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 6_000_000
