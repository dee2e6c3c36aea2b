"""OpenAI's Responses through the data plane, with the official SDK as the judge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from quotadeck.dialects.registry import DIALECTS
from quotadeck.dialects.responses import RESPONSES
from quotadeck.dialects.responses.folding import to_stream
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.usage import NOTHING_USED, Usage
from tests.gateway.chats import nothing_is_held
from tests.gateway.provider import Asked, Peer, Script, always, provider
from tests.gateway.rig import SECRET, Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import UPSTREAM, catalogue

TEXT = {"type": "output_text", "text": '{"word": "abc"}', "annotations": [], "logprobs": []}
USED = {
    "input_tokens": 12,
    "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3},
    "output_tokens": 34,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 46,
}
USAGE = Usage(12, 2, 34, cache_write_tokens=3, reasoning_tokens=4)
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "there",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [TEXT],
        },
        {
            "id": "f1",
            "type": "function_call",
            "call_id": "c1",
            "name": "look",
            "arguments": "{}",
            "status": "completed",
        },
    ],
    "usage": USED,
}
MADE = (("response", "resp_1"), ("item", "m1"), ("item", "f1"))
HOT = {"code": "server_error", "message": "too hot"}
WIRE = to_stream(orjson.dumps(RESPONSE))
ASKED: dict[str, Any] = {"model": "opus", "input": "Say abc", "max_output_tokens": 50}
IMAGES, BOTH, RUN = "image_generation", "file_search+image_generation", "ultrafast+code_interpreter"


class Said(BaseModel):
    word: str


@asynccontextmanager
async def between(directory: Path, script: Script) -> AsyncIterator[tuple[Rig, AsyncOpenAI]]:
    """A gateway before an upstream with this script, and an official client of it."""
    async with provider(script) as upstream:
        at = f"http://127.0.0.1:{upstream.port}/v1"
        of = replace(catalogue(), upstreams={"main": replace(UPSTREAM, base_url=at, timeout_s=5.0)})
        async with rig(directory, of, DIALECTS) as it, asked_over_http(it.app) as http:
            base = str(http.base_url.join("/v1"))
            async with AsyncOpenAI(base_url=base, api_key=SECRET, max_retries=0) as client:
                yield it, client


def answers(
    what: object, asked: list[Asked] | None = None, kind: str = "application/json"
) -> Script:
    data = what if isinstance(what, bytes) else orjson.dumps(what)

    async def answer(peer: Peer) -> None:
        await peer.answer(data, "200 OK", f"Content-Type: {kind}")

    return always(answer, asked)


def named(kind: str, **more: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **more}))


async def test_response_is_answered_and_billed(tmp_path: Path, small_ballast: None) -> None:
    asked: list[Asked] = []
    async with between(tmp_path, answers(RESPONSE, asked)) as (it, client):
        raw = await client.responses.with_raw_response.create(**ASKED)
        found = raw.parse()
        assert (found.id, found.output_text) == ("resp_1", TEXT["text"])
        assert raw.headers["x-served-model"]
        [sent] = asked
        assert sent.line == "POST /v1/responses HTTP/1.1"
        assert orjson.loads(sent.body) == {**ASKED, "model": "opus-4.7"}
        parsed = await client.responses.parse(**ASKED, text_format=Said)
        assert parsed.output_parsed == Said(word="abc")
        call = (await it.calls())[-1]
        assert (call.outcome, call.usage, call.response_id) == (Outcome.OK, USAGE, "resp_1")
        assert it.flights.under_way == {}


async def test_stream_passes_and_is_billed_as_the_whole_one(
    tmp_path: Path, small_ballast: None
) -> None:
    async with between(tmp_path, answers(WIRE, kind="text/event-stream")) as (it, client):
        kinds = []
        async with client.responses.stream(**ASKED) as events:
            kinds = [event.type async for event in events]
            final = await events.get_final_response()
        assert (final.id, final.output_text) == ("resp_1", TEXT["text"])
        assert kinds[0] == "response.created"
        assert kinds[-1] == "response.completed"
        call = await it.call()
        assert (call.outcome, call.usage, call.response_id) == (Outcome.OK, USAGE, "resp_1")
        await nothing_is_held(it, call.cost_nano_usd)


@pytest.mark.parametrize(
    "last",
    [
        named("response.failed", response={**RESPONSE, "status": "failed", "error": HOT}),
        named("error", **HOT, param=None, sequence_number=3),
        named("response.completed", response={**RESPONSE, "status": "failed", "error": HOT}),
    ],
    ids=["failed", "error", "completed as failed"],
)
async def test_failure_in_the_stream_is_raised_with_the_upstreams_words(
    tmp_path: Path, small_ballast: None, last: bytes
) -> None:
    begun = named("response.created", response={**RESPONSE, "output": []}, sequence_number=0)
    async with between(tmp_path, answers(begun + last, kind="text/event-stream")) as (it, client):
        with pytest.raises(openai.APIError, match="too hot"):
            async for _ in await client.responses.create(**ASKED, stream=True):
                pass
        call = await it.call()
        assert (call.outcome, call.cause) == (Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX)
        assert it.flights.under_way == {}


async def test_stream_that_stops_without_its_end_is_cut(
    tmp_path: Path, small_ballast: None
) -> None:
    cut = WIRE[: WIRE.index(b"event: response.completed")]
    async with between(tmp_path, answers(cut, kind="text/event-stream")) as (it, client):
        with pytest.raises(openai.APIError, match="ended early"):
            async for _ in await client.responses.create(**ASKED, stream=True):
                pass
        assert (await it.call()).outcome is Outcome.UPSTREAM_ERROR


async def test_counting_is_free(tmp_path: Path, small_ballast: None) -> None:
    said = {"object": "response.input_tokens", "input_tokens": 7}
    async with between(tmp_path, answers(said)) as (it, client):
        counted = await client.responses.input_tokens.count(model="opus", input="Say abc")
        assert counted.input_tokens == 7
        call = await it.call()
        assert (call.usage, call.cost_nano_usd) == (NOTHING_USED, 0)
        await nothing_is_held(it, 0)


async def test_what_came_the_other_way_is_turned(tmp_path: Path, small_ballast: None) -> None:
    async with between(tmp_path, answers(WIRE, kind="text/event-stream")) as (_, client):
        assert (await client.responses.create(**ASKED)).output_text == TEXT["text"]


async def test_whole_answer_to_a_stream_is_told_as_one(tmp_path: Path, small_ballast: None) -> None:
    async with between(tmp_path, answers(RESPONSE)) as (_, client):
        async with client.responses.stream(**ASKED) as events:
            final = await events.get_final_response()
        assert final.output_text == TEXT["text"]


@pytest.mark.parametrize(
    ("fields", "unbounded", "refers"),
    [
        ({"background": True}, ("background",), ()),
        ({"background": False}, (), ()),
        (
            {"previous_response_id": "resp_9"},
            ("previous_response_id (stored_context)",),
            (("response", "resp_9"),),
        ),
        (
            {"input": [{"type": "item_reference", "id": "rs_9"}, {"id": "msg_9"}]},
            ("input[0] (stored_context)", "input[1] (stored_context)"),
            (("item", "rs_9"), ("item", "msg_9")),
        ),
        ({"prompt": {"id": "p1"}}, ("prompt (stored_context)",), (("prompt", "p1"),)),
        ({"tools": [{"type": "web_search"}]}, ("tools[0] (web_search)",), ()),
        ({"tools": [{"type": "function", "name": "f"}]}, (), ()),
        (
            {"input": [{"type": "additional_tools", "tools": [{"type": "web_search"}]}]},
            ("input[0].tools[0] (web_search)",),
            (),
        ),
    ],
)
def test_what_is_asked_beyond_its_bytes_is_known(
    fields: dict[str, Any], unbounded: tuple[str, ...], refers: tuple[tuple[str, str], ...]
) -> None:
    asked = RESPONSES.parse("/v1/responses", orjson.dumps({**ASKED, **fields}), {})
    assert (asked.beyond.unbounded, asked.beyond.refers) == (unbounded, refers)


def test_searches_of_the_web_are_counted() -> None:
    searched = {"type": "web_search_call", "id": "w", "status": "completed"}
    body = orjson.dumps({**RESPONSE, "output": [searched, searched, *RESPONSE["output"]]})
    read = RESPONSES.reply(body)
    assert read.usage == USAGE._replace(web_searches=2)
    assert read.made == (MADE[0], ("item", "w"), ("item", "w"), *MADE[1:])


def test_searches_are_those_that_are_billed_where_they_are_told() -> None:
    told = {"web_search": {"num_requests": 3}}
    read = RESPONSES.reply(orjson.dumps({**RESPONSE, "tool_usage": told}))
    assert read.usage == USAGE._replace(web_searches=3)


@pytest.mark.parametrize(
    ("more", "tier"),
    [
        ({"tool_usage": {"image_gen": {"input_tokens": 5, "output_tokens": 9}}}, IMAGES),
        ({"tool_usage": {"image_gen": {"input_tokens": 0, "output_tokens": 0}}}, ""),
        ({"output": [{"type": "image_generation_call"}, {"type": "file_search_call"}]}, BOTH),
        ({"service_tier": "ultrafast", "output": [{"type": "code_interpreter_call"}]}, RUN),
    ],
)
def test_what_is_billed_beside_the_counts_is_named(more: dict[str, Any], tier: str) -> None:
    read = RESPONSES.reply(orjson.dumps({**RESPONSE, **more}))
    assert read.usage is not None
    assert read.usage.tier == tier


def test_what_is_cached_for_half_a_day_has_another_price() -> None:
    details = {"cache_write_tokens": 9, "cache_write_tokens_details": {"ttl_12h_tokens": 4}}
    told = {"input_tokens": 12, "output_tokens": 34, "input_tokens_details": details}
    read = RESPONSES.reply(orjson.dumps({**RESPONSE, "usage": told}))
    assert read.usage == Usage(12, 0, 34, 9, 4, tier="cache_12h")


def test_what_failed_or_was_searched_in_a_stream_is_billed() -> None:
    relay = RESPONSES.relay(RESPONSES.parse("/v1/responses", orjson.dumps(ASKED), {}))
    relay.feed(named("response.output_item.done", item={"type": "web_search_call", "id": "w"}))
    failed = {**RESPONSE, "status": "failed", "error": HOT, "output": []}
    relay.feed(named("response.failed", response=failed))
    assert relay.error is not None
    assert relay.usage == USAGE._replace(web_searches=1)


def test_events_kind_is_none_of_its_error() -> None:
    relay = RESPONSES.relay(RESPONSES.parse("/v1/responses", orjson.dumps(ASKED), {}))
    relay.feed(named("error", code="rate_limit_exceeded", message="slow", param=None))
    assert relay.error is not None
    assert (relay.error.kind, relay.error.status) == ("", 429)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "image_generation_call", "id": "i", "result": "A" * 40_000},
        {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 40_000},
        {
            "type": "computer_call_output",
            "output": {"type": "computer_screenshot", "image_url": "A" * 40_000},
        },
    ],
    ids=lambda item: item["type"],
)
def test_picture_is_no_text_wherever_it_stands(item: dict[str, Any]) -> None:
    asked = RESPONSES.parse("/v1/responses", orjson.dumps({**ASKED, "input": [item]}), {})
    assert asked.media == 1
    assert asked.text_bytes < 1_000


@pytest.mark.parametrize("piece", [1, 7, 4_096])
def test_stream_is_read_however_it_is_cut(piece: int) -> None:
    relay = RESPONSES.relay(RESPONSES.parse("/v1/responses", orjson.dumps(ASKED), {}))
    got = b"".join(relay.feed(WIRE[at : at + piece]) for at in range(0, len(WIRE), piece))
    assert (relay.done, relay.usage, relay.made) == (True, USAGE, MADE)
    assert got + relay.terminal(None) == WIRE
    assert orjson.loads(RESPONSES.to_whole(WIRE)) == RESPONSE
