"""The load: whole replies, streams, clients that leave, and an upstream that fails, at a pace.

Run as ``python -m tests.soak.mixed ASKED`` it prints what it has seen.
"""

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import orjson
import uvloop

from tests.load import chat
from tests.soak.failing import FAILS

LEAVE, FAIL, STREAM = 0.08, 0.16, 0.30
"""Up to which share of the requests each kind goes; the rest are whole replies."""
STAY_S = 0.01
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Mixed:
    """Whom to ask, how many a second (0 for all that goes), and where ids of replies are kept."""

    port: int
    key: str
    clients: int
    seconds: float
    ids: str
    per_second: float = 0.0


@dataclass(slots=True)
class Seen:
    """What came of the requests; ``odd`` is what must not come."""

    sent: int = 0
    whole: int = 0
    failed: int = 0
    left: int = 0
    odd: int = 0


def begin(asked: Mixed) -> "subprocess.Popen[str]":
    """The load in a process of its own."""
    command = [sys.executable, "-m", "tests.soak.mixed", json.dumps(asdict(asked))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result_of(begun: "subprocess.Popen[str]") -> Seen:
    """What it has seen, once it has ended."""
    out, _ = begun.communicate(timeout=2 * PATIENCE_S)
    return Seen(**json.loads(out.splitlines()[-1]))


class _Client:
    """One connection at a time, until the time is over."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._reader: asyncio.StreamReader | None = None

    async def run(self) -> None:
        async for dice in self._load.turns():
            if self._reader is None:
                at = "127.0.0.1", self._load.asked.port
                self._reader, self._writer = await asyncio.open_connection(*at)
            if dice < LEAVE:
                await self._leave(self._reader, dice)
            else:
                await self._stay(self._reader, dice)
        if self._reader is not None:
            self._writer.close()

    async def _leave(self, reader: asyncio.StreamReader, dice: float) -> None:
        """Ask, and hang up somewhere."""
        self._writer.write(self._load.request(stream=dice < LEAVE / 2))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(random.expovariate(1 / STAY_S)):
                while await reader.read(64):
                    pass
        self._writer.transport.abort()
        self._reader = None
        self._load.seen.left += 1

    async def _stay(self, reader: asyncio.StreamReader, dice: float) -> None:
        fails = dice < FAIL
        stream = dice < (LEAVE + FAIL) / 2 if fails else dice < STREAM
        self._writer.write(self._load.request(stream=stream, fails=fails))
        try:
            async with asyncio.timeout(PATIENCE_S):
                head, closes = await _reply(reader)
        except (TimeoutError, ValueError, OSError, asyncio.IncompleteReadError):
            self._writer.transport.abort()
            self._reader, head = None, b""
        else:
            if closes:
                self._writer.close()
                self._reader = None
        self._load.count(head, fails=fails)


async def _reply(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """A whole reply's head in small letters, and whether the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, chunked, _ = head.partition(b"transfer-encoding: chunked")
    if chunked:
        while (size := int(await reader.readline(), 16)) or not await reader.readline():
            await reader.readexactly(size + 2)
    else:
        await reader.readexactly(int(_field(head, b"content-length")))
    return head, _field(head, b"connection") == b"close"


def _field(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n%b: " % name)[2].partition(b"\r\n")[0]


class _Load:
    def __init__(self, asked: Mixed, ids: TextIO) -> None:
        self.asked = asked
        self.seen = Seen()
        self._ids = ids
        self._requests: dict[tuple[bool, bool], bytes] = {}
        self._began = time.monotonic()

    async def turns(self) -> AsyncIterator[float]:
        """A number from 0 to 1 when it is somebody's turn to ask."""
        pace = self.asked.per_second
        while (now := time.monotonic() - self._began) < self.asked.seconds:
            self.seen.sent += 1
            if pace and (early_s := self.seen.sent / pace - now) > 0:
                await asyncio.sleep(early_s)
            yield random.random()

    def request(self, *, stream: bool, fails: bool = False) -> bytes:
        """The bytes of a request."""
        known = self._requests.get((stream, fails))
        if known is None:
            body = {**chat(), "stream": stream} | ({"model": FAILS} if fails else {})
            data = orjson.dumps(body)
            head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer "
            head += f"{self.asked.key}\r\ncontent-length: {len(data)}\r\n\r\n"
            known = self._requests[stream, fails] = head.encode() + data
        return known

    def count(self, head: bytes, *, fails: bool) -> None:
        """A reply, whole; no head where it was cut."""
        if head:
            self._ids.write(_field(head, b"x-request-id").decode() + "\n")
        if fails:
            self.seen.failed += 1
        elif b" 200 " in head[:20]:
            self.seen.whole += 1
        else:
            self.seen.odd += 1


async def _run(load: _Load) -> None:
    await asyncio.gather(*(_Client(load).run() for _ in range(load.asked.clients)))


def main() -> None:
    """Ask, and print."""
    asked = Mixed(**json.loads(sys.argv[1]))
    with Path(asked.ids).open("a") as ids:
        load = _Load(asked, ids)
        uvloop.run(_run(load))
    print(json.dumps(asdict(load.seen)), flush=True)


if __name__ == "__main__":
    main()
