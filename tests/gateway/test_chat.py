"""The hot path over a real ledger, limiter and socket: whatever happens, one end, right money."""

import asyncio
from collections.abc import Callable

import orjson
import pytest

from quotadeck.domain.calls import Attempt, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.ids import MAX_REQUEST_ID
from quotadeck.domain.limits import MICRO
from quotadeck.domain.subject import Subject
from quotadeck.gateway.connection.connections import OwnerCrowded, Seat
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
    Open,
    completion,
    nothing_is_held,
    streams,
    well,
)
from tests.gateway.provider import Asked, Peer, always
from tests.gateway.rig import BODY_LIMIT, Rig
from tests.gateway.values import OPUS, body, entry


async def test_whole_reply_passes_with_its_cost_and_stands_in_the_ledger(opened: Open) -> None:
    asked: list[Asked] = []
    it, _ = await opened(always(well, asked))
    reply = await it.ask(SHORT)
    assert (reply.status, reply.body) == (200, completion())
    assert reply.sent_headers["x-cost-usd"] == "0.000296"
    assert reply.sent_headers["x-project-id"] == "analytics"
    assert orjson.loads(asked[0].body)["model"] == "opus-4.7"
    call = await it.call()
    assert asked[0].headers["x-request-id"] == call.id == reply.sent_headers["x-request-id"]
    assert (call.outcome, call.cause, call.http_status) == (Outcome.OK, Cause.NONE, 200)
    assert (call.usage.input_tokens, call.usage.output_tokens, call.cost_nano_usd) == (12, 34, COST)
    assert (call.held_nano_usd, call.bound_is_estimate) == (BOUND, False)
    (attempt,) = call.attempts
    assert attempt._replace(ms=0) == Attempt(OPUS, Cause.NONE, 200, 0)
    assert 0 <= attempt.ms <= call.total_ms
    assert (call.response_id, call.served_model, call.target) == ("chatcmpl-1", "opus-4.7", OPUS)
    await nothing_is_held(it, COST)
    tokens = await it.bucket(f"{ANALYTICS}:tpm")
    assert tokens.level == (60_000 - 46) * MICRO


async def test_end_is_on_record_before_the_last_byte_leaves(opened: Open) -> None:
    async def check(_data: bytes, last: bool) -> None:
        if last:
            calls = await it.calls()
            recorded.append([call.outcome for call in calls])

    recorded: list[list[Outcome]] = []
    it, _ = await opened(always(well))
    await it.ask(SHORT, on_send=check)
    assert recorded == [[Outcome.OK]]


async def test_end_of_a_stream_is_on_record_before_its_terminal_event(opened: Open) -> None:
    async def check(data: bytes, _last: bool) -> None:
        if b"[DONE]" in data:
            recorded.append([call.outcome for call in await it.calls()])

    recorded: list[list[Outcome]] = []
    it, _ = await opened(streams(DELTA, USAGE_EVENT, DONE))
    await it.ask(STREAM, on_send=check)
    assert recorded == [[Outcome.OK]]


async def test_stream_passes_without_the_usage_that_only_we_asked_for(opened: Open) -> None:
    it, _ = await opened(streams(DELTA, DELTA, USAGE_EVENT, DONE))
    reply = await it.ask(STREAM)
    assert reply.body == DELTA * 2 + b": cost-usd 0.000296\n" + DONE
    assert reply.sent_headers["content-type"] == "text/event-stream; charset=utf-8"
    call = await it.call()
    assert (call.outcome, call.usage.input_tokens, call.usage.output_tokens) == (Outcome.OK, 12, 34)
    assert call.stream
    await nothing_is_held(it, COST)


async def test_client_that_asked_for_usage_gets_it(opened: Open) -> None:
    it, _ = await opened(streams(DELTA, USAGE_EVENT, DONE))
    reply = await it.ask(body(stream=True, stream_options={"include_usage": True}))
    assert USAGE_EVENT in reply.body


async def test_stream_without_usage_is_counted_by_an_estimate_and_charged_in_full(
    opened: Open,
) -> None:
    it, _ = await opened(streams(*[DELTA] * 5, DONE))
    await it.ask(STREAM)
    call = await it.call()
    assert (call.usage.output_tokens, call.usage.is_estimate) == (5, True)
    assert call.usage.input_tokens == round(len(STREAM) / 3.5)
    await nothing_is_held(it, STREAM_BOUND)


async def test_stream_without_an_empty_line_after_its_end_is_whole(opened: Open) -> None:
    it, _ = await opened(streams(DELTA, USAGE_EVENT, DONE.rstrip()))
    reply = await it.ask(STREAM)
    assert reply.body.endswith(DONE)
    assert (await it.call()).outcome is Outcome.OK


