"""What nobody read of one reply is never part of another's, though they share a connection."""

import asyncio

import pytest

from quotadeck.gateway.upstream.client import UpstreamClient
from tests.gateway.provider import Peer, call, chunks, provider, stream


@pytest.mark.parametrize("next_is_streamed", [False, True])
async def test_the_rest_of_a_reply_that_was_left_is_nobodys(
    client: UpstreamClient, next_is_streamed: bool
) -> None:
    left, sent = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(b"the first part")
        await left.wait()
        await peer.chunk(b"what was meant for another")
        await peer.chunk(b"")
        sent.set()
        while await peer.request():
            await peer.answer(b"its own")

    async with provider(script) as it:
        async with stream(client, it.upstream()) as reply:
            assert await reply.next() == b"the first part"
            left.set()
            await sent.wait()
            for _ in range(20):  # the reply ends while nobody reads
                await asyncio.sleep(0)
        if next_is_streamed:
            async with stream(client, it.upstream()) as reply:
                assert [chunk async for chunk in chunks(reply)] == [b"its own"]
        else:
            assert (await call(client, it.upstream())).body == b"its own"
        assert len(it.peers) == 1
