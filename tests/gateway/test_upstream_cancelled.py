"""A request that is cancelled, at each stage: no connection and no task is left behind."""

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from quotadeck.domain.catalogue import Upstream
from quotadeck.gateway.upstream.dialing import Dialer
from quotadeck.gateway.upstream.pool import Pool
from quotadeck.gateway.upstream.resolving import Address
from tests.gateway.provider import KEY, Peer, call, provider, soon, stream

FDS = Path("/proc/self/fd")


@asynccontextmanager
async def nothing_left(pool: Pool) -> AsyncIterator[None]:
    """Tasks, and files where the system counts them, are as many as before."""
    gc.collect()
    tasks, files = asyncio.all_tasks(), open_files()
    yield
    await soon(
        lambda: asyncio.all_tasks() <= tasks and not pool.connections and open_files() <= files
    )
    await pool.close()


def open_files() -> int:
    return len(os.listdir(FDS)) if FDS.exists() else 0  # noqa: PTH208


async def cancelled(pool: Pool, upstream: Upstream, there: asyncio.Event, body: bytes) -> None:
    """One request, cancelled once it is there."""
    calling = asyncio.ensure_future(call(pool, upstream, body))
    await there.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling


async def test_while_its_name_is_resolved() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        there.set()
        await answered.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "told to nobody")

    there, answered, pool = asyncio.Event(), asyncio.Event(), Pool(Dialer(resolve))
    async with nothing_left(pool):
        await cancelled(pool, Upstream("openai", "http://api.example/v1", KEY), there, b"{}")
        answered.set()


@pytest.mark.parametrize("addresses", [1, 3])
async def test_while_it_connects(addresses: int) -> None:
    async def resolve(_host: str, port: int) -> Sequence[Address]:
        asyncio.get_running_loop().call_later(0.3, there.set)  # two of the addresses are tried
        return [Address(socket.AF_INET, ("127.0.0.1", port))] * addresses

    there, pool = asyncio.Event(), Pool(Dialer(resolve))
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        upstream = Upstream("openai", f"http://api.example:{full.getsockname()[1]}/v1", KEY)
        async with nothing_left(pool):
            await cancelled(pool, upstream, there, b"{}")
        for one in waiting:
            one.close()


async def test_while_tls_is_agreed_on() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(4_000)
        there.set()
        assert await peer.reader.read() == b""

    there, pool = asyncio.Event(), Pool()
    async with provider(script) as it, nothing_left(pool):
        url = f"https://127.0.0.1:{it.port}/v1"
        await cancelled(pool, Upstream("openai", url, KEY), there, b"{}")
        await it.peers[0].done.wait()


async def test_while_it_is_sent() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(100)
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        there.set()
        await left.wait()
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        while await peer.reader.read(1 << 16):
            pass

    there, left, pool = asyncio.Event(), asyncio.Event(), Pool()
    async with provider(script) as it, nothing_left(pool):
        await cancelled(pool, it.upstream(), there, b"x" * (64 << 20))
        left.set()
        await it.peers[0].done.wait()


@pytest.mark.parametrize("body", [False, True], ids=["before-the-head", "in-the-body"])
async def test_while_its_reply_is_waited_for(body: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if body:
            await peer.begin_chunks()
            await peer.chunk(b"{")
        there.set()
        assert await peer.reader.read() == b""

    there, pool = asyncio.Event(), Pool()
    async with provider(script) as it, nothing_left(pool):
        await cancelled(pool, it.upstream(), there, b"{}")
        await it.peers[0].done.wait()


async def test_while_the_next_part_of_a_stream_is_waited_for() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(b"data: 1\n\n")
        assert await peer.reader.read() == b""

    async def read() -> None:
        async with stream(pool, it.upstream()) as reply:
            while await reply.next():
                there.set()

    there, pool = asyncio.Event(), Pool()
    async with provider(script) as it, nothing_left(pool):
        reading = asyncio.ensure_future(read())
        await there.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await it.peers[0].done.wait()
