"""The official SDK, unmodified, is the judge of Anthropic's dialect, before a real upstream."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import MessageParam, ToolParam

from tests.processes import MODELS, Gateway, running, wait_until

HELLO: list[MessageParam] = [{"role": "user", "content": "Say hello to the on-call engineer."}]
NOTE: ToolParam = {"name": "note", "input_schema": {"type": "object"}}
LONG = "word " * 3_000
MARKED = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
TARGETS = """
speaks = ["messages", "chat"]
{models}
[targets."main/claude-sim"]
input_usd = "3.00"
cached_input_usd = "0.30"
cache_write_usd = "3.75"
cache_write_1h_usd = "6.00"
output_usd = "15.00"
search_usd = "10.00"
[targets."main/claude-sim".tiers]
priority = {{ times = "1.2" }}
fast = {{ times = "6" }}
us = {{ times = "1.1" }}
"""
PROJECTS = """
[routes."claude-sim"]
targets = ["main/claude-sim"]
[projects.free]
[projects.free.allow]
unbounded = ["web_search", "context_management"]
reserve_usd = "1.00"
[projects.free.allow.fields]
speed = ["fast"]
inference_geo = ["us"]
[projects.slow]
rpm = 6
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory: Path = tmp_path_factory.mktemp("claude")
    models = "\n".join(f'[targets."main/{model}"]' for model in MODELS)
    with running(directory, PROJECTS, targets=TARGETS.format(models=models)) as started:
        yield started


@pytest.fixture(scope="module")
def client(served: Gateway) -> Iterator[Anthropic]:
    key = served.add_key("free", "slow")
    base_url = served.base_url.removesuffix("/v1")
    with Anthropic(base_url=base_url, api_key=key, max_retries=0) as client:
        yield client


def recorded(served: Gateway, request_id: str) -> dict[str, Any]:
    """The ledger's record of it."""
    [call] = wait_until(lambda: [call for call in served.calls() if call["id"] == request_id])
    return dict(call)


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "claude-sim", "max_tokens": 400, "messages": HELLO, **more}


ASKED: dict[str, dict[str, Any]] = {
    "plain": {},
    "thinking": {"thinking": {"type": "adaptive"}},
    "tool": {"tools": [NOTE], "tool_choice": {"type": "any"}},
    "search": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "cached": {"system": [MARKED]},
    "compacted": {"extra_body": {"context_management": {"edits": [{"type": "compact_20260112"}]}}},
    "fast": {"speed": "fast", "inference_geo": "us"},
    "cut": {"max_tokens": 2},
}


@pytest.mark.parametrize("kind", ASKED)
def test_a_message_whole_and_as_a_stream_is_in_the_ledger_as_it_was_billed(
    served: Gateway, client: Anthropic, kind: str
) -> None:
    raw = client.messages.with_raw_response.create(**asked(**ASKED[kind]))
    whole = raw.parse()
    with client.messages.stream(**asked(**ASKED[kind])) as stream:
        streamed = stream.get_final_message()
    assert [one.type for one in whole.content] == [one.type for one in streamed.content]
    assert whole.stop_reason == streamed.stop_reason
    assert whole.usage.output_tokens == streamed.usage.output_tokens > 0
    for request_id, reply in ((raw.headers["request-id"], whole), (stream.request_id, streamed)):
        call = recorded(served, str(request_id))
        [billed] = [row for row in served.upstream.calls if row["request_id"] == request_id]
        assert call["response_id"] == reply.id == billed["id"]
        assert call["cost_nano_usd"] == billed["cost_nano_usd"] > 0
        assert not call["usage_is_estimate"]
        assert call["output_tokens"] == billed["completion_tokens"]


def test_tokens_are_counted_for_nothing(served: Gateway, client: Anthropic) -> None:
    raw = client.messages.with_raw_response.count_tokens(model="claude-sim", messages=HELLO)
    counted = raw.parse().input_tokens
    whole = client.messages.create(**asked())
    usage = whole.usage
    assert counted == usage.input_tokens + (usage.cache_read_input_tokens or 0)
    call = recorded(served, raw.headers["request-id"])
    assert (call["outcome"], call["cost_nano_usd"], call["input_tokens"]) == ("ok", 0, 0)


def test_models_are_listed(client: Anthropic) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert {"claude-sim", *MODELS} == set(listed)
    assert client.models.retrieve("claude-sim").display_name == "claude-sim"


def test_a_bearer_is_as_good_as_a_key(served: Gateway, client: Anthropic) -> None:
    with Anthropic(
        base_url=str(client.base_url), api_key=None, auth_token=client.api_key, max_retries=0
    ) as other:
        assert other.beta.messages.create(**asked(betas=["compact-2026-01-12"])).content
    with (
        Anthropic(base_url=str(client.base_url), api_key="x" * 40, max_retries=0) as nobody,
        pytest.raises(anthropic.AuthenticationError, match="unknown or was revoked"),
    ):
        nobody.messages.create(**asked())


@pytest.mark.parametrize(
    ("change", "raised", "words"),
    [
        ({"model": "claude"}, anthropic.NotFoundError, "Did you mean"),
        ({"messages": []}, anthropic.BadRequestError, "at least one message"),
        (
            {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]},
            anthropic.APIStatusError,
            "code_execution",
        ),
        ({"extra_body": {"temperature": 1}}, anthropic.BadRequestError, "temperature: Extra"),
    ],
)
def test_what_is_refused_is_said_in_words(
    client: Anthropic, change: dict[str, Any], raised: type[Exception], words: str
) -> None:
    with pytest.raises(raised, match=words):
        client.messages.create(**asked(**change))


def test_a_limit_is_told_with_the_exact_wait(client: Anthropic) -> None:
    slow = client.with_options(default_headers={"X-Project-Id": "slow"})
    slow.messages.create(**asked())
    with pytest.raises(anthropic.RateLimitError, match="project:slow:rpm is 6 rpm") as refused:
        slow.messages.create(**asked())
    headers = refused.value.response.headers
    assert 9_000 < int(headers["retry-after-ms"]) <= 10_000
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"


@pytest.mark.parametrize("stream", [False, True])
def test_an_overloaded_upstream_is_told_as_one(
    served: Gateway, client: Anthropic, stream: bool
) -> None:
    served.upstream.fault("status", value="529")
    try:
        with pytest.raises(anthropic.OverloadedError) as failed:
            client.messages.create(**asked(), stream=stream)
    finally:
        served.upstream.heal()
    assert failed.value.type == "overloaded_error"
