"""The way to a provider, against real sockets: every way in which one misbehaves, told apart.

The suite asks the two methods of `UpstreamClient` only; another implementation joins ``client``.
"""

import asyncio
import gzip
import socket
import sys
import zlib
from contextlib import AsyncExitStack

import pytest

from quotadeck.domain.catalogue import Upstream
from quotadeck.gateway.upstream.client import (
    Bounds,
    Broken,
    StreamReply,
    TimedOut,
    Unreachable,
    UpstreamClient,
    UpstreamError,
)
from tests.gateway.conftest import Bounded
from tests.gateway.provider import (
    JSON,
    KEY,
    PATIENCE_S,
    Asked,
    Peer,
    Provider,
    always,
    call,
    chunks,
    hello,
    provider,
    stream,
)


async def read(reply: StreamReply) -> bytes:
    return b"".join([chunk async for chunk in chunks(reply)])


async def test_request_reaches_the_path_with_its_body_key_and_id(client: UpstreamClient) -> None:
    asked: list[Asked] = []
    async with provider(always(hello, asked)) as it:
        reply = await call(client, it.upstream())
        await call(client, it.upstream(key=""))
    assert (reply.status, reply.body) == (200, b'{"hello":1}')
    first, second = asked
    assert first.line == "POST /v1/chat/completions HTTP/1.1"
    assert first.body == JSON
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.headers["x-request-id"] == "req_1"
    assert first.headers["content-type"] == "application/json"
    assert "user-agent" not in first.headers
    assert "authorization" not in second.headers


async def test_ten_megabytes_arrive_whole(client: UpstreamClient) -> None:
    asked: list[Asked] = []
    body = b'{"text":"' + b"x" * (10 << 20) + b'"}'
    async with provider(always(hello, asked)) as it:
        await call(client, it.upstream(), body)
    assert asked[0].body == body


async def test_reply_headers_are_found_in_lower_case(client: UpstreamClient) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(b"{}", "429 Too Many Requests", "rEtRy-AfTeR: \t7 ", "Retry-After: 8")

    async with provider(always(answer)) as it:
        reply = await call(client, it.upstream())
    assert reply.status == 429
    assert reply.headers[b"retry-after"] == b"7"
    assert b"retry-after-ms" not in reply.headers