@pytest.mark.parametrize("model", ["gpt\x1b[2J", "opsu"])
async def test_unknown_model_is_told_even_while_the_project_is_paused(
    opened: Open, model: str
) -> None:
    it, _ = await opened(None)
    it.command(entry(1, ANALYTICS, Field.PAUSED, True))
    reply = await it.ask(body(model=model))
    assert (reply.status, reply.error["code"]) == (404, "model_not_found")
    assert [refusal.cause for refusal in it.refused] == [Cause.INVALID]


@pytest.mark.parametrize(
    ("subject", "code"), [(ANALYTICS, "project_paused"), (Subject.model("opus"), "model_paused")]
)
async def test_paused_is_refused_and_nothing_reaches_the_upstream(
    opened: Open, subject: Subject, code: str
) -> None:
    it, upstream = await opened(always(well))
    it.command(entry(1, subject, Field.PAUSED, True, reason="secret plans"))
    reply = await it.ask(SHORT)
    assert (reply.status, reply.error["code"]) == (403, code)
    assert b"secret plans" not in reply.body
    assert upstream.peers == []
    it.command(entry(1, subject, Field.PAUSED, True, reason="batch bug", public=True))
    assert b"batch bug" in (await it.ask(SHORT)).body


async def test_pause_while_a_body_still_comes_refuses_it(opened: Open) -> None:
    it, upstream = await opened(always(well))
    pause = entry(1, ANALYTICS, Field.PAUSED, True)
    reply = await it.ask(SHORT, on_read=lambda: it.command(pause))
    assert reply.status == 403
    assert upstream.peers == []


async def test_request_whose_body_comes_while_the_gateway_drains_is_not_begun(
    opened: Open,
) -> None:
    it, upstream = await opened(always(well))

    def drain() -> None:
        it.flights.draining = True

    reply = await it.ask(SHORT, on_read=drain)
    assert (reply.status, reply.error["code"]) == (503, "draining")
    assert upstream.peers == []
    await nothing_is_held(it, 0)


async def test_forced_fallback_serves_the_next_request(opened: Open) -> None:
    asked: list[Asked] = []
    it, _ = await opened(always(well, asked))
    it.command(entry(1, Subject.model("opus"), Field.TARGET, "main/flash"))
    reply = await it.ask(SHORT)
    assert reply.sent_headers["x-served-model"] == "main/flash"
    assert reply.sent_headers["x-fallback-step"] == "1"
    assert orjson.loads(asked[0].body)["model"] == "flash-2.5"


async def test_slot_is_free_again_only_after_the_end(opened: Open) -> None:
    async def answer(peer: Peer) -> None:
        came.set()
        await go.wait()
        await well(peer)

    came, go = asyncio.Event(), asyncio.Event()
    it, _ = await opened(always(answer), concurrency=1)
    first, task = it.start(SHORT)
    await came.wait()
    second = await it.ask(SHORT)
    assert (second.status, second.error["limit"]) == (429, f"{ANALYTICS}:concurrency")
    go.set()
    await task
    assert first.status == 200
    assert (await it.ask(SHORT)).status == 200


async def test_what_a_reply_used_teaches_the_next_estimate_by_choice(opened: Open) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(completion(usage={"prompt_tokens": 12, "completion_tokens": 300}))

    it, _ = await opened(always(answer))
    await it.ask(body(n=3))
    assert it.estimator.output_tokens("analytics", "opus") == 120


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"x" * (BODY_LIMIT + 1), 413, "request_too_large"),
        (b"{", 400, "invalid_json"),
        (body(max_tokens="9"), 400, "invalid_value"),
        (body("x" * 90_000), 400, "context_length_exceeded"),
        (body(max_tokens=2_001), 400, "invalid_value"),
        (body()[:-1] + b',"x":' + b"[" * 300 + b"]" * 300 + b"}", 400, "invalid_json"),
    ],
    ids=["too-large", "not-json", "bad-field", "too-long", "too-much", "too-deep"],
)
async def test_bad_input_is_refused_and_holds_nothing(
    opened: Open, data: bytes, status: int, code: str
) -> None:
    it, upstream = await opened(always(well))
    reply = await it.ask(data)
    assert (reply.status, reply.error["code"]) == (status, code)
    assert upstream.peers == []
    assert it.flights.under_way == {}
    assert await it.calls() == []


