"""A request's head has one meaning or none, wherever its bytes are cut."""

import pytest

from quotadeck.gateway.connection.heads import (
    HEAD_LIMIT_BYTES,
    MOST_FIELDS,
    BadRequest,
    HeadTooLarge,
    RequestHead,
    end_of_head,
    read_head,
)

HOST = b"Host: gw:8080\r\n"


def read(raw: bytes, *, cut_at: int = 0) -> RequestHead:
    """The head of ``raw``, which comes in two pieces, or byte by byte where ``cut_at`` is -1."""
    sizes = range(1, len(raw)) if cut_at < 0 else [cut_at]
    seen = 0
    for size in sizes:
        assert not end_of_head(bytearray(raw[:size]), seen)
        seen = size
    assert end_of_head(bytearray(raw), seen) == len(raw)
    return read_head(raw)


def head(line: bytes, fields: bytes = HOST) -> bytes:
    return line + b"\r\n" + fields + b"\r\n"


def test_a_head_is_its_line_and_its_fields() -> None:
    raw = head(
        b"POST /v1/chat%20x?a=b?c HTTP/1.1",
        HOST
        + b"X-A:b: c \t\r\nx-a: \xe9\r\nEmpty:\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n",
    )
    assert read(raw, cut_at=-1) == RequestHead(
        method="POST",
        path=b"/v1/chat%20x",
        query=b"a=b?c",
        version="1.1",
        headers=[
            (b"host", b"gw:8080"),
            (b"x-a", b"b: c"),
            (b"x-a", b"\xe9"),
            (b"empty", b""),
            (b"content-length", b"12"),
            (b"expect", b"100-Continue"),
        ],
        body_bytes=12,
        keep_alive=True,
        expects_continue=True,
    )


BAD_LINES = [
    b"GET / HTTP/2.0",
    b"PRI * HTTP/2.0",
    b"GET / HTTP/1.2",
    b"GET / HTTP/0.9",
    b"GET / HTTP/1.10",
    b"GET / HTTP/01.1",
    b"GET / http/1.1",
    b"GET /",
    b"GET  / HTTP/1.1",
    b"GET / HTTP/1.1 ",
    b"GET /\tHTTP/1.1",
    b" GET / HTTP/1.1",
    b"GET / x HTTP/1.1",
    b"GET /\x00 HTTP/1.1",
    b"GET /\xe9 HTTP/1.1",
    b"GET /a#b HTTP/1.1",
    b"G(T / HTTP/1.1",
    b"%b / HTTP/1.1" % (b"G" * 33),
    b"GET a HTTP/1.1",
    b"GET * HTTP/1.1",
    b"GET ftp://a/ HTTP/1.1",
    b"GET http:///a HTTP/1.1",
    b"GET http://user@a/ HTTP/1.1",
    b"CONNECT a:443 HTTP/1.1",
    b"CONNECT / HTTP/1.1",
    b"GET / HTTP/1.1\nX: y",
    b"GET / HTTP/1.1\rX: y",
]

