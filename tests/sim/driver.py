"""Drives the simulator as it is used: real processes, real sockets, its own log."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

PATIENCE_S = 10.0
MODEL = "gpt-4.1"


def spawn(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start `python -m quotadeck.sim …` with pipes on all three ends."""
    command = [sys.executable, "-m", "quotadeck.sim", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for its end: exit code, stdout, stderr."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def body(text: str = "Say hello.", **more: object) -> dict[str, Any]:
    """A chat request with one message."""
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


def events(raw: bytes) -> list[Any]:
    """The payloads of a stream, `[DONE]` as a string."""
    data = [line[6:] for line in raw.decode().split("\n") if line.startswith("data: ")]
    return [item if item == "[DONE]" else orjson.loads(item) for item in data]


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 -- another process has no event to wait on
            await asyncio.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came over the wire."""

    before: bytes
    """Whatever came ahead of the final headers, such as a 103."""
    status: int
    headers: dict[str, str]
    chunks: list[bytes]
    """The body as it was cut up by the sender."""
    ended: str
    """clean, early or reset."""

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.chunks)


@dataclass(slots=True)
class Upstream:
    """A simulated upstream under test."""

    process: subprocess.Popen[str]
    base_url: str
    log_path: Path

    @property
    def root(self) -> str:
        """Without the `/v1`."""
        return self.base_url.removesuffix("/v1")

    def log(self) -> list[dict[str, Any]]:
        """Every line so far, whole ones only."""
        lines = self.log_path.read_bytes().split(b"\n")[:-1]
        return [orjson.loads(line) for line in lines]

    def line(self, request_id: str) -> dict[str, Any]:
        """The one line of this request."""
        (found,) = (line for line in self.log() if line["request_id"] == request_id)
        return dict(found)

    def has_line(self, request_id: str) -> bool:
        """Whether this request is in the log."""
        return any(line["request_id"] == request_id for line in self.log())

    async def exchange(
        self, payload: object, headers: dict[str, str], enough_bytes: int | None = None
    ) -> Raw:
        """Post a chat request over a bare socket and read until it ends, or until enough."""
        data = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        where = urlsplit(self.base_url)
        lines = [
            "POST /v1/chat/completions HTTP/1.1",
            f"Host: {where.netloc}",
            "Connection: close",
            f"Content-Length: {len(data)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.setblocking(False)
            async with asyncio.timeout(PATIENCE_S):
                await loop.sock_connect(sock, (str(where.hostname), int(where.port or 0)))
                await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode() + data)
                return _parse(*await _read(sock, enough_bytes))


async def _read(sock: socket.socket, enough_bytes: int | None) -> tuple[bytes, bool]:
    got = b""
    loop = asyncio.get_running_loop()
    try:
        while data := await loop.sock_recv(sock, 1 << 16):
            got += data
            if enough_bytes is not None and len(got) >= enough_bytes:
                break
    except ConnectionResetError:
        return got, True
    return got, False


def _parse(got: bytes, was_reset: bool) -> Raw:
    before, rest = b"", got
    while rest.startswith(b"HTTP/1.1 1"):
        hint, _, rest = rest.partition(b"\r\n\r\n")
        before += hint
    if not rest:
        return Raw(before, 0, {}, [], "reset" if was_reset else "early")
    head, _, content = rest.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        chunks, complete = _dechunk(content)
    else:
        chunks, complete = [content], len(content) == int(headers.get("content-length", "0"))
    ended = "reset" if was_reset else "clean" if complete else "early"
    return Raw(before, int(first.split()[1]), headers, chunks, ended)


def _dechunk(content: bytes) -> tuple[list[bytes], bool]:
    chunks: list[bytes] = []
    while content:
        size_text, _, content = content.partition(b"\r\n")
        size = int(size_text, 16)
        if size == 0:
            return chunks, True
        chunks.append(content[:size])
        content = content[size + 2 :]
    return chunks, False


@contextlib.contextmanager
def running(log_path: Path, *arguments: str) -> Iterator[Upstream]:
    """A simulated upstream that is ready, for as long as the block lasts."""
    process = spawn("upstream", "--speed", "0", "--log", log_path, "--exit-with-parent", *arguments)
    with process:
        assert process.stdout is not None
        ready = orjson.loads(process.stdout.readline())
        try:
            yield Upstream(process, ready["base_url"], log_path)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(PATIENCE_S)


def took_s(since_s: float) -> float:
    """Seconds on the monotonic clock."""
    return time.monotonic() - since_s
