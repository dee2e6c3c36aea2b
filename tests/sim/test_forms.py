"""The simulator's other forms: what they answer is whole, billed, and the same as a stream."""

from collections.abc import Callable
from typing import Any

import aiohttp
import openai
import orjson
import pytest

from quotadeck.sim.catalogue import MODELS
from quotadeck.sim.faults import HEADER
from quotadeck.sim.prices import Spent, bill_nano

from .driver import Upstream

NewId = Callable[[], str]
VERSION = {"anthropic-version": "2026-10-21"}
TOOL = {"name": "note", "input_schema": {"type": "object"}}
FUNCTION = {"type": "function", "name": "note", "parameters": {"type": "object"}}
LONG = "word " * 3_000
MARKED = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]

MESSAGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "thinking": {"thinking": {"type": "adaptive"}},
    "tool": {"tools": [TOOL], "tool_choice": {"type": "any"}},
    "search": {"tools": [{"type": "web_search_20260101", "name": "web_search"}]},
    "cached": {"system": MARKED, "cache_control": {"type": "ephemeral"}},
    "compacted": {"context_management": {"edits": [{"type": "compact_20260101"}]}},
    "priced": {"speed": "fast", "inference_geo": "us"},
    "cut": {"max_tokens": 2},
}
RESPONSES: dict[str, dict[str, Any]] = {
    "plain": {},
    "reasoning": {"reasoning": {"effort": "high"}},
    "tool": {"tools": [FUNCTION], "tool_choice": "required"},
    "search": {"tools": [{"type": "web_search"}]},
    "cached": {"instructions": LONG},
    "priced": {"service_tier": "flex"},
    "cut": {"max_output_tokens": 2},
}

STREAMED: dict[str, dict[str, Any]] = {
    "/messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "/responses": {"input": "hi"},
    "/completions": {"prompt": "hi"},
}


def sse(raw: bytes) -> list[dict[str, Any]]:
    return [
        orjson.loads(line[6:])
        for line in raw.split(b"\n")
        if line.startswith(b"data: ") and line != b"data: [DONE]"
    ]


async def post(
    http: aiohttp.ClientSession, upstream: Upstream, path: str, payload: Any, **headers: str
) -> tuple[int, bytes]:
    url = upstream.base_url + path
    async with http.post(url, json=payload, headers={**VERSION, **headers}) as answer:
        return answer.status, await answer.read()


def folded(events: list[dict[str, Any]]) -> dict[str, Any]:
    """A message put together from its events, as a client would."""
    message: dict[str, Any] = events[0]["message"]
    partial = ""
    for event in events:
        match event["type"]:
            case "content_block_start":
                message["content"].append(event["content_block"])
                partial = ""
            case "content_block_delta":
                block, delta = message["content"][-1], event["delta"]
                kind = delta.pop("type")
                if kind == "input_json_delta":
                    partial += delta["partial_json"]
                else:
                    ((name, more),) = delta.items()
                    block[name] = (block[name] or "") + more
            case "content_block_stop" if partial:
                message["content"][-1]["input"] = orjson.loads(partial)
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
    return message


