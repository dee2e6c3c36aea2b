"""The load: `wrk` where it is installed, else a small asker of our own, each in its own process.

Ours also tells what wrk cannot: the first byte of each answer, and each connection's requests.
Run as ``python -m tests.bench.asking ASKED`` it prints what it has seen.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_LUA = """
wrk.method = "POST"
wrk.body = [==[%s]==]
%s
done = function(summary, latency)
  local e = summary.errors
  print(string.format('{"count": %%d, "seconds": %%f, "errors": %%d, "p50_ms": %%f, "p99_ms": %%f}',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to ask what, by how many connections, for how long."""

    port: int
    headers: Mapping[str, str]
    body: str
    clients: int
    seconds: float
    path: str = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back. Times in milliseconds."""

    count: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float
    first_p50_ms: float = 0.0
    first_p99_ms: float = 0.0
    connections: list[tuple[float, int]] = field(default_factory=list)
    """Of each connection its first whole answer, since it began to connect, and its requests."""


def percentile(values: list[float], share: float) -> float:
    """Of values in any order; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def ask(asked: Asked) -> Seen:
    """By wrk, or by our own asker."""
    wrk = shutil.which("wrk")
    if not wrk:
        return ask_closely(asked)
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in asked.headers.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_LUA % (asked.body, "\n".join(lines)))
        script.flush()
        command = [wrk, "-t1", f"-c{asked.clients}", f"-d{max(1, round(asked.seconds))}s"]
        url = f"http://127.0.0.1:{asked.port}{asked.path}"
        said = _said([*command, "--timeout", "10s", "-s", script.name, url], asked.seconds + 30)
    return Seen(**said)


def ask_closely(asked: Asked) -> Seen:
    """By our own asker, which sees first bytes and connections."""
    command = [sys.executable, "-m", "tests.bench.asking", json.dumps(asdict(asked))]
    return Seen(**_said(command, asked.seconds + 40))


def begin_closely(asked: Asked) -> "subprocess.Popen[str]":
    """Our own asker, beside other loads; `result_of` waits for it."""
    command = [sys.executable, "-m", "tests.bench.asking", json.dumps(asdict(asked))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result_of(begun: "subprocess.Popen[str]", within_s: float) -> Seen:
    """What it has seen."""
    try:
        out, _ = begun.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        begun.kill()
        raise
    return Seen(**json.loads(out.splitlines()[-1]))


def _said(command: list[str], within_s: float) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=within_s, check=True)
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


class _Connection(asyncio.Protocol):
    """Asks, waits for the whole answer, asks again."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._began = time.perf_counter()
        self._answer = b""
        self._first = 0.0
        self.first_ms = 0.0
        self.count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._answer, self._first = b"", 0.0
        self._asked = time.perf_counter()
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._answer += data
        if not self._first:
            self._first = now
        head, gap, body = self._answer.partition(b"\r\n\r\n")
        if not gap or not _is_whole(head.lower(), body):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._load.errors += 1
        else:
            self.count += 1
            self._load.firsts.append((self._first - self._asked) * 1e3)
            self._load.wholes.append((now - self._asked) * 1e3)
            self.first_ms = self.first_ms or (now - self._began) * 1e3
        if now < self._load.end_s or not self.count:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self._load.errors += not self.count
        self._load.left -= 1
        if not self._load.left:
            self._load.over.set()


def _is_whole(head: bytes, body: bytes) -> bool:
    _, said, length = head.partition(b"content-length:")
    if said:
        return len(body) >= int(length.partition(b"\r\n")[0])
    return body.endswith(b"0\r\n\r\n")


class _Load:
    def __init__(self, asked: Asked) -> None:
        headers = {"host": "bench", **asked.headers, "content-length": str(len(asked.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.request = f"POST {asked.path} HTTP/1.1\r\n{lines}\r\n{asked.body}".encode()
        self.end_s = time.perf_counter() + asked.seconds
        self.left = asked.clients
        self.errors = 0
        self.firsts: list[float] = []
        self.wholes: list[float] = []
        self.over = asyncio.Event()


async def _load(asked: Asked) -> Seen:
    load, loop, began = _Load(asked), asyncio.get_running_loop(), time.perf_counter()
    made = [
        loop.create_connection(lambda: _Connection(load), "127.0.0.1", asked.port)
        for _ in range(asked.clients)
    ]
    connections = [protocol for _, protocol in await asyncio.gather(*made)]
    async with asyncio.timeout(asked.seconds + 30):
        await load.over.wait()
    return Seen(
        len(load.wholes),
        time.perf_counter() - began,
        load.errors,
        percentile(load.wholes, 0.5),
        percentile(load.wholes, 0.99),
        percentile(load.firsts, 0.5),
        percentile(load.firsts, 0.99),
        [(one.first_ms, one.count) for one in connections],
    )


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_load(Asked(**json.loads(sys.argv[1])))))), flush=True)
