"""Whoever is answered for the last time gets to read it, whatever it is still sending."""

import asyncio
import socket

import pytest
from starlette.types import Receive, Scope, Send

from quotadeck.gateway.connection.lingering import LINGER_BYTES
from tests.gateway.echoing import asked
from tests.gateway.serving import served

BODY = b"x" * 12_000_000
HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"


async def too_large(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers before the body has come, and for the last time."""
    headers = [(b"connection", b"close"), (b"content-length", b"3")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b"413"})


async def reading(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Reads the body, and answers nobody."""
    while (await receive())["type"] == "http.request":
        pass


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
async def test_the_last_answer_is_read_by_who_sends_on(sent: bytes, status: bytes) -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    async with served(too_large, sock):
        got = await asyncio.to_thread(sends_all_and_then_reads, sock.getsockname(), sent)
    assert got.startswith(b"HTTP/1.1 %b " % status)
    assert got.count(b"HTTP/1.1") == 1


async def test_who_sends_without_end_is_cut() -> None:
    async with asked(too_large) as client:
        await client.send(HEAD + b"content-length: 999999999\r\n\r\n")
        await client.waited_for()
        for _ in range(LINGER_BYTES // len(BODY)):
            client.connection.data_received(BODY)
        assert not client.connection.transport.is_closing()
        client.connection.data_received(BODY)
        assert client.connection.transport.is_closing()


async def test_who_neither_sends_nor_goes_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quotadeck.gateway.connection.lingering.LINGER_S", 0.01)
    async with asked(too_large) as client:
        await client.send(HEAD + b"content-length: 9\r\n\r\n")
        assert len(await client.answers()) == 1
        async with asyncio.timeout(10):
            while not client.connection.transport.is_closing():  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)


@pytest.mark.parametrize("sent", [b"", b"half"])
async def test_a_request_that_is_not_whole_when_the_server_ends_is_told(sent: bytes) -> None:
    async with asked(reading) as client:
        await client.send(HEAD + b"content-length: 9\r\n\r\n" + sent)
        client.connection.shutdown()
        [answer] = await client.answers()
        assert (answer.status, answer.closes) == (503, True)
        async with asyncio.timeout(10):
            while client.connection.server_state.tasks:  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)