BAD_FIELDS = {
    "no host": b"",
    "two hosts": HOST + HOST,
    "host and another": HOST + b"host: b\r\n",
    "host with a blank": b"Host: a b\r\n",
    "host with a path": b"Host: a/b\r\n",
    "host with a user": b"Host: a@b\r\n",
    "host joined": b"Host: a,b\r\n",
    "host with a bad port": b"Host: a:8o\r\n",
    "host of bytes": b"Host: \xe9\r\n",
    "folded": HOST + b"X: a\r\n b\r\n",
    "folded by a tab": HOST + b"X: a\r\n\tb\r\n",
    "folded first": b" x\r\n" + HOST,
    "blank before the colon": HOST + b"X : a\r\n",
    "blank before the name": HOST + b" X: a\r\n",
    "no name": HOST + b": a\r\n",
    "no colon": HOST + b"X\r\n",
    "name with a blank": HOST + b"X y: a\r\n",
    "name of bytes": HOST + b"X\xe9: a\r\n",
    "bare lf": HOST + b"X: a\nY: b\r\n",
    "bare cr": HOST + b"X: a\rY: b\r\n",
    "cr cr lf": HOST + b"X: a\r\r\n",
    "lf for an end": b"Host: a\n",
    "nul in a value": HOST + b"X: a\x00\r\n",
    "nul in a name": HOST + b"X\x00: a\r\n",
    "vertical tab": HOST + b"Transfer-Encoding: \x0bchunked\r\n",
    "escape": HOST + b"X: \x1b[2J\r\n",
    "delete": HOST + b"X: \x7f\r\n",
    "two lengths": HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "a length twice": HOST + b"Content-Length: 5\r\ncontent-length: 5\r\n",
    "a list of lengths": HOST + b"Content-Length: 5, 5\r\n",
    "signed length": HOST + b"Content-Length: +5\r\n",
    "negative length": HOST + b"Content-Length: -1\r\n",
    "hexadecimal length": HOST + b"Content-Length: 0x5\r\n",
    "grouped length": HOST + b"Content-Length: 1_0\r\n",
    "fractional length": HOST + b"Content-Length: 5.0\r\n",
    "no length": HOST + b"Content-Length:\r\n",
    "endless length": HOST + b"Content-Length: %b\r\n" % (b"9" * 30),
    "length in other digits": HOST + "Content-Length: ٥\r\n".encode(),
    "coding and length": HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "length and coding": HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "coding twice": HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "two codings": HOST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
    "a list of codings": HOST + b"Transfer-Encoding: gzip, chunked\r\n",
    "chunked in a list twice": HOST + b"Transfer-Encoding: chunked, chunked\r\n",
    "an empty element": HOST + b"Transfer-Encoding: chunked,\r\n",
    "identity": HOST + b"Transfer-Encoding: identity\r\n",
    "gzip": HOST + b"Transfer-Encoding: gzip\r\n",
    "chunked with a parameter": HOST + b"Transfer-Encoding: chunked;q=1\r\n",
    "quoted": HOST + b'Transfer-Encoding: "chunked"\r\n',
    "xchunked": HOST + b"Transfer-Encoding: xchunked\r\n",
    "no coding": HOST + b"Transfer-Encoding:\r\n",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_first_line_that_is_none_is_refused_at_every_cut(line: bytes) -> None:
    refused_at_every_cut(head(line))


@pytest.mark.parametrize("fields", BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
def test_fields_of_two_meanings_are_refused_at_every_cut(fields: bytes) -> None:
    refused_at_every_cut(head(b"POST / HTTP/1.1", fields))


def refused_at_every_cut(raw: bytes) -> None:
    for cut_at in range(-1, len(raw)):
        with pytest.raises(BadRequest) as refused:
            read(raw, cut_at=cut_at)
        assert not isinstance(refused.value, HeadTooLarge)
        assert str(refused.value).endswith(".")
        assert str(refused.value).isascii()


@pytest.mark.parametrize(
    "fields",
    [b"Transfer-Encoding: chunked\r\n", b"Host: a\r\nTransfer-Encoding: chunked\r\n"],
)
def test_an_old_request_has_no_chunks(fields: bytes) -> None:
    refused_at_every_cut(head(b"POST / HTTP/1.0", fields))


def test_what_is_not_http_is_refused_without_waiting_for_more() -> None:
    for raw in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\nHost",
        b"nonsense\r\n",
        b"GET /\x00",
    ):
        with pytest.raises(BadRequest):
            end_of_head(bytearray(raw), 0)


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n",
        b"Connection: keep-alive\r\nConnection: UPGRADE\r\nUpgrade: \r\nUpgrade: x\r\n",
    ],
)
def test_upgrade_is_ignored_and_the_body_is_the_body(fields: bytes) -> None:
    got = read(head(b"POST / HTTP/1.1", HOST + fields + b"Content-Length: 7\r\n"), cut_at=-1)
    assert (got.body_bytes, got.keep_alive) == (7, True)


