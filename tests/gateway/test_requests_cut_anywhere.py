"""What a connection reads, against h11: an independent reader of the same bytes, all at once."""

import asyncio
import itertools
import re
import urllib.parse
from collections.abc import Sequence
from typing import Any

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.echoing import KINDS, Answer, Asked, asked

FIELDS = st.sampled_from(
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA",
        b"Connection: upgrade\r\nUpgrade: websocket",
        b"Connection: keep-alive",
        b"Connection: close",
        b"Expect: 100-continue",
        b"X-A: \t b:c \xe9\t",
        b"x-a:",
        b"Cookie: a=b; c=d",
    ]
)
MUDDLING = st.sampled_from(
    [
        *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b"0", b"a", b"\x00"),
        *(b"\x0b", b"0\r\n\r\n", b"\r\n ", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.0"),
        *(b"\r\nContent-Length: 1", b"\r\nTransfer-Encoding: chunked", b"\r\nHost: y", b"close"),
    ]
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"\r\n" * 9, b"0\r\n\r\n", b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"]),
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request as bytes, by the letter."""
    method = draw(st.sampled_from([b"GET", b"POST", b"OPTIONS", b"BREW"]))
    target = draw(st.sampled_from([b"/", b"/a%20b?c=d?e", b"//a/../b"]))
    fields = [b"Host: x", *draw(st.lists(FIELDS, max_size=3))]
    version = draw(st.sampled_from([b"1.1"] * 9 + [b"1.0"]))
    body = draw(st.none() | BODIES)
    if body is None:
        raw = b""
    elif version == b"1.0" or draw(st.booleans()):
        fields.insert(draw(st.integers(0, len(fields))), b"content-length:%d" % len(body))
        raw = body
    else:
        fields.insert(draw(st.integers(0, len(fields))), b"Transfer-Encoding: chunked")
        raw = b"".join(
            b"%x%b\r\n%b\r\n" % (len(chunk), draw(st.sampled_from([b"", b";a", b"; a=b "])), chunk)
            for chunk in pieces(body, draw(st.lists(st.integers(0, len(body)), max_size=3)))
        )
        raw += b"0\r\n" + draw(st.sampled_from([b"", b"A: y\r\nX-Host: z\r\n"])) + b"\r\n"
    line = b"%b %b HTTP/%b\r\n" % (method, target, version)
    return line + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + raw


LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CUTS = st.lists(st.integers(0, 1_500), max_size=12)


def pieces(raw: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The bytes cut at these places; no piece is empty."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(raw)}), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(places) if start < end]


def by_h11(raw: bytes) -> list[tuple[Asked, bytes]]:
    """The whole requests in these bytes, until one ends the connection or is none.

    Each with its own bytes, and all that is behind it.
    """
    found: list[tuple[Asked, bytes]] = []
    while True:
        peer = h11.Connection(h11.SERVER, max_incomplete_event_size=100_000)
        while raw.startswith(b"\r\n"):  # empty lines before a request, which h11 refuses
            raw = raw[2:]
        peer.receive_data(raw)
        try:
            request: Any = peer.next_event()
            body = b""
            while isinstance(event := peer.next_event(), h11.Data):
                body += bytes(event.data)
            if not isinstance(event, h11.EndOfMessage):
                return found
        except h11.ProtocolError:
            return found
        headers = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
        path = urllib.parse.unquote(request.target.decode().partition("?")[0])
        found.append(((request.method.decode(), path, headers, body), raw))
        peer.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
        peer.send(h11.EndOfMessage())
        if request.http_version == b"1.0" or peer.our_state is h11.MUST_CLOSE:
            return found
        raw = peer.trailing_data[0]


def by_us(kind: str, parts: Sequence[bytes]) -> list[Answer]:
    """The answers to bytes that come in these parts."""

    async def talk() -> list[Answer]:
        async with asked(kind) as client:
            await client.send(*parts)
            await client.waited_for()
            client.writer.write_eof()  # a body that is still to come never comes
            return await client.answers()

    return asyncio.run(talk())


HEAD = rb"(?:(?!\r?\n\r?\n).)*?"
CHUNKED = HEAD + rb"\ntransfer-encoding:[ \t]*chunked.*"
STRICTER = {
    why: re.compile(looks, re.IGNORECASE | re.DOTALL)
    for why, looks in {
        "a bare LF ends a line for some and not for others": HEAD + rb"(?:(?<!\r)\n|\r?\n\n)",
        "a folded line is one field for some and two for others": HEAD + rb"\r\n[ \t]",
        "a target that is no path is for a proxy, or for nobody": rb"[!-~]+ [^/]",
        "a host that is no name is looked up in another way by each": HEAD
        + rb"\nhost:[ \t]*[^\r\n]*[^\r\n0-9a-z.\[\]]",
        "two ways to tell where a body ends": HEAD + rb"\n(?=content-length:)" + CHUNKED,
        "and the other way round": CHUNKED + rb"\ncontent-length:",
        "a control character in a chunk's line ends it for some": CHUNKED
        + rb"\n[0-9a-f]+ *(?:;[^\r\n]*)?[\x00-\x08\x0b-\x1f\x7f ](?!\n)",
        "a trailer may be taken for a field of the head": CHUNKED
        + rb"0[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*?(?:content-length|transfer-encoding|host):",
        "a trailer that is folded, or ends in a bare LF": CHUNKED
        + rb"0[^\r\n]*\r?\n(?:[^\r\n]+\r\n)*?[^\r\n]*(?:\r\n[ \t]|(?<!\r)\n)",
    }.items()
}
"""What h11 takes and we refuse: why that is right, and how it looks."""
COUNTS = (40, pytest.param(5_000, marks=pytest.mark.soak))
"""Of generated connections."""

sent_as_they_should_be = st.lists(requests(), min_size=1, max_size=5)
muddles = st.lists(
    st.tuples(st.integers(0, 600), MUDDLING, st.integers(0, 3)), min_size=1, max_size=3
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", COUNTS)
def test_every_request_is_read_as_it_was_sent(kind: str, count: int) -> None:
    @settings(max_examples=count, deadline=None)
    @given(sent_as_they_should_be, CUTS)
    def check(sent: list[bytes], cuts: list[int]) -> None:
        raw = b"".join(sent) + LAST
        expected = [one for one, _ in by_h11(raw)]
        assert [one.asked for one in by_us(kind, pieces(raw, cuts))] == expected
        assert len(expected) > len(sent) or not expected[-1][1].startswith("/last")

    check()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", COUNTS)
def test_of_muddled_bytes_nothing_is_read_that_others_read_otherwise(kind: str, count: int) -> None:
    @settings(max_examples=count, deadline=None)
    @given(sent_as_they_should_be, muddles, CUTS)
    def check(sent: list[bytes], muddle: list[tuple[int, bytes, int]], cuts: list[int]) -> None:
        raw = b"".join(sent) + LAST
        for at, inserted, deleted in muddle:
            raw = raw[:at] + inserted + raw[at + deleted :]
        answers = by_us(kind, pieces(raw, cuts))
        assert [one.status for one in answers] == [one.status for one in by_us(kind, [raw])]
        served = [one.asked for one in answers if one.status == 200]
        by_others = by_h11(raw)
        assert served == [one for one, _ in by_others[: len(served)]]
        for _, refused in by_others[len(served) : len(served) + 1]:
            assert answers[-1].status == 400, refused
            assert [why for why, looks in STRICTER.items() if looks.match(refused)], refused

    check()