@pytest.mark.parametrize("kind", MESSAGES)
async def test_a_message_is_the_same_as_a_stream_and_billed_by_its_usage(
    upstream: Upstream, http: aiohttp.ClientSession, new_id: NewId, kind: str
) -> None:
    asked = {
        "model": "claude-sim",
        "max_tokens": 400,
        "messages": [{"role": "user", "content": f"Say {kind}."}],
        **MESSAGES[kind],
    }
    ids = new_id(), new_id()
    _, raw = await post(http, upstream, "/messages", asked, **{"X-Request-Id": ids[0]})
    _, streamed = await post(
        http, upstream, "/messages", {**asked, "stream": True}, **{"X-Request-Id": ids[1]}
    )
    whole, put_together = orjson.loads(raw), folded(sse(streamed))
    lines = [upstream.line(each) for each in ids]
    assert [lines[0]["id"], lines[1]["id"]] == [whole.pop("id"), put_together.pop("id")]
    text = orjson.dumps(whole["content"]).replace(lines[0]["id"][-28:].encode(), b"")
    assert len(text) > 2
    for each in (whole, put_together):
        for block in each["content"]:
            for name in ("id", "tool_use_id"):
                block.pop(name, None)
    assert whole == put_together
    assert not any(value is None for block in whole["content"] for value in block.values())
    line, usage = lines[0], whole["usage"]
    summed = usage.get("iterations", [{"input_tokens": 0, "output_tokens": 0}])[0]
    caches = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    spent = Spent(
        usage["input_tokens"] + sum(caches) + summed["input_tokens"],
        usage["output_tokens"] + summed["output_tokens"],
        *caches,
        usage["cache_creation"]["ephemeral_1h_input_tokens"],
        searches=usage.get("server_tool_use", {}).get("web_search_requests", 0),
        tier=tuple(line["tier"].split("+")) if line["tier"] else (),
    )
    for each in lines:
        assert each["cost_nano_usd"] == bill_nano(MODELS["claude-sim"].prices, spent)
        assert each["prompt_tokens"] == spent.input
    assert ("fast" in line["tier"], "us" in line["tier"]) == (kind == "priced", kind == "priced")
    assert bool(line["web_searches"]) is (kind == "search")
    assert bool(line["cached_tokens"] or line["cache_write_1h_tokens"]) is (kind == "cached")


@pytest.mark.parametrize("kind", RESPONSES)
async def test_a_response_is_the_same_as_a_stream_and_billed_by_its_usage(
    upstream: Upstream, new_id: NewId, kind: str
) -> None:
    asked: dict[str, Any] = {"model": "gpt-sim", "input": f"Say {kind}.", **RESPONSES[kind]}
    ids = new_id(), new_id()
    async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key="sk-any") as sdk:
        whole = await sdk.responses.create(**asked, extra_headers={"X-Request-Id": ids[0]})
        stream = await sdk.responses.create(
            **asked, stream=True, extra_headers={"X-Request-Id": ids[1]}
        )
        events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1].response
    assert whole.output_text == last.output_text == text_of(events, "output_text.delta")
    calls = [item.arguments for item in last.output if item.type == "function_call"]
    assert "".join(calls) == text_of(events, "function_call_arguments.delta")
    assert bool(calls) is (kind == "tool")
    assert [item.type for item in whole.output] == [item.type for item in last.output]
    lines = [upstream.line(each) for each in ids]
    for reply, line in zip((whole, last), lines, strict=True):
        usage = reply.usage
        assert usage is not None
        details = usage.input_tokens_details
        spent = Spent(
            usage.input_tokens,
            usage.output_tokens,
            details.cached_tokens,
            details.cache_write_tokens,
            searches=reply.tool_usage.web_search.num_requests if reply.tool_usage else 0,
            tier=() if reply.service_tier == "default" else (str(reply.service_tier),),
        )
        assert line["id"] == reply.id
        assert line["cost_nano_usd"] == bill_nano(MODELS["gpt-sim"].prices, spent)
    assert whole.status == ("incomplete" if kind == "cut" else "completed")


def text_of(events: list[Any], kind: str) -> str:
    return "".join(event.delta for event in events if event.type == f"response.{kind}")


async def test_a_response_goes_on_from_the_one_before(upstream: Upstream) -> None:
    async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key="sk-any") as sdk:
        first = await sdk.responses.create(model="gpt-sim", input="Begin.")
        next_one = await sdk.responses.create(
            model="gpt-sim", input="Go on.", previous_response_id=first.id
        )
        assert first.usage is not None
        assert next_one.usage is not None
        assert next_one.usage.input_tokens > first.usage.total_tokens
        with pytest.raises(openai.BadRequestError, match="resp_none"):
            await sdk.responses.create(
                model="gpt-sim", input="Go on.", previous_response_id="resp_none"
            )


