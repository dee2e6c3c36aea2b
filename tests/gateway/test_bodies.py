"""A body ends where its framing says, wherever its bytes are cut, and nowhere else."""

import pytest

from quotadeck.gateway.connection.bodies import Body, ChunkedBody, SizedBody
from quotadeck.gateway.connection.heads import HEAD_LIMIT_BYTES, BadRequest, HeadTooLarge

NEXT = b"GET /next HTTP/1.1\r\n\r\n"


def take(body: Body, *parts: bytes) -> tuple[bytes, bytes]:
    """What the body is, and what is left behind its end."""
    held = bytearray()
    taken = b""
    for part in parts:
        held += part
        if not body.ended:
            taken += body.take(held)
    assert body.ended
    return taken, bytes(held)


def cuts(raw: bytes) -> list[tuple[bytes, ...]]:
    """The bytes in two pieces at every place, and one by one."""
    return [
        *((raw[:at], raw[at:]) for at in range(len(raw))),
        tuple(raw[at : at + 1] for at in range(len(raw))),
    ]


def test_a_sized_body_is_so_many_bytes() -> None:
    body = NEXT * 2 + b"\r\n"
    for parts in cuts(body + NEXT):
        assert take(SizedBody(len(body)), *parts) == (body, NEXT)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5\r\nhello\r\n00c\r\n0\r\n\r\nGET / H\r\n000\r\n\r\n", b"hello0\r\n\r\nGET / H"),
        (b'A;a=b\r\n0123456789\r\n1; x="y" ;z\r\n!\r\n0;last\r\n\r\n', b"0123456789!"),
        (b"2\r\n\r\n\r\n0\r\nA: b\r\nX-Content-Length: 99\r\n\r\n", b"\r\n"),
        (b"3\r\n0\r\n\r\n0\r\n\r\n", b"0\r\n"),
    ],
)
def test_chunks_are_joined(raw: bytes, body: bytes) -> None:
    for parts in cuts(raw + NEXT):
        assert take(ChunkedBody(), *parts) == (body, NEXT)


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n0\r\n\r\n",
        b"g\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"5_0\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5\r\nhello\r!0\r\n\r\n",
        b"5\r\nhello\r\n\r\n0\r\n\r\n",
        b"5\r\nhell\r\n0\r\n\r\n",
        b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b"5;\x00\r\nhello\r\n0\r\n\r\n",
        b"5 ;a\r\nhello\r\n0\r\n\r\n",
        b"5 a=b\r\nhello\r\n0\r\n\r\n",
        b"f" * 17 + b"\r\n",
        b"5;%b\r\nhello\r\n0\r\n\r\n" % (b"x" * 5_000),
        b"0\r\nA: b\n\r\n",
        b"0\r\n\n",
        b"0\r\n\rX",
        b"0\r\n A: b\r\n\r\n",
        b"0\r\nA: b\r\nContent-length: 5\r\n\r\n",
        b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"0\r\nHOST: x\r\n\r\n",
        b"0\r\nA : b\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nA: \x00\r\n\r\n",
        "٥\r\nhello\r\n0\r\n\r\n".encode(),
    ],
)
def test_chunks_of_two_meanings_are_refused_at_every_cut(raw: bytes) -> None:
    for parts in cuts(raw)[:200]:
        with pytest.raises(BadRequest):
            take(ChunkedBody(), *parts)


def test_extensions_and_trailers_have_an_end() -> None:
    chunk = b"1;%b\r\nx\r\n" % (b"x" * 4_000)
    with pytest.raises(BadRequest):
        take(ChunkedBody(), chunk * (HEAD_LIMIT_BYTES // 4_000 + 1))
    for parts in (
        [b"0\r\nA: " + b"x" * HEAD_LIMIT_BYTES],
        [b"0\r\n", b"a: b\r\n" * 6_000 + b"\r\n"],
    ):
        with pytest.raises(HeadTooLarge):
            take(ChunkedBody(), *parts)
