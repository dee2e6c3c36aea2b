"""A client of one form before an upstream of another, with the official SDK as the judge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic
import orjson
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from quotadeck.dialects.registry import DIALECTS, TRANSLATIONS
from quotadeck.domain.calls import Outcome
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.lanes import Lanes
from tests.gateway.chats import DONE, USAGE, USAGE_EVENT, event, nothing_is_held
from tests.gateway.provider import Asked, Peer, Script, always, provider
from tests.gateway.rig import SECRET, Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import UPSTREAM, catalogue

if TYPE_CHECKING:
    from anthropic.types import Message
    from openai.types.responses import Response

CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'}}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "there",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "abc", "tool_calls": [CALL]},
            "finish_reason": "tool_calls",
        }
    ],
    "usage": USAGE,
}


def chunk(reason: str | None = None, **delta: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return event({"id": "chatcmpl-1", "model": "there", "choices": [choice]})


STREAM = (
    chunk(role="assistant", content="a")
    + chunk(content="bc")
    + chunk(tool_calls=[{"index": 0, **CALL}])
    + chunk("tool_calls")
    + USAGE_EVENT
    + DONE
)


TALK: dict[str, Any] = {
    "model": "opus",
    "max_tokens": 50,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Say abc"}],
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
}


@asynccontextmanager
async def between(
    directory: Path, script: Script, spoken: str
) -> AsyncIterator[tuple[Rig, AsyncAnthropic]]:
    """A gateway before an upstream that speaks this form alone, and a client of messages."""
    async with provider(script) as upstream:
        at = f"http://127.0.0.1:{upstream.port}/v1"
        there = replace(UPSTREAM, base_url=at, timeout_s=5.0, speaks=(spoken,))
        of = replace(catalogue(), upstreams={"main": there})
        lanes = Lanes(TRANSLATIONS)
        async with (
            rig(directory, of, DIALECTS, lanes=lanes) as it,
            asked_over_http(it.app) as http,
            AsyncAnthropic(base_url=str(http.base_url), api_key=SECRET, max_retries=0) as client,
        ):
            yield it, client


def answers(
    what: bytes, asked: list[Asked] | None = None, kind: str = "json", status: str = "200 OK"
) -> Script:
    async def answer(peer: Peer) -> None:
        await peer.answer(what, status, f"Content-Type: {kind}")

    return always(answer, asked)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_message_over_chat_is_answered_and_billed(
    tmp_path: Path, small_ballast: None, stream: bool
) -> None:
    asked: list[Asked] = []
    answer = STREAM if stream else orjson.dumps(COMPLETION)
    script = answers(answer, asked, "text/event-stream" if stream else "application/json")
    async with between(tmp_path, script, "chat") as (it, client):
        if stream:
            async with client.messages.stream(**TALK) as going:
                message: Message = await going.get_final_message()
        else:
            message = await client.messages.create(**TALK)
        text, call = message.content
        assert (text.type, call.type) == ("text", "tool_use")
        assert text.type == "text"
        assert text.text == "abc"
        assert call.type == "tool_use"
        assert (call.name, call.input) == ("look", {"at": "sky"})
        assert message.stop_reason == "tool_use"
        assert (message.usage.input_tokens, message.usage.output_tokens) == (12, 34)
        [sent] = asked
        assert sent.line == "POST /v1/chat/completions HTTP/1.1"
        assert sent.headers["authorization"].startswith("Bearer ")
        assert not [name for name in sent.headers if name.startswith("anthropic")]
        assert orjson.loads(sent.body)["messages"][0] == {"role": "system", "content": "Be brief."}
        ended = await it.call()
        assert (ended.outcome, ended.usage) == (Outcome.OK, Usage(12, 0, 34))
        await nothing_is_held(it, ended.cost_nano_usd)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_response_over_chat_is_answered_and_billed(
    tmp_path: Path, small_ballast: None, stream: bool
) -> None:
    asked: list[Asked] = []
    answer = STREAM if stream else orjson.dumps(COMPLETION)
    script = answers(answer, asked, "text/event-stream" if stream else "application/json")
    talk: dict[str, Any] = {
        "model": "opus",
        "max_output_tokens": 50,
        "input": "Say abc",
        "tools": [{"type": "function", "name": "look", "parameters": {}, "strict": False}],
    }
    async with (
        between(tmp_path, script, "chat") as (it, other),
        AsyncOpenAI(
            base_url=str(other.base_url.join("/v1")), api_key=SECRET, max_retries=0
        ) as client,
    ):
        if stream:
            async with client.responses.stream(**talk) as going:
                kinds = [event.type async for event in going]
                found: Response = await going.get_final_response()
            assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
            assert "response.function_call_arguments.done" in kinds
        else:
            found = await client.responses.create(**talk)
        assert found.output_text == "abc"
        call = found.output[-1]
        assert call.type == "function_call"
        assert (call.call_id, call.name, call.arguments) == ("c1", "look", '{"at":"sky"}')
        assert found.usage is not None
        assert (found.usage.input_tokens, found.usage.output_tokens) == (12, 34)
        assert asked[0].line == "POST /v1/chat/completions HTTP/1.1"
        ended = await it.call()
        assert (ended.outcome, ended.usage) == (Outcome.OK, Usage(12, 0, 34))
        await nothing_is_held(it, ended.cost_nano_usd)


async def test_upstreams_error_is_told_in_the_clients_words(
    tmp_path: Path, small_ballast: None
) -> None:
    error = orjson.dumps({"error": {"message": "slow down", "type": "requests"}})
    script = answers(error, None, "application/json", "429 Too Many Requests")
    async with between(tmp_path, script, "chat") as (it, client):
        with pytest.raises(anthropic.RateLimitError, match="slow down") as refused:
            await client.messages.create(
                model="opus", max_tokens=5, messages=[{"role": "user", "content": "hi"}]
            )
        assert isinstance(refused.value.body, dict)
        assert refused.value.body["error"]["type"] == "rate_limit_error"
        await nothing_is_held(it, 0)


async def test_what_cannot_be_said_takes_nothing(tmp_path: Path, small_ballast: None) -> None:
    asked: list[Asked] = []
    async with between(tmp_path, answers(b"{}", asked), "chat") as (it, client):
        with pytest.raises(anthropic.BadRequestError, match="top_k") as refused:
            await client.messages.create(
                model="opus",
                max_tokens=5,
                messages=[{"role": "user", "content": "hi"}],
                extra_body={"top_k": 5},
            )
        assert refused.value.status_code == 400
        with pytest.raises(anthropic.BadRequestError, match="count_tokens"):
            await client.messages.count_tokens(
                model="opus", messages=[{"role": "user", "content": "hi"}]
            )
        assert asked == []
        assert it.flights.under_way == {}
