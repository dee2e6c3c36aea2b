"""Many requests' records in one write: sent and answered behind it, refused together without it."""

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.limits import MICRO
from tests.gateway.chats import (
    ANALYTICS,
    COST,
    DELTA,
    DONE,
    SHORT,
    STREAM,
    USAGE_EVENT,
    Open,
    completion,
    nothing_is_held,
    well,
)
from tests.gateway.provider import Peer, always
from tests.gateway.rig import Reply, Rig

AT_ONCE = 6


def failing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """No record can be written from now on; the sizes of what was to be."""
    sizes: list[int] = []

    def fail(_descriptor: int, data: bytes) -> int:
        sizes.append(len(data))
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("quotadeck.store.journal.journal.os.write", fail)
    return sizes


def on_record(directory: Path, kind: str, call_id: str) -> bool:
    data = b"".join(path.read_bytes() for path in directory.glob("**/*.journal"))
    return f'["{kind}","{call_id}"'.encode() in data


@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_write_that_fails_refuses_all_requests_of_its_turn_and_the_next_turn_goes_on(
    opened: Open, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    it, upstream = await opened(always(well))
    sizes = failing(monkeypatch)
    started = [it.start(data) for _ in range(AT_ONCE)]
    await asyncio.gather(*(task for _, task in started))
    assert len(sizes) == 1
    for reply, _ in started:
        assert (reply.status, reply.error["code"]) == (503, "ledger_unavailable")
        assert reply.error["type"] == "server_error"
    assert upstream.peers == []
    await nothing_is_held(it, 0)
    assert (await it.bucket(f"{ANALYTICS}:rpm")).level == 10 * MICRO
    monkeypatch.undo()
    assert (await it.ask(SHORT)).status == 200
    assert (await it.call()).cost_nano_usd == COST


async def test_replies_whose_ends_cannot_be_written_are_not_delivered(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Peer] = []
    all_asked = asyncio.Event()

    async def together(peer: Peer) -> None:
        asked.append(peer)
        if len(asked) == AT_ONCE:
            failing(monkeypatch)
            all_asked.set()
        await all_asked.wait()
        await peer.answer(completion())

    it, _ = await opened(always(together))
    started = [it.start(SHORT) for _ in range(AT_ONCE)]
    await asyncio.gather(*(task for _, task in started))
    for reply, _ in started:
        assert (reply.status, reply.error["code"]) == (503, "ledger_unavailable")
    await nothing_is_held(it, AT_ONCE * COST)
    monkeypatch.undo()
    await it.flights.reap()
    assert [call.cost_nano_usd for call in await it.calls()] == [COST] * AT_ONCE


@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_nothing_is_sent_and_nothing_answered_before_its_record(
    opened: Open, tmp_path: Path, data: bytes
) -> None:
    early: list[str] = []

    async def upstream(peer: Peer) -> None:
        while asked := await peer.request():
            if not on_record(tmp_path, "open", asked.headers["x-request-id"]):
                early.append("sent")
            if data is SHORT:
                await peer.answer(completion())
            else:
                await peer.begin_chunks()
                for chunk in (DELTA, USAGE_EVENT, DONE, b""):
                    await peer.chunk(chunk)

    def start() -> tuple[Reply, asyncio.Task[None]]:
        async def on_send(piece: bytes, _last: bool) -> None:
            ends = data is SHORT or b"[DONE]" in piece
            if ends and not on_record(tmp_path, "end", reply.sent_headers["x-request-id"]):
                early.append("answered")

        reply, task = it.start(data)
        reply.on_send = on_send
        return reply, task

    it, _ = await opened(upstream)
    started = [start() for _ in range(AT_ONCE)]
    await asyncio.gather(*(task for _, task in started))
    assert [reply.status for reply, _ in started] == [200] * AT_ONCE
    assert early == []


def cancels(it: Rig, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The task of whoever records this is cancelled while that is written."""
    method = getattr(it.ledger, name)

    def recorded(*told: Any) -> Any:
        task = asyncio.current_task()
        assert task
        task.cancel()
        return method(*told)

    monkeypatch.setattr(it.ledger, name, recorded)


@pytest.mark.parametrize("writable", [True, False], ids=["written", "failed"])
async def test_request_that_is_cancelled_while_it_is_written_was_never_sent(
    opened: Open, monkeypatch: pytest.MonkeyPatch, *, writable: bool
) -> None:
    it, upstream = await opened(always(well))
    cancels(it, monkeypatch, "open_call")
    if not writable:
        failing(monkeypatch)
    _, task = it.start(SHORT)
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert upstream.peers == []
    await nothing_is_held(it, 0)
    assert (await it.bucket(f"{ANALYTICS}:rpm")).level == 10 * MICRO
    monkeypatch.undo()
    found = [(call.outcome, call.cause, call.cost_nano_usd) for call in await it.calls()]
    assert found == ([(Outcome.UPSTREAM_ERROR, Cause.RESTART, 0)] if writable else [])


@pytest.mark.parametrize("writable", [True, False], ids=["written", "failed"])
async def test_request_that_is_cancelled_while_its_end_is_written_has_that_end(
    opened: Open, monkeypatch: pytest.MonkeyPatch, *, writable: bool
) -> None:
    async def answer(peer: Peer) -> None:
        if not writable:
            failing(monkeypatch)
        await well(peer)

    it, _ = await opened(always(answer))
    cancels(it, monkeypatch, "end_call")
    reply = await it.ask(SHORT)
    assert reply.status == 503
    await nothing_is_held(it, COST)
    monkeypatch.undo()
    await it.flights.reap()
    call = await it.call()
    assert (call.outcome, call.cost_nano_usd) == (Outcome.OK, COST)
