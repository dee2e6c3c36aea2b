"""Anthropic's dialect through the data plane, with its official SDK as the judge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import httpx
import orjson
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam

from quotadeck.dialects.registry import DIALECTS
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.limits import MICRO
from quotadeck.domain.usage import NOTHING_USED, Usage
from tests.gateway.chats import ANALYTICS, nothing_is_held
from tests.gateway.provider import Asked, Peer, Script, always, provider
from tests.gateway.rig import SECRET, Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import UPSTREAM, catalogue, entry

PATH = "/v1/messages"
HELLO: list[MessageParam] = [{"role": "user", "content": "Say abc"}]
ASKED: dict[str, Any] = {"model": "opus", "max_tokens": 50, "messages": HELLO}
USED = {"input_tokens": 12, "output_tokens": 34}
COST = 12 * 2_000 + 34 * 8_000
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "opus-4.7",
    "content": [{"type": "text", "text": "abc"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USED,
}


def event(kind: str, **more: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **more}))


def delta(kind: str, index: int = 0, **more: str) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **more})


BEGUN = {**MESSAGE, "content": [], "stop_reason": None, "usage": {**USED, "output_tokens": 1}}
START = event("message_start", message=BEGUN)
TEXT = (
    event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    + event("ping")
    + b"".join(delta("text_delta", text=one) for one in "abc")
    + event("content_block_stop", index=0)
)
CALLED = {"type": "tool_use", "id": "toolu_1", "name": "note", "input": {}}
TOOL = (
    event("content_block_start", index=1, content_block=CALLED)
    + delta("input_json_delta", 1, partial_json='{"at": ')
    + delta("input_json_delta", 1, partial_json="3}")
    + event("content_block_stop", index=1)
)


def stop(reason: str = "end_turn") -> bytes:
    ended = {"stop_reason": reason, "stop_sequence": None}
    return event("message_delta", delta=ended, usage={"output_tokens": 34})


END = event("message_stop")


def answers(
    what: object, status: str = "200 OK", *lines: str, asked: list[Asked] | None = None
) -> Script:
    data = what if isinstance(what, bytes) else orjson.dumps(what)

    async def answer(peer: Peer) -> None:
        await peer.answer(data, status, *lines)

    return always(answer, asked)


@asynccontextmanager
async def between(
    directory: Path, script: Script, **more: Any
) -> AsyncIterator[tuple[Rig, httpx.AsyncClient, AsyncAnthropic]]:
    """A gateway before an upstream with this script, and two clients of it."""
    async with provider(script) as upstream:
        there = replace(
            UPSTREAM,
            base_url=f"http://127.0.0.1:{upstream.port}/v1",
            timeout_s=5.0,
            speaks=("messages",),
        )
        of = replace(catalogue(**more), upstreams={"main": there})
        async with (
            rig(directory, of, DIALECTS) as it,
            asked_over_http(it.app) as http,
            AsyncAnthropic(
                base_url=str(http.base_url).rstrip("/"),
                api_key=SECRET,
                max_retries=0,
                http_client=anthropic.DefaultAsyncHttpxClient(verify=False),
            ) as client,
        ):
            yield it, http, client


async def test_a_message_is_answered_billed_and_forwarded_as_it_came(
    tmp_path: Path, small_ballast: None
) -> None:
    asked: list[Asked] = []
    async with between(tmp_path, answers(MESSAGE, asked=asked)) as (it, _, client):
        raw = await client.messages.with_raw_response.create(
            **ASKED, extra_headers={"anthropic-beta": "files-api-2025-04-14"}
        )
        reply = await raw.parse()
        assert reply.content[0].type == "text"
        assert (reply.content[0].text, reply.usage.output_tokens) == ("abc", 34)
        [sent] = asked
        assert sent.line == "POST /v1/messages HTTP/1.1"
        assert orjson.loads(sent.body) == {**ASKED, "model": "opus-4.7"}
        assert sent.headers["x-api-key"] == "sk-upstream"
        assert "authorization" not in sent.headers
        assert sent.headers["anthropic-version"] == "2026-10-21"
        assert sent.headers["anthropic-beta"] == "files-api-2025-04-14"
        call = await it.call()
        assert (call.outcome, call.usage, call.response_id) == (
            Outcome.OK,
            Usage(12, 0, 34),
            "msg_1",
        )
        assert raw.request_id == raw.headers["x-request-id"] == call.id
        assert raw.headers["anthropic-ratelimit-requests-limit"] == "10"
        assert raw.headers["anthropic-ratelimit-requests-remaining"] == "9"
        assert raw.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
        assert not [name for name in raw.headers if name.startswith("x-ratelimit")]
        await nothing_is_held(it, COST)


async def test_a_streamed_message_is_the_same_and_billed_alike(
    tmp_path: Path, small_ballast: None
) -> None:
    script = answers(START + TEXT + TOOL + stop("tool_use") + END)
    async with between(tmp_path, script) as (it, http, client):
        async with client.messages.stream(**ASKED) as stream:
            said = "".join([text async for text in stream.text_stream])
            whole = await stream.get_final_message()
        assert said == "abc"
        assert whole.stop_reason == "tool_use"
        assert whole.content[1].type == "tool_use"
        assert (whole.content[1].name, whole.content[1].input) == ("note", {"at": 3})
        assert whole.usage.output_tokens == 34
        call = await it.call()
        assert (call.outcome, call.usage, call.stream) == (Outcome.OK, Usage(12, 0, 34), True)
        await nothing_is_held(it, COST)
        raw = await http.post(PATH, json={**ASKED, "stream": True})
        assert raw.content == (
            START + TEXT + TOOL + stop("tool_use") + b": cost-usd 0.000296\n" + END
        )


async def test_claude_codes_way_of_asking_is_served(tmp_path: Path, small_ballast: None) -> None:
    asked: list[Asked] = []
    script = answers(START + TEXT + stop() + END, asked=asked)
    async with between(tmp_path, script) as (it, http, _):
        beta = ("claude-code-20250219", "interleaved-thinking-2025-05-14")
        reply = await http.post(
            PATH + "?beta=true",
            json={
                **ASKED,
                "stream": True,
                "system": [
                    {"type": "text", "text": "You are.", "cache_control": {"type": "ephemeral"}}
                ],
                "tools": [{"name": "Bash", "description": "Run", "input_schema": {}}],
                "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
                "metadata": {"user_id": "u"},
            },
            headers=[("anthropic-version", "2023-06-01"), *(("anthropic-beta", b) for b in beta)],
        )
        assert reply.status_code == 200
        assert b"message_stop" in reply.content
        assert asked[0].headers["anthropic-beta"] == ", ".join(beta)
        assert (await it.call()).outcome is Outcome.OK


async def test_a_count_of_tokens_costs_and_uses_nothing(
    tmp_path: Path, small_ballast: None
) -> None:
    asked: list[Asked] = []
    async with between(tmp_path, answers({"input_tokens": 14}, asked=asked)) as (it, _, client):
        counted = await client.messages.count_tokens(model="opus", messages=HELLO)
        assert counted.input_tokens == 14
        assert asked[0].line == "POST /v1/messages/count_tokens HTTP/1.1"
        call = await it.call()
        assert (call.outcome, call.usage, call.cost_nano_usd) == (Outcome.OK, NOTHING_USED, 0)
        tokens = await it.bucket("project:analytics:tpm")
        assert tokens.level == 60_000 * MICRO
        await nothing_is_held(it, 0)


async def test_models_are_listed_to_each_in_its_own_form(
    tmp_path: Path, small_ballast: None
) -> None:
    async with between(tmp_path, answers(MESSAGE)) as (_, http, client):
        listed = [model async for model in client.models.list(limit=1)]
        assert [model.id for model in listed] == ["opus", "flash"]
        assert (listed[0].display_name, listed[0].type) == ("opus", "model")
        assert listed[0].created_at.year >= 1970
        assert (await client.models.retrieve("flash")).id == "flash"
        with pytest.raises(anthropic.NotFoundError, match="gone"):
            await client.models.retrieve("gone")
        theirs = (await http.get("/v1/models")).json()
        assert theirs["object"] == "list"


async def test_limits_and_budgets_refuse_in_its_words(tmp_path: Path, small_ballast: None) -> None:
    async with between(tmp_path, answers(MESSAGE)) as (it, _, client):
        it.command(entry(1, ANALYTICS, Field.RPM, 6))
        await client.messages.create(**ASKED)
        with pytest.raises(anthropic.RateLimitError, match="project:analytics:rpm") as limited:
            await client.messages.create(**ASKED)
        assert limited.value.type == "rate_limit_error"
        assert limited.value.error_code == "rate_limit_exceeded"
        assert limited.value.response.headers["retry-after"] == "10"
        assert limited.value.response.headers["anthropic-ratelimit-requests-remaining"] == "0"
        assert limited.value.request_id == limited.value.body["request_id"]  # type: ignore[index]


async def test_a_spent_budget_puts_nobody_to_sleep(tmp_path: Path, small_ballast: None) -> None:
    script = answers({**MESSAGE, "usage": {"input_tokens": 12, "output_tokens": 100_000}})
    async with between(tmp_path, script, daily_budget_usd=10**8) as (_, _, client):
        await client.messages.create(**ASKED)
        patient = client.with_options(max_retries=5)
        with pytest.raises(anthropic.PaymentRequiredError, match="anew at") as spent:
            await patient.messages.create(**ASKED)
        assert spent.value.type == "billing_error"
        headers = spent.value.response.headers
        assert headers["x-should-retry"] == "false"
        assert "retry-after" not in headers


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "kind"),
    [
        ("POST", PATH, {"authorization": "", "x-api-key": "x"}, 401, "authentication_error"),
        ("POST", PATH, {}, 400, "invalid_request_error"),
        ("GET", PATH, {}, 405, "invalid_request_error"),
        ("POST", PATH + "/batches", {}, 404, "not_found_error"),
        ("POST", PATH + "/", {}, 404, "not_found_error"),
        ("POST", "/v1/files", {"anthropic-version": "2026-10-21"}, 404, "not_found_error"),
        ("GET", "/v1/models/gone", {"anthropic-version": "2026-10-21"}, 404, "not_found_error"),
    ],
)
async def test_whatever_fails_under_its_paths_has_its_shape(
    tmp_path: Path,
    small_ballast: None,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
    kind: str,
) -> None:
    async with between(tmp_path, answers(MESSAGE)) as (_, http, _):
        reply = await http.request(method, path, headers=headers)
        told = reply.json()
        assert (reply.status_code, told["type"], told["error"]["type"]) == (status, "error", kind)
        assert told["request_id"] == reply.headers["request-id"] == reply.headers["x-request-id"]
        other = (await http.post("/v1/nothing")).json()
        assert set(other) == {"error"}


async def test_a_drain_is_told_in_its_shape(tmp_path: Path, small_ballast: None) -> None:
    async with between(tmp_path, answers(MESSAGE)) as (it, _, client):
        it.flights.draining = True
        with pytest.raises(anthropic.ServiceUnavailableError) as drained:
            await client.messages.create(**ASKED)
        assert drained.value.type == "api_error"


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


@pytest.mark.parametrize(
    ("status", "kind", "words", "raised"),
    [
        (529, "overloaded_error", "Overloaded", anthropic.OverloadedError),
        (400, "invalid_request_error", "temperature: Extra", anthropic.BadRequestError),
        (429, "rate_limit_error", "Too many", anthropic.RateLimitError),
        (413, "request_too_large", "Too large", anthropic.ContentTooLargeError),
        (504, "timeout_error", "Late", anthropic.GatewayTimeoutError),
        (500, "api_error", "Internal", anthropic.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_the_upstreams_error_passes_with_its_words(
    tmp_path: Path,
    small_ballast: None,
    status: int,
    kind: str,
    words: str,
    raised: type[anthropic.APIStatusError],
    stream: bool,
) -> None:
    details = {"error_code": "of_theirs"}
    error = {"type": "error", "error": {"type": kind, "message": words, "details": details}}
    script = answers(error, f"{status} No", "request-id: req_of_theirs")
    async with between(tmp_path, script) as (it, _, client):
        with pytest.raises(raised, match=words) as failed:
            await client.messages.create(**ASKED, stream=stream)
        assert (failed.value.type, failed.value.error_code) == (kind, "of_theirs")
        assert failed.value.response.headers["x-upstream-request-id"] == "req_of_theirs"
        assert (await it.call()).cost_nano_usd == 0


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (event("error", error=OVERLOADED["error"]), "Overloaded"),
        (b"event: error\ndata: not JSON at all\n\n", "not JSON at all"),
        (b"event: content_block_delta\ndata: {broken\n\n", "not JSON"),
        (b"", "ended early"),
    ],
)
async def test_a_stream_that_fails_ends_in_an_error(
    tmp_path: Path, small_ballast: None, sent: bytes, words: str
) -> None:
    async with between(tmp_path, answers(START + TEXT + sent)) as (it, _, client):
        stream = await client.messages.create(**ASKED, stream=True)
        with pytest.raises(anthropic.APIStatusError, match=words) as failed:
            [event async for event in stream]
        assert failed.value.body["type"] == "error"  # type: ignore[index]
        call = await it.call()
        assert call.outcome is Outcome.UPSTREAM_ERROR
        assert call.usage.is_estimate
        await nothing_is_held(it, call.cost_nano_usd)


async def test_what_was_made_belongs_to_the_project(tmp_path: Path, small_ballast: None) -> None:
    found = {"type": "code_execution_output", "file_id": "file_1"}
    block = {"type": "code_execution_tool_result", "content": {"content": [found]}}
    script = answers({**MESSAGE, "content": [block], "container": {"id": "container_1"}})
    async with between(tmp_path, script) as (it, http, client):
        await client.messages.create(**ASKED)
        mine = await http.post(PATH, json={**ASKED, "container": "container_1"})
        theirs = await http.post(PATH, json={**ASKED, "container": "container_2"})
        assert (mine.status_code, theirs.status_code) == (200, 404)
        assert theirs.json()["error"]["type"] == "not_found_error"
        assert len(await it.calls()) == 2


async def test_a_reply_of_another_form_is_none(tmp_path: Path, small_ballast: None) -> None:
    async with between(tmp_path, answers({"choices": []})) as (it, _, client):
        with pytest.raises(anthropic.InternalServerError) as failed:
            await client.messages.create(**ASKED)
        assert failed.value.type == "api_error"
        assert (await it.call()).cause is Cause.BROKEN_REPLY
