"""When the hot path goes wrong: one end all the same, on record, and nobody pays too little."""

import asyncio
import gc
import logging

import pytest

from quotadeck.dialects.openai import OPENAI
from quotadeck.dialects.openai.request import Chat
from quotadeck.domain.calls import Attempt, OpenCall, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.limits import MICRO
from quotadeck.gateway.upstream.client import Bounds
from tests.gateway.chats import (
    ANALYTICS,
    BOUND,
    COST,
    DELTA,
    DONE,
    SHORT,
    STREAM,
    STREAM_BOUND,
    USAGE_EVENT,
    Full,
    Open,
    event,
    last_error,
    nothing_is_held,
    silence,
    streams,
    well,
)
from tests.gateway.provider import Peer, always
from tests.gateway.values import OPUS, body


@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_error_of_the_upstream_is_passed_on_and_costs_nothing(
    opened: Open, data: bytes
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(b'{"error":{"message":"too hot"}}', "503 Unavailable", "Retry-After: 3")

    it, _ = await opened(always(answer))
    reply = await it.ask(data)
    assert (reply.status, reply.error["message"]) == (503, "too hot")
    assert reply.sent_headers["retry-after"] == "3"
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX)
    (attempt,) = call.attempts
    assert attempt._replace(ms=0) == Attempt(OPUS, Cause.UPSTREAM_5XX, 503, 0)
    assert reply.sent_headers["x-request-id"] == call.id
    await nothing_is_held(it, 0)
    assert (await it.bucket(f"{ANALYTICS}:rpm")).level == 9 * MICRO
    assert (await it.bucket(f"{ANALYTICS}:tpm")).level == 60_000 * MICRO


@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_upstream_that_cannot_be_reached_costs_nothing_not_even_a_request(
    opened: Open, data: bytes
) -> None:
    it, _ = await opened(None)
    reply = await it.ask(data)
    assert (reply.status, reply.error["code"]) == (502, "unreachable")
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UPSTREAM_ERROR, Cause.UNREACHABLE)
    (attempt,) = call.attempts
    assert attempt._replace(ms=0) == Attempt(OPUS, Cause.UNREACHABLE, 0, 0)
    await nothing_is_held(it, 0)
    assert (await it.bucket(f"{ANALYTICS}:rpm")).level == 10 * MICRO


async def test_silent_upstream_is_charged_in_full_for_it_may_have_billed(opened: Open) -> None:
    it, _ = await opened(silence, timeout_s=0.1)
    reply = await it.ask(SHORT)
    assert (reply.status, reply.error["code"]) == (504, "timeout")
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.TIMEOUT)
    assert call.cost_nano_usd == BOUND
    assert call.usage.is_estimate
    await nothing_is_held(it, BOUND)


async def test_reply_that_is_no_completion_is_charged_in_full(opened: Open) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(b"<html>a captive portal</html>")

    it, _ = await opened(always(answer))
    reply = await it.ask(SHORT)
    assert (reply.status, reply.error["code"]) == (502, "broken_reply")
    assert b"captive" not in reply.body
    assert (await it.call()).outcome is Outcome.UNKNOWN
    await nothing_is_held(it, BOUND)


@pytest.mark.parametrize("usage", [[], [USAGE_EVENT]], ids=["without-usage", "with-usage"])
async def test_stream_that_breaks_says_so_and_is_charged_in_full_unless_it_told_its_usage(
    opened: Open, usage: list[bytes]
) -> None:
    it, _ = await opened(streams(DELTA, *usage, b"data: {", end=True))
    reply = await it.ask(STREAM)
    assert reply.body.startswith(DELTA)
    assert DONE not in reply.body
    assert last_error(reply.body)["code"] == "broken_reply"
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY)
    assert call.usage.is_estimate == (not usage)
    assert call.cost_nano_usd == (COST if usage else STREAM_BOUND)
    await nothing_is_held(it, call.cost_nano_usd)


async def test_error_in_a_stream_reaches_the_client_and_no_end_hides_it(opened: Open) -> None:
    error = event({"error": {"message": "overloaded\x1b[2J", "type": "server_error"}})
    it, _ = await opened(streams(DELTA, error, DONE))
    reply = await it.ask(STREAM)
    assert DONE not in reply.body
    assert "overloaded\ufffd[2J".encode() in reply.body
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX)


async def test_client_that_went_is_charged_what_the_upstream_says_if_it_ends_soon(
    opened: Open,
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.begin_chunks()
        await peer.chunk(DELTA)
        await went.wait()
        for chunk in (DELTA, USAGE_EVENT, DONE, b""):
            await peer.chunk(chunk)

    went = asyncio.Event()
    it, _ = await opened(always(answer))
    exchange, task = it.start(STREAM)
    await exchange.has(DELTA)
    exchange.hang_up()
    went.set()
    await task
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.OK, Cause.CLIENT_GONE)
    assert call.cost_nano_usd == COST
    await nothing_is_held(it, COST)


async def test_client_that_went_stops_an_endless_stream(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.begin_chunks()
        await peer.chunk(DELTA)
        hung_up.set_result(await peer.reader.read())

    monkeypatch.setattr("quotadeck.gateway.data.relay.LISTEN_ON_S", 0.02)
    hung_up: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    it, _ = await opened(endless)
    exchange, task = it.start(STREAM)
    await exchange.has(DELTA)
    exchange.hang_up()
    await task
    assert await hung_up == b""
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.CLIENT_GONE)
    assert call.usage.is_estimate
    await nothing_is_held(it, STREAM_BOUND)