async def test_completions_and_embeddings_serve_the_official_sdk(upstream: Upstream) -> None:
    async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key="sk-any") as sdk:
        whole = await sdk.completions.create(model="gpt-sim", prompt="Once", max_tokens=9)
        stream = await sdk.completions.create(
            model="gpt-sim",
            prompt="Once",
            max_tokens=9,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        vectors = await sdk.embeddings.create(model="embed-sim", input=["a", "b"])
        floats = await sdk.embeddings.create(
            model="embed-sim", input=["a", "b"], encoding_format="float"
        )
    texts = [choice.text for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == whole.choices[0].text
    assert chunks[-1].usage == whole.usage
    for at in range(2):
        assert vectors.data[at].embedding == pytest.approx(floats.data[at].embedding)
    assert vectors.usage.total_tokens == 2


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("/responses/input_tokens", {"model": "gpt-sim", "input": LONG}),
        (
            "/messages/count_tokens",
            {"model": "claude-sim", "messages": [{"role": "user", "content": LONG}]},
        ),
    ],
)
async def test_tokens_are_counted_and_not_billed(
    upstream: Upstream, http: aiohttp.ClientSession, path: str, payload: dict[str, Any]
) -> None:
    before = len(upstream.log())
    status, raw = await post(http, upstream, path, payload)
    counted = orjson.loads(raw)["input_tokens"]
    real = {**payload, "max_tokens": 1} if "messages" in path else payload
    _, reply = await post(http, upstream, path.rpartition("/")[0], real)
    usage = orjson.loads(reply)["usage"]
    assert (status, counted) == (200, usage["input_tokens"])
    assert len(upstream.log()) == before + 1


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"max_tokens": None}, 400, "invalid_request_error"),
        ({"temperature": 1}, 400, "invalid_request_error"),
        ({"messages": []}, 400, "invalid_request_error"),
        ({"model": "none"}, 404, "not_found_error"),
    ],
)
async def test_messages_are_refused_in_their_own_shape(
    upstream: Upstream,
    http: aiohttp.ClientSession,
    change: dict[str, Any],
    status: int,
    kind: str,
) -> None:
    asked = {"model": "claude-sim", "max_tokens": 9}
    asked |= {"messages": [{"role": "user", "content": "hi"}], **change}
    answered, raw = await post(http, upstream, "/messages", asked)
    told = orjson.loads(raw)
    assert (answered, told["type"], told["error"]["type"]) == (status, "error", kind)


async def test_a_request_of_an_older_version_may_say_what_was_removed_since(
    upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    asked = {"model": "claude-sim", "max_tokens": 9, "temperature": 1}
    asked |= {"messages": [{"role": "user", "content": "hi"}]}
    older = {"anthropic-version": "2023-06-01"}
    status, _ = await post(http, upstream, "/messages", asked, **older)
    assert status == 200


@pytest.mark.parametrize("path", STREAMED)
@pytest.mark.parametrize("fault", ["status=529", "stream-error=1", "truncate", "crlf", "keepalive"])
async def test_faults_befall_every_form(
    upstream: Upstream, http: aiohttp.ClientSession, path: str, fault: str
) -> None:
    asked = STREAMED[path]
    payload = {"model": "gpt-sim", "stream": True, **asked}
    status, raw = await post(http, upstream, path, payload, **{HEADER: fault})
    assert status == (529 if fault == "status=529" else 200)
    ends = {
        "/messages": b"message_stop",
        "/responses": b"response.completed",
        "/completions": b"[DONE]",
    }
    if "error" in fault:
        assert b"The server had an error" in raw
    if fault in ("truncate", "stream-error=1", "status=529"):
        assert ends[path] not in raw
    else:
        assert ends[path] in raw
