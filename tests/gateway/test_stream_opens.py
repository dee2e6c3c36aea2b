"""How a stream begins, goes on in silence, and is asked for; and requests whose client leaves."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data import relay
from tests.gateway.chats import (
    BOUND,
    COST,
    DELTA,
    DONE,
    SHORT,
    STREAM,
    USAGE_EVENT,
    Open,
    completion,
    event,
    nothing_is_held,
    streams,
)
from tests.gateway.provider import Asked, Peer, always
from tests.gateway.rig import Rig
from tests.gateway.values import UPSTREAM, body

LINE = b": keep-alive\n"


async def test_nothing_is_sent_before_the_first_event(opened: Open) -> None:
    async def answer(peer: Peer) -> None:
        await peer.begin_chunks()
        await peer.chunk(b": working\n\n")
        came.set()
        await go.wait()
        for chunk in (event({"error": {"message": "slow down", "code": 429}}), b""):
            await peer.chunk(chunk)

    came, go = asyncio.Event(), asyncio.Event()
    it, _ = await opened(always(answer))
    reply, task = it.start(STREAM)
    await came.wait()
    assert reply.status == 0
    go.set()
    await task
    assert (reply.status, reply.error["message"]) == (429, "slow down")
    call = await it.call()
    assert (call.outcome, call.cause, call.http_status) == (
        Outcome.UPSTREAM_ERROR,
        Cause.UPSTREAM_429,
        429,
    )
    await nothing_is_held(it, 0)


async def test_slow_stream_gets_its_status_after_a_while_and_a_later_error_as_an_event(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.begin_chunks()
        await go.wait()
        for chunk in (event({"error": {"message": "slow down", "code": 429}}), b""):
            await peer.chunk(chunk)

    monkeypatch.setattr(relay, "OPENING_S", 0.01)
    monkeypatch.setattr(relay, "QUIET_S", 0.01)
    go = asyncio.Event()
    it, _ = await opened(always(answer))
    reply, task = it.start(STREAM, taking=True)
    await reply.has(LINE)
    assert reply.status == 200
    go.set()
    await task
    assert b"slow down" in reply.body
    assert reply.whole


async def test_silent_stream_shows_life_by_a_line_that_ends_no_event(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.begin_chunks()
        await peer.chunk(DELTA)
        await go.wait()
        for chunk in (USAGE_EVENT, DONE, b""):
            await peer.chunk(chunk)

    monkeypatch.setattr(relay, "QUIET_S", 0.01)
    go = asyncio.Event()
    it, _ = await opened(always(answer))
    reply, task = it.start(STREAM, taking=True)
    await reply.has(DELTA + LINE + LINE)
    go.set()
    await task
    assert LINE + b"\n" not in reply.body
    assert reply.body.endswith(b": cost-usd 0.000296\n" + DONE)
    await nothing_is_held(it, COST)


async def test_cost_is_told_unless_the_project_does_not_want_it(opened: Open) -> None:
    it, _ = await opened(streams(DELTA, USAGE_EVENT, DONE), cost_comment=False)
    reply = await it.ask(STREAM)
    assert reply.body == DELTA + DONE
    assert (await it.call()).cost_nano_usd == COST


@pytest.mark.parametrize(
    ("setting", "asks"), [("auto", [1, 0, 0]), ("always", [1, 1]), ("never", [0, 0])]
)
async def test_upstream_that_refuses_to_be_asked_for_usage_is_asked_so_once(
    opened: Open, setting: str, asks: list[int]
) -> None:
    async def answer(peer: Peer) -> None:
        if b"stream_options" in asked[-1].body:
            refusal = {"error": {"message": "Extra inputs: stream_options"}}
            await peer.answer(orjson.dumps(refusal), "422 Unprocessable Entity")
            return
        await peer.begin_chunks()
        for chunk in (DELTA, USAGE_EVENT, DONE, b""):
            await peer.chunk(chunk)

    asked: list[Asked] = []
    upstream = replace(UPSTREAM, stream_usage=setting)
    it, _ = await opened(always(answer, asked), upstream=upstream)
    statuses = [(await it.ask(STREAM)).status for _ in range(2)]
    assert statuses == ([422, 422] if setting == "always" else [200, 200])
    assert [b"stream_options" in one.body for one in asked] == [bool(one) for one in asks]
    assert it.flights.under_way == {}


@pytest.mark.parametrize(
    "wrong",
    [
        body(stream=True, stream_options={"include_bogus": 1}),
        body(messages=[{"role": "stream_options", "content": "hi"}], stream=True),
    ],
    ids=["its own options", "words that the upstream repeats"],
)
async def test_wrong_request_of_one_does_not_take_usage_from_all(
    opened: Open, wrong: bytes
) -> None:
    """An upstream's words may be a client's: only what helped is remembered."""

    async def answer(peer: Peer) -> None:
        if b"bogus" in asked[-1].body or b'"role":"stream_options"' in asked[-1].body:
            refusal = {"error": {"message": "Wrong value: stream_options"}}
            await peer.answer(orjson.dumps(refusal), "400 Bad Request")
            return
        await peer.begin_chunks()
        for chunk in (DELTA, USAGE_EVENT, DONE, b""):
            await peer.chunk(chunk)

    asked: list[Asked] = []
    it, _ = await opened(always(answer, asked))
    assert (await it.ask(wrong)).status == 400
    assert (await it.ask(STREAM)).status == 200
    assert b"include_usage" in asked[-1].body
    served = [call for call in await it.calls() if call.outcome is Outcome.OK]
    assert [call.usage for call in served] == [Usage(12, 0, 34)]


async def left(it: Rig, came: asyncio.Event) -> "asyncio.Task[None]":
    """A request for a whole answer whose client has hung up."""
    reply, task = it.start(SHORT)
    await came.wait()
    reply.hang_up()
    return task


async def test_whole_answer_is_finished_for_a_client_that_left(opened: Open) -> None:
    async def answer(peer: Peer) -> None:
        came.set()
        await go.wait()
        await peer.answer(completion())

    came, go = asyncio.Event(), asyncio.Event()
    it, _ = await opened(always(answer))
    task = await left(it, came)
    go.set()
    await task
    call = await it.call()
    assert (call.outcome, call.cause, call.usage) == (
        Outcome.OK,
        Cause.CLIENT_GONE,
        Usage(12, 0, 34),
    )
    await nothing_is_held(it, COST)


async def test_whole_answer_is_cancelled_where_the_project_wants_that(opened: Open) -> None:
    async def answer(peer: Peer) -> None:
        came.set()
        await peer.reader.read()
        hung_up.set()

    came, hung_up = asyncio.Event(), asyncio.Event()
    it, _ = await opened(always(answer), on_leave="cancel")
    task = await left(it, came)
    await asyncio.wait([task])
    await hung_up.wait()
    call = await it.call()
    assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.CLIENT_GONE)
    await nothing_is_held(it, BOUND)


@pytest.mark.parametrize("delivered", [False, True])
async def test_stream_without_usage_costs_what_was_held_or_what_was_delivered(
    opened: Open, delivered: bool
) -> None:
    upstream = replace(UPSTREAM, bills_delivered=delivered)
    it, _ = await opened(streams(DELTA, DELTA, end=False), upstream=upstream)
    await it.ask(STREAM)
    call = await it.call()
    assert call.usage.is_estimate
    assert (call.cost_nano_usd < call.held_nano_usd) is delivered
    await nothing_is_held(it, call.cost_nano_usd)
