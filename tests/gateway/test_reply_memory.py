"""The memory of whole replies: one bound for all of them, until their clients have taken them."""

import asyncio
import gzip
import socket

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.gateway.upstream.client import Broken
from quotadeck.gateway.upstream.pool import Pool
from quotadeck.gateway.upstream.reply_memory import SMALL_BYTES, ReplyMemory
from tests.gateway.chats import SHORT, Open, completion
from tests.gateway.provider import Peer, always, call, hello, provider, soon
from tests.gateway.rig import SECRET
from tests.gateway.serving import served_as
from tests.gateway.values import body

MB = 1_000_000
BIG = body(max_tokens=50, user="big")


async def a_megabyte(peer: Peer) -> None:
    await peer.answer(b"x" * MB)


async def as_asked(peer: Peer) -> None:
    """A megabyte, or a few bytes."""
    while asked := await peer.request():
        await (a_megabyte if asked.body == b"big" else hello)(peer)


async def test_replies_count_together_until_they_are_let_go() -> None:
    memory = ReplyMemory(3 * MB // 2)
    pool = Pool(memory=memory)
    async with provider(as_asked) as it:
        first = await call(pool, it.upstream(), b"big")
        assert memory.held_bytes == MB - SMALL_BYTES
        with pytest.raises(Broken, match="held are over 1,500,000 bytes"):
            await call(pool, it.upstream(), b"big")
        assert memory.held_bytes == MB - SMALL_BYTES
        assert (await call(pool, it.upstream())).status == 200  # a small one has its place
        first.let_go()
        assert memory.held_bytes == 0
        (await call(pool, it.upstream(), b"big")).let_go()
    await pool.close()


async def test_what_is_unpacked_counts_too() -> None:
    async def packed(peer: Peer) -> None:
        await peer.answer(gzip.compress(bytes(2 * MB)), "200 OK", "Content-Encoding: gzip")

    memory = ReplyMemory(MB)
    pool = Pool(memory=memory)
    async with provider(always(packed)) as it:
        with pytest.raises(Broken, match="held are over"):
            await call(pool, it.upstream())
    assert memory.held_bytes == 0
    await pool.close()


async def test_a_reply_that_breaks_or_is_given_up_is_let_go() -> None:
    async def half(peer: Peer) -> None:
        asked = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * MB)
        if asked is not None and asked.body == b"waits":
            await peer.reader.read()

    memory = ReplyMemory()
    pool = Pool(memory=memory)
    async with provider(half) as it:
        with pytest.raises(Broken, match="cut"):
            await call(pool, it.upstream())
        assert memory.held_bytes == 0
        waits = asyncio.ensure_future(call(pool, it.upstream(), b"waits"))
        await soon(lambda: memory.held_bytes == MB - SMALL_BYTES)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
    assert memory.held_bytes == 0
    await pool.close()


def test_large_replies_are_passed_on_one_after_the_other() -> None:
    memory = ReplyMemory()
    assert memory.wait_s(10 * MB, 1_000.0) == 0
    between_s = memory.wait_s(10 * MB, 1_000.0)
    assert between_s > 0
    assert memory.wait_s(5 * MB, 1_000.0) == 2 * between_s
    assert memory.wait_s(MB, 1_000.0) == 0
    assert memory.wait_s(10 * MB, 2_000.0) == 0


async def test_a_large_reply_waits_for_its_turn_and_a_small_one_does_not() -> None:
    async def large(peer: Peer) -> None:
        while asked := await peer.request():
            await (peer.answer(bytes(2 * MB)) if asked.body == b"big" else hello(peer))

    loop, memory = asyncio.get_running_loop(), ReplyMemory()
    pool = Pool(memory=memory)
    async with provider(large) as it:
        began_s = loop.time()
        memory.wait_s(20 * MB, began_s)  # another's turn
        waits = asyncio.ensure_future(call(pool, it.upstream(), b"big"))
        await soon(lambda: memory.held_bytes == 2 * MB - SMALL_BYTES)
        assert (await call(pool, it.upstream())).status == 200
        assert not waits.done()
        (await waits).let_go()
        assert loop.time() >= began_s + 0.3
    await pool.close()


ANSWER = completion(pad="x" * (8 * MB))


async def big_as_asked(peer: Peer) -> None:
    while asked := await peer.request():
        await peer.answer(ANSWER if b'"big"' in asked.body else completion())


async def ask(at: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """For a large answer."""
    reader, writer = await asyncio.open_connection(*at, limit=1 << 16)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\n"
    writer.write(f"{head}content-length: {len(BIG)}\r\n\r\n".encode() + BIG)
    return reader, writer


@pytest.mark.parametrize("reads", [True, False])
async def test_an_answer_counts_until_its_client_took_it_or_went(
    opened: Open, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    memory = ReplyMemory(10 * MB)
    monkeypatch.setattr("quotadeck.gateway.upstream.pool.ReplyMemory", lambda: memory)
    it, _ = await opened(big_as_asked)
    sock = socket.create_server(("127.0.0.1", 0))
    async with served_as("own", it.app, sock), asyncio.timeout(20):
        reader, writer = await ask(sock.getsockname())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"content-length: %d\r\n" % len(ANSWER) in head
        assert memory.held_bytes == len(ANSWER) - SMALL_BYTES
        refused = await it.ask(BIG)
        assert refused.status == 502
        assert "held are over" in refused.error["message"]
        assert (await it.ask(SHORT)).status == 200
        assert memory.held_bytes == len(ANSWER) - SMALL_BYTES
        if reads:
            assert await reader.readexactly(len(ANSWER)) == ANSWER
            writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")  # it serves on
            assert (await reader.readline()).startswith(b"HTTP/1.1 ")
        writer.transport.abort()
        await soon(lambda: memory.held_bytes == 0)
    broken = [one for one in await it.calls() if one.outcome is not Outcome.OK]
    assert [(one.outcome, one.cause) for one in broken] == [(Outcome.UNKNOWN, Cause.BROKEN_REPLY)]
    assert broken[0].cost_nano_usd > 0
