"""What comes of a stream is poured in the callback that brings it, while it is taken."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from quotadeck.gateway.upstream.client import Broken, Poured
from quotadeck.gateway.upstream.pool import Pool
from quotadeck.gateway.upstream.streaming import WireStream
from tests.gateway.provider import Peer, Script, call, provider, stream


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool()
    yield made
    await made.close()


def piece_by_piece(*steps: Callable[[Peer], Awaitable[None]]) -> tuple[Script, asyncio.Queue[None]]:
    """A stream whose every further step waits until it is let go on."""
    go_on: asyncio.Queue[None] = asyncio.Queue()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        for step in steps:
            await go_on.get()
            await step(peer)
        while await peer.request():
            await peer.answer(b"again")

    return script, go_on


def says(data: bytes) -> Callable[[Peer], Awaitable[None]]:
    return lambda peer: peer.chunk(data)


async def test_each_chunk_is_given_as_it_comes_and_the_connection_serves_on(pool: Pool) -> None:
    script, go_on = piece_by_piece(says(b"one"), says(b"two"), says(b""))
    came: list[bytes] = []

    def into(chunk: bytes) -> Poured:
        came.append(chunk)
        go_on.put_nowait(None)
        return Poured.TAKEN

    async with provider(script) as it:
        async with stream(pool, it.upstream()) as reply:
            go_on.put_nowait(None)
            await reply.pour(into)
            assert came == [b"one", b"two"]
            assert await reply.next() == b""
        assert (await call(pool, it.upstream())).body == b"again"
        assert len(it.peers) == 1


async def test_what_is_not_taken_is_there_to_be_read_and_what_follows_it_too(pool: Pool) -> None:
    script, go_on = piece_by_piece(says(b"one"), says(b"two"), says(b""))

    def into(_: bytes) -> Poured:
        return Poured.KEPT

    async with provider(script) as it, stream(pool, it.upstream()) as reply:
        go_on.put_nowait(None)
        await reply.pour(into)
        await reply.pour(into)  # there is something to read: nothing is waited for
        assert await reply.next() == b"one"
        go_on.put_nowait(None)
        assert await reply.next() == b"two"


async def test_who_has_enough_is_given_no_more(pool: Pool) -> None:
    script, go_on = piece_by_piece(says(b"one"), says(b"two"), says(b""))
    came: list[bytes] = []

    def into(chunk: bytes) -> Poured:
        came.append(chunk)
        return Poured.ENOUGH

    async with provider(script) as it, stream(pool, it.upstream()) as reply:
        go_on.put_nowait(None)
        await reply.pour(into)
        go_on.put_nowait(None)
        assert await reply.next() == b"two"
        assert came == [b"one"]


async def test_a_fault_of_the_taker_is_its_own_and_not_the_providers(pool: Pool) -> None:
    script, go_on = piece_by_piece(says(b"one"))

    def into(_: bytes) -> Poured:
        raise ZeroDivisionError

    async with provider(script) as it, stream(pool, it.upstream()) as reply:
        go_on.put_nowait(None)
        with pytest.raises(ZeroDivisionError):
            await reply.pour(into)


async def test_a_break_wakes_who_waits(pool: Pool) -> None:
    async def breaks(peer: Peer) -> None:
        peer.reset()

    script, go_on = piece_by_piece(says(b"one"), breaks)

    def into(_: bytes) -> Poured:
        go_on.put_nowait(None)
        return Poured.TAKEN

    async with provider(script) as it, stream(pool, it.upstream()) as reply:
        go_on.put_nowait(None)
        await reply.pour(into)
        with pytest.raises(Broken):
            await reply.next()


async def test_nothing_is_given_to_who_was_cancelled(pool: Pool) -> None:
    script, go_on = piece_by_piece(says(b"one"), says(b""))
    came: list[bytes] = []

    def into(chunk: bytes) -> Poured:
        came.append(chunk)
        return Poured.TAKEN

    async with provider(script) as it, stream(pool, it.upstream()) as reply:
        pouring = asyncio.ensure_future(reply.pour(into))
        await asyncio.sleep(0)
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
        go_on.put_nowait(None)
        assert await reply.next() == b"one"
        assert came == []


async def test_what_is_read_before_its_taker_wakes_is_not_given_to_it_either(pool: Pool) -> None:
    script, _ = piece_by_piece(says(b""))
    came: list[bytes] = []

    def into(chunk: bytes) -> Poured:
        came.append(chunk)
        return Poured.ENOUGH

    async with provider(script) as it, stream(pool, it.upstream()) as reply:
        assert isinstance(reply, WireStream)
        pouring = asyncio.ensure_future(reply.pour(into))
        await asyncio.sleep(0)
        (wire,) = pool._wires  # as if both were read in one turn of the loop
        wire.data_received(b"3\r\none\r\n")
        wire.data_received(b"3\r\ntwo\r\n")
        await pouring
        assert came == [b"one"]
        assert await reply.next() == b"two"