@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_cut_request_is_told_charged_in_full_and_blamed_on_nobody(
    opened: Open, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def waiting(peer: Peer) -> None:
        await peer.request()
        came.set()
        await peer.reader.read()

    came = asyncio.Event()
    it, _ = await opened(waiting)
    reply, task = it.start(data)
    await came.wait()
    task.cancel()
    await task
    assert (reply.status, reply.error["code"], reply.whole) == (503, "restart", True)
    assert (reply.sent_headers["retry-after"], reply.sent_headers["connection"]) == ("1", "close")
    assert caplog.records == []
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.RESTART)
    assert call.cost_nano_usd == (BOUND if data is SHORT else STREAM_BOUND)
    await nothing_is_held(it, call.cost_nano_usd)
    assert (await it.live.snapshot()).targets[0].flow.failed_60s == 0


@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_request_past_its_deadline_is_told_and_ends_once_as_lost(
    opened: Open, data: bytes
) -> None:
    async def waiting(peer: Peer) -> None:
        await peer.request()
        came.set()
        await peer.reader.read()

    came = asyncio.Event()
    it, _ = await opened(waiting)
    reply, task = it.start(data)
    await came.wait()
    await it.flights.reap()
    assert len(it.flights.under_way) == 1
    it.clock.advance_ms(35_000)
    await it.flights.reap()
    await it.flights.reap()
    await task
    assert (reply.status, reply.error["code"], reply.whole) == (504, "timeout", True)
    call = await it.call()
    assert (call.outcome, call.cause, call.total_ms) == (Outcome.UNKNOWN, Cause.TIMEOUT, 35_000)
    await nothing_is_held(it, BOUND if data is SHORT else STREAM_BOUND)


async def test_what_cannot_be_recorded_is_not_forwarded(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, upstream = await opened(always(well))
    Full(it, monkeypatch, "open_call")
    reply = await it.ask(SHORT)
    assert (reply.status, reply.error["code"]) == (503, "ledger_unavailable")
    assert upstream.peers == []
    await nothing_is_held(it, 0)
    assert (await it.bucket(f"{ANALYTICS}:rpm")).level == 10 * MICRO


async def test_reply_whose_end_cannot_be_recorded_is_not_delivered(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, _ = await opened(always(well))
    full = Full(it, monkeypatch, "end_call")
    reply = await it.ask(SHORT)
    assert (reply.status, reply.error["code"]) == (503, "ledger_unavailable")
    assert full.tried == 1
    await nothing_is_held(it, COST)
    monkeypatch.undo()
    await it.flights.reap()
    await it.flights.reap()
    assert (await it.call()).cost_nano_usd == COST


async def test_lost_requests_all_end_while_the_journal_fails(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, upstream = await opened(silence)
    started = [it.start(SHORT) for _ in range(3)]
    async with asyncio.timeout(5):
        while len(upstream.peers) < 3:  # noqa: ASYNC110 -- the provider has no event for it
            await asyncio.sleep(0)
    Full(it, monkeypatch, "end_call")
    it.clock.advance_ms(35_000)
    await it.flights.reap()
    await asyncio.gather(*(task for _, task in started))
    assert [reply.error["code"] for reply, _ in started] == ["timeout"] * 3
    await nothing_is_held(it, 3 * BOUND)


async def test_fault_of_ours_before_dispatch_holds_nothing(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def closed(_call: OpenCall) -> None:
        raise ValueError("the journal is closed")

    it, _ = await opened(always(well))
    monkeypatch.setattr(it.ledger, "open_call", closed)
    with caplog.at_level(logging.CRITICAL):
        reply = await it.ask(SHORT)
    assert reply.status == 500
    await nothing_is_held(it, 0)


async def test_fault_of_ours_after_dispatch_is_charged_and_is_not_the_upstreams(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def reply(_dialect: object, _body: bytes) -> None:
        raise ValueError("a fault of ours")

    it, _ = await opened(always(well))
    monkeypatch.setattr(type(OPENAI), "reply", reply)
    with caplog.at_level(logging.CRITICAL):
        answer = await it.ask(SHORT)
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.INTERNAL)
    assert (await it.live.snapshot()).projects[0].flow.failed_60s == 0
    await nothing_is_held(it, BOUND)


async def test_endless_error_of_the_upstream_is_broken_off(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:  # until the gateway hangs up
            await peer.chunk(b"x" * 10_000)

    it, _ = await opened(endless)
    monkeypatch.setattr(it.app.calls.upstream, "_bounds", Bounds(error_bytes=100_000))
    reply = await it.ask(STREAM)
    assert reply.status == 502
    assert "over 100,000 bytes" in reply.error["message"]
    await nothing_is_held(it, STREAM_BOUND)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_request_that_the_upstream_refused_is_forgotten_at_once(
    opened: Open, stream: bool
) -> None:
    def remembered() -> list[Chat]:
        requests = [one for one in gc.get_objects() if isinstance(one, Chat)]
        return [one for one in requests if one.request.fields.get("user") == "to be forgotten"]

    async def answer(peer: Peer) -> None:
        await peer.answer(b"{}", "400 Bad Request")

    it, _ = await opened(always(answer))
    gc.disable()
    try:
        assert (await it.ask(body(stream=stream, user="to be forgotten"))).status == 400
        # A body is megabytes: only a full collection would find it in a cycle.
        assert remembered() == []
    finally:
        gc.enable()
