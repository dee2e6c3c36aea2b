"""A kept connection that its provider closed as we sent: the one case of a second attempt.

aiohttp sends no POST again, so these are our pool's own.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from quotadeck.gateway.upstream.client import Bounds, Broken
from quotadeck.gateway.upstream.pool import Pool
from tests.gateway.provider import (
    JSON,
    Asked,
    Peer,
    Provider,
    Script,
    always,
    call,
    chunks,
    hello,
    provider,
    stream,
)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool()
    yield made
    await made.close()


def hang_up(it: Provider, how: str) -> None:
    """On the first connection. Without an await since, it still looks alive to the pool."""
    if how == "reset":
        it.peers[0].reset()
    else:
        it.peers[0].writer.close()


@pytest.mark.parametrize("how", ["reset", "closed"])
async def test_request_is_sent_again_on_a_fresh_connection(pool: Pool, how: str) -> None:
    asked: list[Asked] = []
    async with provider(always(hello, asked)) as it:
        await call(pool, it.upstream())
        hang_up(it, how)
        assert (await call(pool, it.upstream())).body == b'{"hello":1}'
        assert len(it.peers) == 2
        assert [one.body for one in asked] == [JSON, JSON]


@pytest.mark.parametrize("how", ["reset", "closed"])
async def test_stream_is_asked_for_again_too(pool: Pool, how: str) -> None:
    async with provider(always(hello)) as it:
        await call(pool, it.upstream())
        hang_up(it, how)
        async with stream(pool, it.upstream()) as reply:
            assert b"".join([chunk async for chunk in chunks(reply)]) == b'{"hello":1}'


async def test_a_large_request_is_sent_again_from_its_beginning(pool: Pool) -> None:
    asked: list[Asked] = []
    async with provider(always(hello, asked)) as it:
        await call(pool, it.upstream())
        hang_up(it, "closed")
        body = bytes(range(256)) * 8_192
        assert (await call(pool, it.upstream(), body)).status == 200
        assert asked[-1].body == body


async def test_it_is_sent_twice_and_no_more(pool: Pool) -> None:
    """Each provider's end answers once, and then reads a request and hangs up."""

    async def script(peer: Peer) -> None:
        await peer.request()
        if len(it.peers) == 1:
            await hello(peer)
            await peer.request()

    async with provider(script) as it:
        await call(pool, it.upstream())
        with pytest.raises(Broken, match="without a reply"):
            await call(pool, it.upstream())
        assert len(it.peers) == 2


async def test_provider_that_is_gone_may_have_read_the_first_attempt(pool: Pool) -> None:
    async with provider(always(hello)) as it:
        await call(pool, it.upstream())
        it.server.close()
        hang_up(it, "closed")
        with pytest.raises(
            Broken, match="without a reply; no connection to openai: Connection ref"
        ):
            await call(pool, it.upstream())


async def test_one_byte_of_a_reply_is_an_answer_that_broke(pool: Pool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await hello(peer)
        await peer.request()
        await peer.send(b"H")

    async with provider(script) as it:
        await call(pool, it.upstream())
        with pytest.raises(Broken):
            await call(pool, it.upstream())
        assert len(it.peers) == 1


async def test_who_hangs_up_after_a_while_had_read_it() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await hello(peer)
        await peer.request()
        loop = asyncio.get_running_loop()
        later = loop.create_future()
        loop.call_later(0.05, later.set_result, None)
        await later

    pool = Pool(bounds=Bounds(stale_s=0.02))
    async with provider(script) as it:
        await call(pool, it.upstream())
        with pytest.raises(Broken):
            await call(pool, it.upstream())
        assert len(it.peers) == 1
    await pool.close()


async def test_fresh_connection_is_never_asked_twice(pool: Pool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async with provider(script) as it:
        with pytest.raises(Broken):
            await call(pool, it.upstream())
        assert len(it.peers) == 1


def timing_out(*headers: str, after_s: float = 0.0) -> Script:
    """Each connection answers once, and then with a 408."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await hello(peer)
        while await peer.request():
            loop = asyncio.get_running_loop()
            later = loop.create_future()
            loop.call_later(after_s, later.set_result, None)
            await later
            await peer.answer(b'{"late":1}', "408 Request Timeout", *headers)

    return script


CLOSES = "Connection: close"


async def test_408_that_closes_a_kept_connection_is_no_answer(pool: Pool) -> None:
    async with provider(timing_out(CLOSES)) as it:
        await call(pool, it.upstream())
        assert (await call(pool, it.upstream())).status == 200
        async with stream(pool, it.upstream()) as reply:
            assert reply.status == 200
        assert len(it.peers) == 3


async def test_408_that_does_not_close_it_is_an_answer(pool: Pool) -> None:
    async with provider(timing_out()) as it:
        await call(pool, it.upstream())
        assert (await call(pool, it.upstream())).status == 408
        assert len(it.peers) == 1


async def test_408_after_a_while_is_an_answer() -> None:
    pool = Pool(bounds=Bounds(stale_s=0.02))
    async with provider(timing_out(CLOSES, after_s=0.05)) as it:
        await call(pool, it.upstream())
        assert (await call(pool, it.upstream())).body == b'{"late":1}'
        assert len(it.peers) == 1
    await pool.close()


async def test_408_on_a_fresh_connection_is_an_answer(pool: Pool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if len(it.peers) == 1:
            await hello(peer)
            await peer.request()
        await peer.answer(b'{"late":1}', "408 Request Timeout", CLOSES)

    async with provider(script) as it:
        await call(pool, it.upstream())
        assert (await call(pool, it.upstream())).status == 408  # the second one
        assert (await call(pool, it.upstream())).status == 408
        assert len(it.peers) == 3
