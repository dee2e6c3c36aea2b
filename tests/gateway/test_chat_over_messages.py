"""OpenAI's official SDK before an upstream that speaks Anthropic's Messages alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from quotadeck.dialects.registry import DIALECTS, TRANSLATIONS
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.lanes import Lanes
from tests.gateway.chats import nothing_is_held
from tests.gateway.provider import Asked, Peer, Script, always, provider
from tests.gateway.rig import SECRET, Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import OPUS, UPSTREAM, catalogue

USED = {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 34}
USAGE = Usage(12, 7, 34)
CALL = {"type": "tool_use", "id": "toolu_1", "name": "note", "input": {"at": 3}}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "opus-4.7",
    "content": [{"type": "text", "text": "abc"}, CALL],
    "stop_reason": "tool_use",
    "usage": USED,
}
NOTE: Any = {
    "type": "function",
    "function": {"name": "note", "parameters": {"type": "object", "properties": {}}},
}
HELLO: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say abc"}]


def event(kind: str, **more: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **more}))


def delta(index: int, kind: str, **more: str) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **more})


BEGUN = {**MESSAGE, "content": [], "stop_reason": None, "usage": {**USED, "output_tokens": 1}}
START = event("message_start", message=BEGUN)
STREAM = (
    START
    + event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    + event("ping")
    + b"".join(delta(0, "text_delta", text=one) for one in "abc")
    + event("content_block_stop", index=0)
    + event("content_block_start", index=1, content_block={**CALL, "input": {}})
    + delta(1, "input_json_delta", partial_json='{"at"')
    + delta(1, "input_json_delta", partial_json=":3}")
    + event("content_block_stop", index=1)
    + event("message_delta", delta={"stop_reason": "tool_use"}, usage=USED)
    + event("message_stop")
)


def answers(
    what: object, status: str = "200 OK", *lines: str, asked: list[Asked] | None = None
) -> Script:
    data = what if isinstance(what, bytes) else orjson.dumps(what)

    async def answer(peer: Peer) -> None:
        await peer.answer(data, status, *lines)

    return always(answer, asked)


@asynccontextmanager
async def between(directory: Path, script: Script) -> AsyncIterator[tuple[Rig, openai.AsyncOpenAI]]:
    async with provider(script) as upstream:
        there = replace(
            UPSTREAM,
            base_url=f"http://127.0.0.1:{upstream.port}/v1",
            timeout_s=5.0,
            speaks=("messages",),
        )
        of = replace(catalogue(), upstreams={"main": there})
        async with (
            rig(directory, of, DIALECTS, Lanes(TRANSLATIONS)) as it,
            asked_over_http(it.app) as http,
            openai.AsyncOpenAI(
                base_url=str(http.base_url.join("/v1")), api_key=SECRET, max_retries=0
            ) as client,
        ):
            yield it, client


async def test_chat_with_tools_is_answered_and_billed(tmp_path: Path, small_ballast: None) -> None:
    asked: list[Asked] = []
    async with between(tmp_path, answers(MESSAGE, asked=asked)) as (it, client):
        reply = await client.chat.completions.create(
            model="opus", messages=HELLO, tools=[NOTE], temperature=0.5
        )
        said = reply.choices[0]
        assert (said.message.content, said.finish_reason) == ("abc", "tool_calls")
        assert said.message.tool_calls is not None
        [call] = said.message.tool_calls
        assert call.type == "function"
        assert (call.id, call.function.arguments) == ("toolu_1", '{"at":3}')
        assert reply.usage is not None
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (12, 34)
        [sent] = asked
        assert sent.line == "POST /v1/messages HTTP/1.1"
        assert sent.headers["x-api-key"] == "sk-upstream"
        assert sent.headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in sent.headers
        body = orjson.loads(sent.body)
        assert body["system"] == "Be brief."
        assert body["max_tokens"] == catalogue().targets[OPUS].max_output_tokens
        billed = await it.call()
        assert (billed.outcome, billed.usage, billed.response_id) == (Outcome.OK, USAGE, "msg_1")
        # What was answered can be sent back with the tool's result.
        history = [*HELLO, said.message, {"role": "tool", "tool_call_id": call.id, "content": "ok"}]
        await client.chat.completions.create(model="opus", messages=history, tools=[NOTE])
        assert [turn["role"] for turn in orjson.loads(asked[1].body)["messages"]] == [
            *("user", "assistant", "user")
        ]


@pytest.mark.parametrize("came_as", ["events", "whole"])
async def test_streamed_chat_is_the_same_answer_however_it_came(
    tmp_path: Path, small_ballast: None, came_as: str
) -> None:
    kind = "Content-Type: text/event-stream"
    script = answers(STREAM, "200 OK", kind) if came_as == "events" else answers(MESSAGE)
    async with between(tmp_path, script) as (it, client):
        async with client.chat.completions.stream(
            model="opus", messages=HELLO, tools=[NOTE], stream_options={"include_usage": True}
        ) as stream:
            said = await stream.get_final_completion()
        choice = said.choices[0]
        assert (choice.message.content, choice.finish_reason) == ("abc", "tool_calls")
        assert choice.message.tool_calls is not None
        assert choice.message.tool_calls[0].function.arguments == '{"at":3}'
        assert said.usage is not None
        assert said.usage.total_tokens == 46
        billed = await it.call()
        assert (billed.outcome, billed.usage, billed.response_id) == (Outcome.OK, USAGE, "msg_1")
        await nothing_is_held(it, billed.cost_nano_usd)


async def test_stream_to_who_asked_for_none_is_folded(tmp_path: Path, small_ballast: None) -> None:
    script = answers(STREAM, "200 OK", "Content-Type: text/event-stream")
    async with between(tmp_path, script) as (it, client):
        reply = await client.chat.completions.create(model="opus", messages=HELLO)
        assert reply.choices[0].message.content == "abc"
        assert reply.usage is not None
        assert reply.usage.total_tokens == 46
        assert (await it.call()).usage == USAGE


async def test_upstreams_error_is_told_as_openai_tells_it(
    tmp_path: Path, small_ballast: None
) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "No such day"}}
    async with between(tmp_path, answers(error, "400 Bad Request")) as (_, client):
        with pytest.raises(openai.BadRequestError, match="No such day") as refused:
            await client.chat.completions.create(model="opus", messages=HELLO)
        assert refused.value.type == "invalid_request_error"


async def test_error_in_the_stream_is_raised(tmp_path: Path, small_ballast: None) -> None:
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    script = answers(START + error, "200 OK", "Content-Type: text/event-stream")
    async with between(tmp_path, script) as (it, client):
        parts = await client.chat.completions.create(model="opus", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="Overloaded"):
            async for _ in parts:
                pass
        assert (await it.call()).outcome is not Outcome.OK


async def test_what_cannot_be_said_is_refused_before_anything_is_asked(
    tmp_path: Path, small_ballast: None
) -> None:
    asked: list[Asked] = []
    async with between(tmp_path, answers(MESSAGE, asked=asked)) as (it, client):
        with pytest.raises(openai.BadRequestError, match="seed") as refused:
            await client.chat.completions.create(model="opus", messages=HELLO, seed=7)
        assert refused.value.param == "seed"
        assert not asked
        assert it.refused[-1].cause is Cause.INVALID
