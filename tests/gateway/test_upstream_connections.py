"""Connections to a provider: used again when that is safe, dropped when it is not."""

import asyncio
import gc

import pytest

from quotadeck.domain.catalogue import Upstream
from quotadeck.gateway.upstream.client import (
    Bounds,
    UpstreamClient,
)
from tests.gateway.conftest import Bounded
from tests.gateway.provider import (
    Peer,
    always,
    call,
    chunks,
    hello,
    provider,
    stream,
)


async def test_whole_replies_share_a_connection(client: UpstreamClient) -> None:
    async with provider(always(hello)) as it:
        for _ in range(3):
            await call(client, it.upstream())
        assert len(it.peers) == 1


async def test_stream_left_at_its_last_event_gives_its_connection_back(
    client: UpstreamClient,
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.begin_chunks()
        await peer.chunk(b"data: [DONE]\n\n")
        await asyncio.wait_for(left.wait(), 1)  # the terminating chunk comes after we have left
        await peer.chunk(b"")
        ended.set()

    left, ended = asyncio.Event(), asyncio.Event()
    async with provider(always(answer)) as it:
        for _ in range(3):
            left.clear()
            ended.clear()
            async with stream(client, it.upstream()) as reply:
                async for _chunk in chunks(reply):
                    break
            left.set()
            await ended.wait()
            for _turn in range(10):
                await asyncio.sleep(0)  # turns of the loop: the end is read
        assert len(it.peers) == 1


async def test_stream_that_does_not_end_is_dropped_soon_after_it_was_left(
    bounded: Bounded,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(b"data: [DONE]\n\n")
        hung_up.set_result(await peer.reader.read())

    client = bounded(Bounds(tail_s=0.02))
    hung_up: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    async with provider(script) as it:
        async with stream(client, it.upstream()) as reply:
            await anext(aiter(chunks(reply)))
        assert await asyncio.wait_for(hung_up, 1) == b""


async def test_stream_left_by_an_error_is_dropped_at_once(client: UpstreamClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(b"data: 1\n\n")
        hung_up.set_result(await peer.reader.read())

    async def fail(upstream: Upstream) -> None:
        async with stream(client, upstream) as reply:
            await anext(aiter(chunks(reply)))
            raise RuntimeError("ours")

    hung_up: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    async with provider(script) as it:
        with pytest.raises(RuntimeError, match="ours"):
            await fail(it.upstream())
        assert await asyncio.wait_for(hung_up, 1) == b""


async def test_cancelled_call_drops_its_connection(client: UpstreamClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        came.set()
        hung_up.set_result(await peer.reader.read())

    came = asyncio.Event()
    hung_up: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    async with provider(script) as it:
        calling = asyncio.ensure_future(call(client, it.upstream()))
        await came.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert await asyncio.wait_for(hung_up, 1) == b""


async def test_idle_connection_that_the_provider_closed_is_not_used_again(
    client: UpstreamClient,
) -> None:
    async def once(peer: Peer) -> None:
        await peer.request()
        await hello(peer)
        peer.writer.write_eof()
        hung_up.set_result(await peer.reader.read())

    hung_up: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    async with provider(once) as it:
        await call(client, it.upstream())
        assert await hung_up == b""
        hung_up = asyncio.get_running_loop().create_future()
        assert (await call(client, it.upstream())).status == 200
        assert len(it.peers) == 2


async def test_idle_connection_that_breaks_is_no_error_of_anybodys(bounded: Bounded) -> None:
    async def slowly(peer: Peer) -> None:
        while await peer.request():
            await peer.begin_chunks()
            await peer.chunk(b"{}")
            await asyncio.wait_for(arrived.wait(), 1)
            await peer.chunk(b"")

    complaints: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, complaint: complaints.append(complaint))
    arrived, client = asyncio.Event(), bounded(Bounds())
    async with provider(slowly) as it:
        for _ in range(2):
            arrived.clear()
            async with stream(client, it.upstream()) as reply:
                async for _chunk in chunks(reply):
                    arrived.set()
        assert len(it.peers) == 1
        it.peers[0].reset()
        arrived.set()
        for _ in range(10):
            await asyncio.sleep(0)  # turns of the loop: the loss is noticed while nothing is asked
        assert (await call(client, it.upstream())).body == b"{}"
        assert len(it.peers) == 2
    del reply
    gc.collect()
    assert complaints == []


async def test_concurrent_calls_do_not_mix(client: UpstreamClient) -> None:
    async def echo(peer: Peer) -> None:
        while asked := await peer.request():
            await peer.answer(asked.body)

    async with provider(echo) as it:
        bodies = [b'{"n":%d}' % n for n in range(50)]
        replies = await asyncio.gather(*(call(client, it.upstream(), body) for body in bodies))
    assert [reply.body for reply in replies] == bodies
