"""However a stream ends, the client is told, the body is whole, and it is paid for once."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from quotadeck.dialects.openai.stream import OpenAIRelay
from quotadeck.domain import sse
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from tests.gateway.chats import (
    COST,
    DELTA,
    DONE,
    STREAM,
    STREAM_BOUND,
    USAGE_EVENT,
    Full,
    Open,
    event,
    last_error,
    nothing_is_held,
    streams,
)
from tests.gateway.provider import Peer, always
from tests.gateway.rig import SECRET, Reply, Rig
from tests.gateway.serving import served_as
from tests.gateway.values import UPSTREAM


async def endless(peer: Peer) -> None:
    """One delta, and then silence."""
    await peer.request()
    await peer.begin_chunks()
    await peer.chunk(DELTA)
    await peer.reader.read()


async def under_way(it: Rig) -> tuple[Reply, "asyncio.Task[None]"]:
    """A stream whose first delta has reached the client."""
    exchange, task = it.start(STREAM)
    await exchange.has(DELTA)
    return exchange, task


async def test_stream_that_cannot_be_recorded_says_so_and_is_recorded_later(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it, _ = await opened(streams(DELTA, USAGE_EVENT, DONE))
    full = Full(it, monkeypatch, "end_call")
    reply = await it.ask(STREAM)
    assert reply.whole
    assert reply.body.startswith(DELTA)
    assert DONE not in reply.body
    assert last_error(reply.body)["code"] == "ledger_unavailable"
    assert b": cost-usd 0.000296\n" in reply.body
    assert caplog.records == []
    assert full.tried == 1
    await nothing_is_held(it, COST)
    monkeypatch.undo()
    await it.flights.reap()
    await it.flights.reap()
    assert (await it.call()).cost_nano_usd == COST


async def test_stream_cut_by_a_restart_says_so(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    it, _ = await opened(endless)
    exchange, task = await under_way(it)
    task.cancel()
    await task
    assert exchange.whole
    told = last_error(exchange.body)
    assert (told["code"], told["type"]) == ("restart", "server_error")
    assert caplog.records == []
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.RESTART)
    await nothing_is_held(it, STREAM_BOUND)


async def test_stream_past_its_deadline_says_so(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    it, _ = await opened(endless)
    exchange, task = await under_way(it)
    it.clock.advance_ms(35_000)
    await it.flights.reap()
    await task
    assert exchange.whole
    assert last_error(exchange.body)["code"] == "timeout"
    assert caplog.records == []
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.TIMEOUT)
    await nothing_is_held(it, STREAM_BOUND)


async def test_stream_that_is_cut_while_nothing_can_be_recorded_says_so(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, _ = await opened(endless)
    exchange, task = await under_way(it)
    Full(it, monkeypatch, "end_call")
    task.cancel()
    await task
    assert exchange.whole
    assert last_error(exchange.body)["code"] == "restart"
    await nothing_is_held(it, STREAM_BOUND)


def fault_in_the_relay(_: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(relay: OpenAIRelay, chunk: bytes) -> bytes:
        if DELTA in chunk:
            relay.begun = True
            return chunk
        raise ValueError("a fault of ours")

    monkeypatch.setattr(OpenAIRelay, "feed", feed)


def fault_at_the_end(it: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object) -> None:
        raise ValueError("a fault of ours")

    observers = it.flights._observers
    monkeypatch.setattr(it.flights, "_observers", replace(observers, ended=(ended,)))


@pytest.mark.parametrize(
    ("fault", "cause"), [(fault_in_the_relay, Cause.INTERNAL), (fault_at_the_end, Cause.NONE)]
)
async def test_stream_that_meets_a_fault_of_ours_says_so_and_is_logged_once(
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[Rig, pytest.MonkeyPatch], None],
    cause: Cause,
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.begin_chunks()
        await peer.chunk(DELTA)
        await went_on.wait()
        for chunk in (USAGE_EVENT, DONE, b""):
            await peer.chunk(chunk)

    went_on = asyncio.Event()
    it, _ = await opened(always(answer))
    fault(it, monkeypatch)
    exchange, task = await under_way(it)
    went_on.set()
    with caplog.at_level(logging.ERROR):
        await task
    assert exchange.whole
    assert last_error(exchange.body)["code"] == "internal_error"
    [record] = caplog.records
    call = await it.call()
    assert call.id in record.getMessage()
    assert record.exc_info
    assert call.cause is cause
    assert (await it.live.snapshot()).projects[0].flow.failed_60s == 0
    assert it.flights.under_way == {}


@pytest.mark.parametrize(
    ("sent", "words", "cause"),
    [
        (b"", "its stream ended early", Cause.BROKEN_REPLY),
        (b"data: <html>\n\n", "it sent an event that is not JSON", Cause.BROKEN_REPLY),
        (b"data: " + b"x" * 3_000, "it sent an event without end", Cause.BROKEN_REPLY),
        (event({"error": {"message": "too hot"}}), "too hot", Cause.UPSTREAM_5XX),
        (event({"error": {"message": "a\nb\x1b[2J"}}), "a\nb\ufffd[2J", Cause.UPSTREAM_5XX),
        (event({"error": {"code": 7}}), "with an error: it says no more", Cause.UPSTREAM_5XX),
    ],
    ids=["cut", "not-json", "too-long", "error", "error-in-lines", "error-without-words"],
)
async def test_stream_that_the_upstream_spoils_ends_with_why(
    opened: Open, monkeypatch: pytest.MonkeyPatch, sent: bytes, words: str, cause: Cause
) -> None:
    monkeypatch.setattr(sse, "MAX_BLOCK_BYTES", 2_000)
    it, _ = await opened(streams(DELTA, sent) if sent else streams(DELTA))
    reply = await it.ask(STREAM)
    assert reply.whole
    assert DONE not in reply.body
    assert words in last_error(reply.body)["message"]
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UPSTREAM_ERROR, cause)
    await nothing_is_held(it, STREAM_BOUND)


async def test_error_in_a_stream_does_not_tell_the_upstreams_key(opened: Open) -> None:
    leak = event({"error": {"message": f"bad key {UPSTREAM.key}", "type": UPSTREAM.key}})
    it, _ = await opened(streams(DELTA, *(leak[at : at + 7] for at in range(0, len(leak), 7))))
    reply = await it.ask(STREAM)
    assert "bad key [key]" in last_error(reply.body)["message"]
    assert UPSTREAM.key.encode() not in reply.body


async def test_client_that_takes_nothing_does_not_hold_up_a_cut(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stalled(data: bytes, _last: bool) -> None:
        if b"error" in data:
            await asyncio.Event().wait()

    monkeypatch.setattr("quotadeck.gateway.data.relay.LAST_WORDS_S", 0.02)
    it, _ = await opened(endless)
    exchange, task = it.start(STREAM, on_send=stalled)
    await exchange.has(DELTA)
    task.cancel()
    await task
    assert not exchange.whole
    await nothing_is_held(it, STREAM_BOUND)


@pytest.mark.parametrize("cut", [False, True], ids=["unrecorded", "cut"])
async def test_streams_that_end_so_are_whole_bodies_on_the_wire_and_leave_no_traceback(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, cut: bool
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.begin_chunks()
        await peer.chunk(DELTA)
        await went_on.wait()
        for chunk in (USAGE_EVENT, DONE, b""):
            await peer.chunk(chunk)

    async def read() -> bytes:
        async with http.stream("POST", "/v1/chat/completions", content=STREAM) as reply:
            parts = []
            async for part in reply.aiter_raw():
                parts.append(part)
                begun.release()
            return b"".join(parts)

    went_on, begun = asyncio.Event(), asyncio.Semaphore(0)
    it, _ = await opened(always(answer))
    sock = socket.create_server(("127.0.0.1", 0))
    async with (
        served_as("own", it.app, sock),
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{sock.getsockname()[1]}",
            headers={"authorization": f"Bearer {SECRET}"},
        ) as http,
    ):
        reading = [asyncio.ensure_future(read()) for _ in range(3)]
        for _ in reading:
            await begun.acquire()
        Full(it, monkeypatch, "end_call")
        for flight in list(it.flights.under_way.values()):
            if cut and flight.task:
                flight.task.cancel()
        went_on.set()
        bodies = await asyncio.gather(*reading)  # raises on a body that is not whole
    code = "restart" if cut else "ledger_unavailable"
    assert [last_error(body)["code"] for body in bodies] == [code] * 3
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    await nothing_is_held(it, 3 * (STREAM_BOUND if cut else COST))