async def test_calls_of_a_day_that_ended_meanwhile_leave_todays_money_alone(opened: Open) -> None:
    async def answer(peer: Peer) -> None:
        came.set()
        await go.wait()
        await well(peer)

    came, go = asyncio.Event(), asyncio.Event()
    it, _ = await opened(always(answer))
    it.clock.advance_ms(12 * 3_600_000 - 1)
    _, task = it.start(SHORT)
    await came.wait()
    it.clock.advance_ms(1)
    go.set()
    await task
    assert (await it.call()).day == "2026-11-24"
    row = (await it.live.snapshot()).projects[0]
    assert (row.budget.spent_nano, row.budget.held_nano) == (0, 0)
    came.clear()
    await it.ask(SHORT)
    row = (await it.live.snapshot()).projects[0]
    assert (row.budget.spent_nano, row.budget.held_nano) == (COST, 0)


async def test_models_are_those_that_the_project_may_use(opened: Open) -> None:
    it, _ = await opened(None, models=("flash",))
    listed = await it.ask(method="GET", path="/v1/models")
    assert [model["id"] for model in orjson.loads(listed.body)["data"]] == ["flash"]
    one = await it.ask(method="GET", path="/v1/models/flash")
    assert orjson.loads(one.body)["object"] == "model"
    other = await it.ask(method="GET", path="/v1/models/flush")
    assert other.status == 404
    assert "Did you mean flash?" in other.error["message"]
    assert (await it.ask(SHORT)).error["code"] == "model_not_allowed"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/", 404),
        ("GET", "/admin/v1/snapshot", 404),
        ("GET", "/v1/models/../../admin", 404),
        ("GET", "/healthz", 200),
    ],
)
async def test_nothing_is_served_that_is_not_in_the_table(
    opened: Open, method: str, path: str, status: int
) -> None:
    it, _ = await opened(None)
    assert (await it.ask(method=method, path=path)).status == status


async def test_draining_takes_nothing_new(opened: Open) -> None:
    it, upstream = await opened(always(well))
    it.flights.draining = True
    reply = await it.ask(SHORT)
    assert (reply.status, reply.error["code"]) == (503, "draining")
    assert upstream.peers == []


class Faulty:
    def __getattr__(self, _name: str) -> None:
        raise ValueError("a fault of ours")


def drains(it: Rig, _: pytest.MonkeyPatch) -> None:
    it.flights.draining = True


def crowds(_it: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(_seat: Seat, _owner: str) -> None:
        raise OwnerCrowded(1)

    monkeypatch.setattr(Seat, "serve", serve)


def forbids(it: Rig, _: pytest.MonkeyPatch) -> None:
    it.command(entry(1, ANALYTICS, Field.PAUSED, True))


def fails(it: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it.app, "_bodies", Faulty())


@pytest.mark.parametrize(
    ("trouble", "more", "status", "told"),
    [
        (drains, {}, 503, Cause.DRAINING),
        (crowds, {}, 503, Cause.CROWDED),
        (forbids, {}, 403, Cause.PAUSED),
        (fails, {}, 500, None),
        (None, {"method": "GET", "path": "/v1/models/opsu"}, 404, Cause.INVALID),
    ],
)
async def test_error_has_the_requests_name_and_the_project_once_its_key_is_known(
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Rig, pytest.MonkeyPatch], None] | None,
    more: dict[str, str],
    status: int,
    told: Cause | None,
) -> None:
    it, _ = await opened(None)
    if trouble:
        trouble(it, monkeypatch)
    reply = await it.ask(SHORT, headers={"x-project-id": "search"} if told is None else {}, **more)
    assert reply.status == status
    assert reply.sent_headers["x-request-id"].startswith("req_")
    assert reply.sent_headers["x-project-id"] == ("search" if told is None else "analytics")
    assert [refusal.cause for refusal in it.refused] == ([] if told is None else [told])
    unknown = await it.ask(SHORT, headers={"authorization": "Bearer qd_" + "x" * 43}, **more)
    assert unknown.status == 401
    assert unknown.sent_headers["x-request-id"].startswith("req_")
    assert "x-project-id" not in unknown.sent_headers


@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_call_has_the_callers_and_the_upstreams_own_name_for_it(
    opened: Open, data: bytes
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(b"{}", "503 Unavailable", f"X-Request-Id: up sk-upstream {'7' * 400}")

    it, _ = await opened(always(answer))
    named = {"x-request-id": "theirs-\x1b[2J" + "7" * 400}
    for headers in (named, {**named, "x-client-request-id": "the-one-that-they-mean"}):
        await it.ask(data, headers=headers)
    first, second = await it.calls()
    assert first.client_request_id.startswith("theirs-\ufffd[2J777")
    assert len(first.client_request_id) == MAX_REQUEST_ID
    assert second.client_request_id == "the-one-that-they-mean"
    (attempt,) = first.attempts
    assert attempt.request_id.startswith("up [key] 777")
    assert (len(attempt.request_id), attempt.http_status) == (MAX_REQUEST_ID, 503)
