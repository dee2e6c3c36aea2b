"""Chats as client and provider write them, and what must hold of the money after any of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from quotadeck.domain.calls import Call, OpenCall
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.subject import Subject
from tests.gateway.provider import Peer, Provider, Script, always
from tests.gateway.rig import Rig
from tests.gateway.values import body

Open = Callable[..., Awaitable[tuple[Rig, Provider]]]

ANALYTICS = Subject.project("analytics")
USAGE = {"prompt_tokens": 12, "completion_tokens": 34}
COST = 12 * 2_000 + 34 * 8_000
DONE = b"data: [DONE]\n\n"
SHORT = body(max_tokens=50)
STREAM = body(max_tokens=50, stream=True)
BOUND = 2_000 * (len(SHORT) + 64) + 50 * 8_000
STREAM_BOUND = 2_000 * (len(STREAM) + 64) + 50 * 8_000


def completion(**more: object) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}}
    return orjson.dumps({"id": "chatcmpl-1", "choices": [choice], "usage": USAGE, **more})


def event(chunk: object) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


DELTA = event({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "hi"}}]})
USAGE_EVENT = event({"id": "chatcmpl-1", "choices": [], "usage": USAGE})


async def well(peer: Peer) -> None:
    await peer.answer(completion())


def streams(*chunks: bytes, end: bool = True) -> Script:
    async def answer(peer: Peer) -> None:
        await peer.begin_chunks()
        for chunk in chunks:
            await peer.chunk(chunk)
        if end:
            await peer.chunk(b"")
        else:
            peer.reset()

    return always(answer)


async def silence(peer: Peer) -> None:
    await peer.request()
    await peer.reader.read()


async def nothing_is_held(it: Rig, spent_nano: int, project: str = "analytics") -> None:
    """Every reservation has ended, and the budget knows what was spent."""
    assert it.flights.under_way == {}
    assert it.flights.empty.is_set()
    budget = await it.bucket(f"project:{project}:budget")
    assert (budget.held, budget.level) == (0, NANO_PER_USD - spent_nano)
    row = (await it.live.snapshot()).projects[0]
    assert (row.flow.in_flight, row.budget.held_nano, row.budget.spent_nano) == (0, 0, spent_nano)


class Full:
    """A journal that cannot be written: opens or ends fail, as the given method says."""

    def __init__(self, it: Rig, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        def fail(_call: Call | OpenCall, _made: object = ()) -> asyncio.Future[None]:
            written = asyncio.get_running_loop().create_future()
            written.set_exception(self.tries())
            written.exception()
            return written

        def fail_now(_call: Call) -> None:
            raise self.tries()

        self.tried = 0
        monkeypatch.setattr(it.ledger, name, fail)
        if name == "end_call":
            monkeypatch.setattr(it.ledger, "end_now", fail_now)

    def tries(self) -> OSError:
        self.tried += 1
        return OSError(28, "No space left on device")


def last_error(stream: bytes) -> dict[str, Any]:
    """The error of an event that ends a stream, with the cost beside it."""
    *_, last = stream.removesuffix(b"\n\n").split(b"\n\n")
    comment, _, data = last.partition(b"\ndata: ")
    assert comment.startswith(b": cost-usd ")
    return dict(orjson.loads(data)["error"])