@pytest.mark.parametrize(
    ("version", "fields", "stays"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: keep-alive\r\n", True),
        (b"1.1", b"Connection: Close\r\n", False),
        (b"1.1", b"Connection: TE , close\r\n", False),
        (b"1.1", b"Connection: close\r\nConnection: keep-alive\r\n", False),
        (b"1.1", b"Connection: keep-alive\r\nconnection: close\r\n", False),
        (b"1.1", b"Connection: closed\r\n", True),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", False),
    ],
)
def test_who_says_close_or_speaks_the_old_version_is_read_no_further(
    version: bytes, fields: bytes, stays: bool
) -> None:
    assert read(head(b"GET / HTTP/" + version, HOST + fields)).keep_alive is stays


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", b""),
        (b"//other/a", b"//other/a", b""),
        (b"/a?http://b/", b"/a", b"http://b/"),
        (b"http://other:80/a?b", b"/a", b"b"),
        (b"HTTPS://other:80", b"/", b""),
        (b"http://other:80?b=c", b"/", b"b=c"),
    ],
)
def test_the_host_in_the_target_stands_above_the_header(
    target: bytes, path: bytes, query: bytes
) -> None:
    got = read(head(b"GET %b HTTP/1.1" % target))
    assert (got.path, got.query) == (path, query)
    host = b"gw:8080" if target.startswith(b"/") else b"other:80"
    assert got.headers == [(b"host", host)]


@pytest.mark.parametrize(
    "host", [b"a", b"a.b-c_d", b"127.0.0.1:8080", b"[::1]:80", b"a:", b"", b"xn--4ca.de"]
)
def test_hosts_of_all_kinds_are_taken(host: bytes) -> None:
    assert read(head(b"GET / HTTP/1.1", b"Host: %b\r\n" % host)).headers == [(b"host", host)]


def test_an_old_request_needs_no_host_and_waits_for_nothing() -> None:
    raw = head(b"POST / HTTP/1.0", b"Expect: 100-continue\r\nContent-Length: 3\r\n")
    assert not read(raw).expects_continue
    bodiless = head(b"GET / HTTP/1.1", HOST + b"Expect: 100-continue\r\n")
    assert not read(bodiless).expects_continue


def test_a_head_has_256_fields() -> None:
    fits = head(b"GET / HTTP/1.1", HOST + b"a:\r\n" * (MOST_FIELDS - 1))
    assert len(read(fits).headers) == MOST_FIELDS
    with pytest.raises(HeadTooLarge):
        read(head(b"GET / HTTP/1.1", HOST + b"a:\r\n" * MOST_FIELDS))
    with pytest.raises(HeadTooLarge):
        read(head(b"GET / HTTP/1.1", HOST + b"a:\r\n" * MOST_FIELDS + b"no field\r\n"))


def test_a_head_has_32_kb() -> None:
    room = HEAD_LIMIT_BYTES - len(b"/" + HOST + b"a: \r\n")
    fits = head(b"OPTIONS / HTTP/1.1", HOST + b"a: %b\r\n" % (b"x" * room))
    assert read(fits, cut_at=len(fits) - 1).keep_alive
    for over in (
        head(b"GET / HTTP/1.1", HOST + b"a: %b\r\n" % (b"x" * (room + 1))),
        head(b"GET /%b HTTP/1.1" % (b"x" * HEAD_LIMIT_BYTES)),
    ):
        with pytest.raises(HeadTooLarge):
            read(over)
    with pytest.raises(HeadTooLarge):
        end_of_head(bytearray(b"GET / HTTP/1.1\r\na: " + b"x" * HEAD_LIMIT_BYTES * 2), 0)
