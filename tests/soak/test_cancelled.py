"""Most clients hang up, anywhere, before an upstream that fails: nothing stays held, no row lacks.

``QUOTADECK_SOAK_REQUESTS`` says how many requests there are.
"""

import asyncio
import contextlib
import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.dialects.forms import FORMS
from tests.load import chat
from tests.processes import Gateway, running, wait_until

pytestmark = pytest.mark.soak

REQUESTS = int(os.environ.get("QUOTADECK_SOAK_REQUESTS", "20000"))
ASKED = ("chat", "completions", "embeddings", "messages", "responses")
"""Forms of the clients: what the upstream does not speak is translated for it."""
CLIENTS = 40
SLOTS = 60
SPARED = 0.2
"""So many of the requests wait for their whole answer."""
FAULTS = ("status", "garbage", "truncate", "reset-chunk", "stream-error", "usage-missing")
FAULT_S = 0.25
PROJECTS = f"""
[projects.leaving]
rpm = 1000000
tpm = 1000000000
concurrency = {SLOTS}
daily_budget_usd = "1000000"
"""
TARGETS = '[targets."main/gpt-4.1"]\nrpm = 1000000\ntpm = 1000000000\n' + "\n".join(
    f'[targets."main/{model}"]'
    for model in ("claude-opus-4.7", "gemini-2.5-flash", "deepseek-v3.2")
)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path, PROJECTS, targets=TARGETS, speed=0.02) as started:
        yield started


async def leaving(port: int, key: str, dice: random.Random) -> str:
    """One request, cut somewhere; the request id of an answer whose head came."""
    form = FORMS[dice.choice(ASKED)]
    stream = {"stream": dice.random() < 0.5} if form.stream else {}
    body = orjson.dumps({**form.asked, "model": chat()["model"], **stream})
    request = (
        f"POST {form.path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b""
    try:
        spared = dice.random() < SPARED
        cut = len(request) if spared or dice.random() < 0.8 else dice.randrange(len(request))
        writer.write(request[:cut])
        stay_s = 20 if spared else dice.expovariate(1 / 0.01)
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(stay_s):
                while part := await reader.read(1 if dice.random() < 0.05 else 4_096):
                    head += part if len(head) < 4_096 else b""
    finally:
        if dice.random() < 0.5:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
    _, found, said = head.lower().partition(b"\r\nx-request-id: ")
    forwarded = head.startswith(b"HTTP/1.1 200") and found and b"\r\n" in said
    return said.partition(b"\r\n")[0].decode() if forwarded else ""


async def crowd(gateway: Gateway, key: str, dice: random.Random) -> set[str]:
    """All of them, and an upstream that fails in turns."""
    port = int(gateway.base_url.removesuffix("/v1").rpartition(":")[2])
    left, seen = REQUESTS, set[str]()

    async def client() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            seen.add(await leaving(port, key, dice))

    async def upstream() -> None:
        while left > 0:
            kind = dice.choice(FAULTS)
            more = {"value": "500"} if kind == "status" else {}
            await asyncio.to_thread(gateway.upstream.fault, kind, **more)
            await asyncio.sleep(FAULT_S)
            await asyncio.to_thread(gateway.upstream.heal)
            await asyncio.sleep(FAULT_S)

    await asyncio.gather(upstream(), *(client() for _ in range(CLIENTS)))
    return seen - {""}


def ids_on_record(gateway: Gateway) -> list[str]:
    found, after = list[str](), ""
    while True:
        page = gateway.get("/calls", limit=1_000, **({"after": after} if after else {}))
        if not page["rows"]:
            return found
        found += [row["id"] for row in page["rows"]]
        after = page["next_cursor"]


def test_who_leaves_leaves_nothing_behind(gateway: Gateway) -> None:
    key = gateway.add_key("leaving")
    fds = Path(f"/proc/{gateway.process.pid}/fd")
    before = len(list(fds.iterdir()))
    seen = asyncio.run(crowd(gateway, key, random.Random(7)))
    gateway.upstream.heal()

    def nothing_held() -> bool:
        [row] = gateway.snapshot().projects
        return row.flow.in_flight == 0 and row.budget.held_nano == 0

    # Less than a reservation lives: one that nobody settled must not pass for settled.
    wait_until(nothing_held, 10)
    wait_until(lambda: seen <= set(ids_on_record(gateway)), 60)
    ids = ids_on_record(gateway)
    assert len(ids) == len(set(ids))
    forwarded = {row["request_id"] for row in gateway.upstream.calls}
    assert forwarded <= set(ids)
    assert len(seen) > REQUESTS * SPARED / 4, "the test must see answers, too"
    # All slots are free: as many as there are can be taken at once.
    assert asyncio.run(at_once(gateway, key)) == [200] * SLOTS
    if fds.exists():
        wait_until(lambda: len(list(fds.iterdir())) <= before + SLOTS, 60)


async def at_once(gateway: Gateway, key: str) -> list[int]:
    """The statuses of as many streams at once as there are slots."""
    port = int(gateway.base_url.removesuffix("/v1").rpartition(":")[2])

    async def one() -> int:
        body = orjson.dumps({**chat(), "stream": True})
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
            f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])

    return await asyncio.gather(*(one() for _ in range(SLOTS)))