async def test_refused_connection_was_never_sent(client: UpstreamClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = Provider(unused.getsockname()[1]).upstream()
        with pytest.raises(Unreachable, match="openai: Connection refused"):
            await call(client, nobody)
        with pytest.raises(Unreachable):
            async with stream(client, nobody):
                pass


async def test_name_that_nobody_resolves_was_never_sent(client: UpstreamClient) -> None:
    with pytest.raises(Unreachable):
        await call(client, Upstream("openai", "http://nobody.invalid/v1", KEY, PATIENCE_S))


async def test_address_that_is_none_was_never_sent(client: UpstreamClient) -> None:
    with pytest.raises(Unreachable):
        await call(client, Upstream("openai", "http://127.0.0.1:99999/v1", KEY))


async def test_failed_handshake_was_never_sent(client: UpstreamClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(100)
        await peer.send(b"HTTP/1.1 400 This is no TLS\r\n\r\n")

    async with provider(script) as it:
        tls = Upstream("openai", f"https://127.0.0.1:{it.port}/v1", KEY, PATIENCE_S)
        with pytest.raises(Unreachable):
            await call(client, tls)


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels queue connections differently")
async def test_connection_that_is_not_accepted_in_time_was_never_sent(
    client: UpstreamClient,
) -> None:
    async with AsyncExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(Unreachable):
            await call(client, Provider(full.getsockname()[1]).upstream(timeout_s=0.2))


@pytest.mark.parametrize("how", ["closed", "reset"])
async def test_connection_lost_before_the_headers_may_be_billed(
    client: UpstreamClient, how: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if how == "reset":
            peer.reset()

    async with provider(script) as it:
        with pytest.raises(Broken):
            await call(client, it.upstream())
        assert len(it.peers) == 1  # a request that may be billed is not sent again


@pytest.mark.parametrize("how", ["closed", "reset", "short"])
async def test_connection_lost_in_the_body_may_be_billed(client: UpstreamClient, how: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if how == "short":
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            return
        await peer.begin_chunks()
        await peer.chunk(b"data: 1\n\n")
        await arrived.wait()
        if how == "reset":
            peer.reset()

    async def read_on(upstream: Upstream) -> None:
        async with stream(client, upstream) as reply:
            async for chunk in chunks(reply):
                got.append(chunk)
                arrived.set()

    arrived, got = asyncio.Event(), list[bytes]()
    async with provider(script) as it:
        with pytest.raises(Broken):
            await read_on(it.upstream())
    assert b"".join(got) == (b"{" if how == "short" else b"data: 1\n\n")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 9\r\n\r\nnot zlib!",
    ],
    ids=["not-http", "status", "endless-header", "chunk-size", "gzip", "deflate"],
)
async def test_nonsense_is_a_broken_reply(client: UpstreamClient, nonsense: bytes) -> None:
    async def answer(peer: Peer) -> None:
        await peer.send(nonsense)

    async with provider(always(answer)) as it:
        with pytest.raises(Broken) as broken:
            await call(client, it.upstream())
    assert KEY not in str(broken.value)


@pytest.mark.parametrize("waiting", [True, False], ids=["while-waiting", "between-reads"])
@pytest.mark.parametrize("nonsense", [b"zz\r\nabc", b"3\r\nabcXX"], ids=["size", "end-of-chunk"])
async def test_framing_that_breaks_in_the_body_is_told_at_once(
    client: UpstreamClient, nonsense: bytes, waiting: bool
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(b"data: 1\n\n")
        await arrived.wait()
        await peer.send(nonsense)
        await peer.reader.read()
        hung_up.set()

    arrived, hung_up = asyncio.Event(), asyncio.Event()
    async with (
        provider(script) as it,
        stream(client, it.upstream()) as reply,
    ):
        coming = aiter(chunks(reply))
        assert await anext(coming) == b"data: 1\n\n"
        arrived.set()
        if not waiting:
            await hung_up.wait()
        with pytest.raises(Broken):
            await read(reply)


async def test_silence_times_out(client: UpstreamClient) -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.reader.read()

    async with provider(silent) as it:
        with pytest.raises(TimedOut, match=r"openai was silent for 0\.1 s"):
            await call(client, it.upstream(timeout_s=0.1))


async def test_silence_in_the_body_times_out(client: UpstreamClient) -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(b"data: 1\n\n")
        await peer.reader.read()

    async with provider(silent) as it:
        with pytest.raises(TimedOut, match=r"openai did not end within 0\.1 s"):
            async with stream(client, it.upstream(timeout_s=0.1)) as reply:
                await read(reply)


async def test_chunk_arrives_before_the_next_one_is_sent(client: UpstreamClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        for data in sent:
            await peer.chunk(data)
            await arrived.wait()
            arrived.clear()
        await peer.chunk(b"")

    sent = [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]
    arrived, got = asyncio.Event(), list[bytes]()
    async with (
        provider(script) as it,
        stream(client, it.upstream()) as reply,
    ):
        async for chunk in chunks(reply):
            got.append(chunk)
            arrived.set()
    assert got == sent


@pytest.mark.parametrize("waiting", [True, False], ids=["while-waiting", "between-reads"])
async def test_cut_ends_the_iteration_with_an_error(client: UpstreamClient, waiting: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(b"data: 1\n\n")
        hung_up.set_result(await peer.reader.read())

    hung_up: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    async with provider(script) as it:
        async with stream(client, it.upstream()) as reply:
            coming = aiter(chunks(reply))
            assert await anext(coming) == b"data: 1\n\n"
            if waiting:
                asyncio.get_running_loop().call_later(0.01, reply.cut)
            else:
                reply.cut()
            with pytest.raises(UpstreamError):
                await anext(coming)
        assert await hung_up == b""
        assert await asyncio.wait_for(it.peers[0].reader.read(), 1) == b""


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_reply_that_ends_with_its_connection_is_whole(
    client: UpstreamClient, version: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(
            b"HTTP/%b 200 OK\r\nConnection: close\r\n\r\ndata: 1\n\n" % version.encode()
        )
        await arrived.wait()
        await peer.send(b"data: 2\n\n")

    arrived, got = asyncio.Event(), b""
    async with (
        provider(script) as it,
        stream(client, it.upstream()) as reply,
    ):
        async for chunk in chunks(reply):
            got += chunk
            arrived.set()
    assert got == b"data: 1\n\ndata: 2\n\n"


async def test_redirect_is_an_answer_and_not_followed(client: UpstreamClient) -> None:
    async with provider(always(hello)) as elsewhere:

        async def answer(peer: Peer) -> None:
            where = f"Location: http://127.0.0.1:{elsewhere.port}/v1/chat/completions"
            await peer.answer(b"", "307 Temporary Redirect", where)

        async with provider(always(answer)) as it:
            reply = await call(client, it.upstream())
        assert reply.status == 307
        assert elsewhere.peers == []


async def test_proxy_variables_are_not_honoured(
    client: UpstreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with provider(always(hello)) as proxy, provider(always(hello)) as it:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert (await call(client, it.upstream())).status == 200
        assert proxy.peers == []


async def test_cookies_are_not_sent_back(client: UpstreamClient) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(b"{}", "200 OK", "Set-Cookie: tracked=yes")

    asked: list[Asked] = []
    async with provider(always(answer, asked)) as it:
        named = Upstream("openai", f"http://localhost:{it.port}/v1", KEY, PATIENCE_S)
        await call(client, named)
        await call(client, named)
    assert "cookie" not in asked[1].headers


async def test_reply_over_the_cap_is_broken_off(
    bounded: Bounded,
) -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        while True:  # until the gateway hangs up
            await peer.chunk(b"x" * 10_000)

    client = bounded(Bounds(reply_bytes=100_000))
    async with provider(endless) as it:
        with pytest.raises(Broken, match="over 100,000 bytes"):
            await call(client, it.upstream())


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_replies_are_unpacked(client: UpstreamClient, encoding: str) -> None:
    async def answer(peer: Peer) -> None:
        packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
        await peer.answer(packed, "200 OK", f"Content-Encoding: {encoding}")

    plain = b'{"text":"' + b"many " * 10_000 + b'"}'
    async with provider(always(answer)) as it:
        assert (await call(client, it.upstream())).body == plain


async def test_small_gzip_cannot_pass_the_cap_unpacked(
    bounded: Bounded,
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(gzip.compress(b"0" * 5_000_000), "200 OK", "Content-Encoding: gzip")

    client = bounded(Bounds(reply_bytes=1_000_000))
    async with provider(always(answer)) as it:
        with pytest.raises(Broken, match="over 1,000,000 bytes"):
            await call(client, it.upstream())
