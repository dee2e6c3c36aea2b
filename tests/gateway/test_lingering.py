"""Whoever is answered for the last time gets to read it, whatever it is still sending."""

import asyncio
import socket

import pytest

from quotadeck.domain.refusals import Refusal
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.connection.lingering import LINGER_BYTES
from tests.gateway.echoing import KINDS, asked, count_nothing, refused
from tests.gateway.serving import served_as

pytestmark = pytest.mark.parametrize("kind", KINDS)

BODY = b"x" * 12_000_000
HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"


async def too_large(exchange: Exchange) -> None:
    """Answers before the body has come."""
    await exchange.answer(413, b"", b"413")


async def reading(exchange: Exchange) -> None:
    """Reads a body that never is whole."""
    with pytest.raises(Refusal) as cut:
        await exchange.body(count_nothing)
    await exchange.answer(*refused(cut.value))


def sends_all_and_then_reads(address: tuple[str, int], sent: bytes) -> bytes:
    """As the clients do that most languages come with."""
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(sent)
        got = b""
        while part := client.recv(65_536):
            got += part
        return got


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY), b"413"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b" % (len(BODY), BODY), b"413"),
        (HEAD + b"content-length: x\r\n\r\n" + BODY, b"400"),
        (HEAD + b"a: " + BODY, b"431"),
    ],
    ids=["sized", "chunked", "bad", "large head"],
)
async def test_the_last_answer_is_read_by_who_sends_on(
    kind: str, sent: bytes, status: bytes
) -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    async with served_as(kind, too_large, sock):
        got = await asyncio.to_thread(sends_all_and_then_reads, sock.getsockname(), sent)
    assert got.startswith(b"HTTP/1.1 %b " % status)
    assert got.count(b"HTTP/1.1") == 1


async def test_who_sends_without_end_is_cut(kind: str) -> None:
    async with asked(kind) as client:
        await client.send(b"nonsense\r\n\r\n")
        for _ in range(LINGER_BYTES // len(BODY)):
            client.connection.data_received(BODY)
        assert not client.is_closing()
        client.connection.data_received(BODY)
        assert client.is_closing()


async def test_who_neither_sends_nor_goes_is_cut(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.gateway.connection.lingering.LINGER_S", 0.01)
    async with asked(kind) as client:
        await client.send(b"nonsense\r\n\r\n")
        assert len(await client.answers()) == 1
        await client.cut()


@pytest.mark.parametrize("sent", [b"", b"half"])
async def test_a_request_that_is_not_whole_when_the_server_ends_is_told(
    kind: str, sent: bytes
) -> None:
    async with asked(kind, reading) as client:
        await client.send(HEAD + b"content-length: 9\r\n\r\n" + sent)
        client.connection.shutdown()
        [answer] = await client.answers()
        assert (answer.status, answer.closes) == (503, True)
        await client.nothing_under_way()
