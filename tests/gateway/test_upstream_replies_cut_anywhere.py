"""What the pool reads of a reply, against h11: an independent reader of the same bytes."""

import asyncio
import itertools
from collections.abc import Sequence

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from quotadeck.gateway.upstream.client import UpstreamError
from quotadeck.gateway.upstream.pool import Pool
from tests.gateway.provider import Peer, call, chunks, provider, stream

FIELDS = st.sampled_from(
    [
        b"Content-Type: application/json",
        b"Connection: close",
        b"Connection: keep-alive",
        b"X-A: \t b:c \xe9\t",
        b"x-a:",
        b"Set-Cookie: a=b",
        b"Retry-After: 7",
    ]
)
MUDDLING = st.sampled_from(
    [
        *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b":", b";", b"0", b"a", b"\x00", b"\x0b"),
        *(b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny", b"HTTP/1.0", b"close"),
        *(b"\r\nContent-Length: 1", b"\r\nTransfer-Encoding: chunked", b"\r\n "),
    ]
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"\r\n" * 9, b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]),
)
CUTS = st.lists(st.integers(0, 400), max_size=12)
Read = tuple[int, tuple[tuple[bytes, bytes], ...], bytes]


@st.composite
def replies(draw: st.DrawFn) -> bytes:
    """A reply as bytes, by the letter."""
    status = draw(st.sampled_from([b"200 OK", b"200 ", b"404 No", b"204 No", b"304 No", b"599 x"]))
    version = draw(st.sampled_from([b"1.1"] * 9 + [b"1.0"]))
    fields = draw(st.lists(FIELDS, max_size=3))
    body = draw(st.none() | BODIES)
    raw = body or b""
    if status[:3] in (b"204", b"304"):
        raw = b""
    elif body is not None and version == b"1.1" and draw(st.booleans()):
        fields.insert(draw(st.integers(0, len(fields))), b"Transfer-Encoding: chunked")
        raw = b"".join(
            b"%x%b\r\n%b\r\n" % (len(chunk), draw(st.sampled_from([b"", b";a", b";a=b"])), chunk)
            for chunk in pieces(body, draw(st.lists(st.integers(0, len(body)), max_size=3)))
        )
        raw += b"0\r\n" + draw(st.sampled_from([b"", b"A: y\r\nX-A: z\r\n"])) + b"\r\n"
    elif body is not None and draw(st.booleans()):
        fields.insert(draw(st.integers(0, len(fields))), b"content-length:%d" % len(body))
    before = draw(st.sampled_from([b"", b"", b"HTTP/1.1 103 Hints\r\nX-A: 103\r\n\r\n"]))
    head = b"HTTP/%b %b\r\n%b\r\n" % (version, status, b"".join(one + b"\r\n" for one in fields))
    return before + head + raw


def pieces(raw: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The bytes cut at these places; no piece is empty."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(raw)}), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(places) if start < end]


def by_h11(raw: bytes) -> Read | None:
    """The reply in these bytes, behind which the connection ends; None where it is none."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(raw)
    reader.receive_data(b"")
    head, body = None, b""
    try:
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    assert head is not None
    return head.status_code, firsts(head.headers), body


def firsts(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(sorted(dict(reversed(list(headers))).items()))


async def by_pool(raw: bytes, cuts: Sequence[int], *, whole: bool) -> Read | None:
    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces(raw, cuts):
            await peer.send(piece)
            await asyncio.sleep(0)

    pool = Pool()
    try:
        async with provider(script) as it:
            if whole:
                reply = await call(pool, it.upstream())
                return reply.status, firsts(list(reply.headers.items())), reply.body
            async with stream(pool, it.upstream()) as coming:
                body = b"".join([chunk async for chunk in chunks(coming)])
            return coming.status, firsts(list(coming.headers.items())), body
    except UpstreamError:
        return None
    finally:
        await pool.close()


@settings(max_examples=150)
@given(replies(), CUTS, st.booleans())
async def test_reply_is_what_h11_reads(raw: bytes, cuts: list[int], whole: bool) -> None:
    assert await by_pool(raw, cuts, whole=whole) == by_h11(raw)


@settings(max_examples=150)
@given(replies(), st.data(), CUTS, st.booleans())
async def test_muddled_reply_is_read_alike_however_it_is_cut(
    raw: bytes, data: st.DataObject, cuts: list[int], whole: bool
) -> None:
    """And where h11 reads a reply too, it is the same one."""
    at = data.draw(st.integers(0, len(raw)))
    muddled = raw[:at] + data.draw(MUDDLING) + raw[at:]
    read = await by_pool(muddled, cuts, whole=whole)
    assert read == await by_pool(muddled, [], whole=not whole)
    judged = by_h11(muddled)
    if read is not None and judged is not None:
        assert read == judged
