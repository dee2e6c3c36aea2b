"""Load on a gateway: bounded in number and time, every reply accounted for."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp


def chat(text: str = "Name three rivers.", **more: Any) -> dict[str, Any]:
    """A small chat request."""
    return {
        "model": "gpt-4.1",
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 20,
        **more,
    }


@dataclass
class Tally:
    """What the clients saw."""

    whole: dict[str, str] = field(default_factory=dict)
    """Request id → the model reply's id, of replies received to their last byte."""
    refused: int = 0
    broken: int = 0
    began: float = 0.0
    ended: float = 0.0

    @property
    def seconds(self) -> float:
        return self.ended - self.began


async def _replied_id(reply: aiohttp.ClientResponse) -> str:
    """The model reply's id, of a reply received to its last byte; raises where it is cut."""
    if not reply.content_type.startswith("text/event-stream"):
        return str((await reply.json()).get("id", ""))
    data = [line[6:] for line in (await reply.read()).splitlines() if line.startswith(b"data: ")]
    if data[-1:] != [b"[DONE]"]:
        raise aiohttp.ClientPayloadError("the stream ended without its end")
    return str(json.loads(data[0])["id"])


async def flood(
    base_url: str,
    key: str,
    *,
    clients: int,
    seconds: float,
    body: Callable[[int], dict[str, Any]] = lambda _: chat(),
    headers: dict[str, str] | None = None,
    until: Callable[[], Awaitable[None]] | None = None,
    most: int = 200_000,
) -> Tally:
    """``clients`` ask again and again for ``seconds``, or until ``until`` returns."""
    tally = Tally()
    sent = 0
    stop = asyncio.Event()
    asking = {"Authorization": f"Bearer {key}", **(headers or {})}

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal sent
        while not stop.is_set() and sent < most:
            sent += 1
            try:
                async with session.post(
                    f"{base_url}/chat/completions", json=body(sent), headers=asking
                ) as reply:
                    replied_id = await _replied_id(reply)
            except (aiohttp.ClientError, ConnectionError):
                tally.broken += 1
                await asyncio.sleep(0.01)
                continue
            if reply.status == 200:
                tally.whole[reply.headers["x-request-id"]] = replied_id
                tally.ended = time.monotonic()
            else:
                tally.refused += 1

    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        tally.began = tally.ended = time.monotonic()
        tasks = [asyncio.ensure_future(client(session)) for _ in range(clients)]
        try:
            if until:
                await until()
            else:
                await asyncio.sleep(seconds)
        finally:
            stop.set()
            await asyncio.gather(*tasks)
    return tally
