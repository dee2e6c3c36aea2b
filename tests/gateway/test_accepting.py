"""Accounts take turns at a Unix socket, however many connections one of them makes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from quotadeck.gateway.connection.accepting import Accepting
from quotadeck.gateway.fair_line import MOST_WAITING, FairLine

TURN = 4


@contextlib.contextmanager
def backlog(path: Path) -> Iterator[tuple[socket.socket, contextlib.ExitStack]]:
    """A socket that listens, and what closes its clients at the end."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(str(path))
        listening.listen(2_048)
        yield listening, stack


def connected(stack: contextlib.ExitStack, path: Path, sent: bytes) -> socket.socket:
    client = stack.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(str(path))
    client.sendall(sent)
    return client


@contextlib.asynccontextmanager
async def accepted(listening: socket.socket) -> AsyncIterator[list[bytes]]:
    """What was first heard of each connection, in the order in which they were opened."""

    class Heard(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            opened.append(transport)

        def data_received(self, data: bytes) -> None:
            heard.append(data)

    heard: list[bytes] = []
    opened: list[asyncio.BaseTransport] = []
    accepting = Accepting(listening, Heard, TURN, lambda: None)
    try:
        yield heard
    finally:
        accepting.close()
        await accepting.wait_closed()
        for transport in opened:
            transport.close()
        await asyncio.sleep(0)


async def test_one_of_another_account_waits_for_one_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "quotadeck.gateway.connection.accepting.peer_uid",
        lambda sock: sock.recv(1, socket.MSG_PEEK),
    )
    path = tmp_path / "s"
    with backlog(path) as (listening, stack):
        for _ in range(50):
            connected(stack, path, b"a")
        connected(stack, path, b"b")
        async with accepted(listening) as heard, asyncio.timeout(10):
            while len(heard) < 51:  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)
    assert heard.index(b"b") < TURN


async def test_who_has_left_already_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with backlog(path) as (listening, stack):
        for _ in range(50):
            connected(stack, path, b"").close()
        connected(stack, path, b"b")
        async with accepted(listening) as heard, asyncio.timeout(10):
            while not heard:  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)
    assert heard == [b"b"]


def test_a_fair_line_has_an_end_for_each_and_forgets_nobody() -> None:
    line = FairLine[int]()
    assert [line.join("many", number) for number in range(MOST_WAITING + 2)] == [
        *[True] * MOST_WAITING,
        *[False] * 2,
    ]
    assert line.join("few", 1_000)
    assert line.join("few", 1_001)
    assert len(line) == MOST_WAITING + 2
    assert [line.next() for _ in range(5)] == [0, 1_000, 1, 1_001, 2]
    assert [line.next() for _ in range(len(line))] == list(range(3, MOST_WAITING))
