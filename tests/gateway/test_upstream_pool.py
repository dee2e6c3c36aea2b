"""Which connections are kept, for how long, and how many."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from quotadeck.gateway.upstream.client import Broken
from quotadeck.gateway.upstream.endpoint import endpoint_of
from quotadeck.gateway.upstream.pool import IDLE_S, SWEEP_S, Pool
from tests.gateway.provider import KEY, Peer, always, call, endpoint, hello, provider, soon, stream


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool(idle_s=0.05, sweep_s=0.02)
    yield made
    await made.close()


def test_kept_connections_end_before_servers_end_them() -> None:
    assert IDLE_S + SWEEP_S < 5


async def test_idle_connection_is_let_go(pool: Pool) -> None:
    async with provider(always(hello)) as it:
        await call(pool, it.upstream())
        assert pool.connections == 1
        await asyncio.wait_for(it.peers[0].done.wait(), 1)
        assert pool.connections == 0
        await call(pool, it.upstream())
        assert len(it.peers) == 2


async def test_connection_past_its_time_is_not_used_before_it_is_swept() -> None:
    pool = Pool(idle_s=0.0, sweep_s=60)
    async with provider(always(hello)) as it:
        for _ in range(2):
            await call(pool, it.upstream())
        assert len(it.peers) == 2
        await pool.close()


async def test_the_last_one_used_is_used_first_so_that_the_others_can_go() -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            if len(it.peers) < 3:
                await asyncio.wait_for(all_there.wait(), 2)
            all_there.set()
            await peer.answer(b"%d" % it.peers.index(peer))

    all_there, pool = asyncio.Event(), Pool()
    async with provider(script) as it:
        replies = await asyncio.gather(*(call(pool, it.upstream()) for _ in range(3)))
        assert sorted(reply.body for reply in replies) == [b"0", b"1", b"2"]
        used = {(await call(pool, it.upstream())).body for _ in range(5)}
        assert len(used) == 1
        assert len(it.peers) == pool.connections == 3
        await pool.close()


async def test_no_more_are_kept_than_there_is_room_for() -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            if len(it.peers) < 5:
                await asyncio.wait_for(all_there.wait(), 2)
            all_there.set()
            await hello(peer)

    all_there, pool = asyncio.Event(), Pool(most_idle=2)
    async with provider(script) as it:
        await asyncio.gather(*(call(pool, it.upstream()) for _ in range(5)))
        await soon(lambda: pool.connections == 2)
        await pool.close()


async def test_pool_that_closes_ends_what_is_under_way() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(b"data: 1\n\n")
        assert await peer.reader.read() == b""

    pool = Pool()
    async with provider(script) as it, stream(pool, it.upstream()) as reply:
        assert await reply.next() == b"data: 1\n\n"
        await pool.close()
        assert pool.connections == 0
        with pytest.raises(Broken):
            await reply.next()
        await pool.close()


async def test_reply_that_was_read_is_cut_without_harm_to_the_next_one() -> None:
    """Whoever reads it is done, and its connection serves another."""
    pool = Pool()
    async with provider(always(hello)) as it:
        async with stream(pool, it.upstream()) as first:
            while await first.next():
                pass
            async with stream(pool, it.upstream()) as second:
                first.cut()
                first.close()
                first.close()
                assert await second.next() == b'{"hello":1}'
                assert await first.next() == b""
        assert len(it.peers) == 1
        await pool.close()


async def test_key_is_in_no_representation_and_no_error() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    pool = Pool()
    async with provider(script) as it:
        with pytest.raises(Broken) as broken:
            await call(pool, it.upstream())
        assert KEY not in repr(broken.value) + repr(endpoint(it.upstream())) + repr(pool)
        with pytest.raises(ValueError, match="the key of openai does not fit") as odd:
            endpoint_of(it.upstream(), "/x", [(b"authorization", b"Bearer x\r\n" + KEY.encode())])
        assert KEY not in str(odd.value)
    await pool.close()
