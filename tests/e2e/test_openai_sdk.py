"""The official SDK, unmodified, is the judge of the OpenAI dialect."""

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.processes import Gateway, wait_until

HELLO: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "Say hello to the on-call engineer."}
]


@pytest.fixture
def client(gateway: Gateway, key: str) -> "openai.OpenAI":
    return OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0)


def in_project(client: OpenAI, project: str) -> OpenAI:
    return client.with_options(default_headers={"X-Project-Id": project})


def test_a_json_reply_carries_its_cost_and_is_in_the_ledger_as_the_upstream_billed_it(
    gateway: Gateway, client: OpenAI
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4.1", messages=HELLO, max_tokens=50
    )
    reply = raw.parse()
    request_id = raw.headers["x-request-id"]
    [logged] = [row for row in gateway.upstream.calls if row["request_id"] == request_id]
    [call] = wait_until(lambda: [c for c in gateway.calls() if c["id"] == request_id])
    assert reply.choices[0].message.content
    assert reply.usage is not None
    assert call["input_tokens"] == reply.usage.prompt_tokens
    assert call["output_tokens"] == reply.usage.completion_tokens
    assert call["response_id"] == reply.id == logged["id"]
    assert call["cost_nano_usd"] == logged["cost_nano_usd"] > 0
    assert float(raw.headers["x-cost-usd"]) * 1e9 == pytest.approx(call["cost_nano_usd"])
    assert raw.headers["x-project-id"] == "free"
    assert raw.headers["x-served-model"] == "main/gpt-4.1"


def test_a_stream_without_include_usage_has_no_usage_chunk_and_is_billed_all_the_same(
    gateway: Gateway, client: OpenAI
) -> None:
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4.1", messages=HELLO, max_tokens=50, stream=True
    ) as response:
        request_id = response.headers["x-request-id"]
        chunks = list(response.parse())
    assert all(chunk.choices for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason
    [call] = wait_until(lambda: [c for c in gateway.calls() if c["id"] == request_id])
    [logged] = [row for row in gateway.upstream.calls if row["request_id"] == request_id]
    assert call["stream"]
    assert call["cost_nano_usd"] == logged["cost_nano_usd"] > 0
    assert not call["usage_is_estimate"]


def test_a_stream_with_include_usage_ends_with_its_usage_chunk(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="gpt-4.1",
            messages=HELLO,
            max_tokens=50,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_the_models_listed_are_those_the_project_may_use(client: OpenAI) -> None:
    everything = {model.id for model in client.models.list()}
    picky = {model.id for model in in_project(client, "picky").models.list()}
    assert {"gpt-4.1", "claude-opus-4.7"} < everything
    assert picky == {"gpt-4.1"}
    assert client.models.retrieve("gpt-4.1").id == "gpt-4.1"


def test_a_model_outside_the_projects_list_is_403(client: OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError, match=r"may use: gpt-4\.1"):
        in_project(client, "picky").chat.completions.create(model="deepseek-v3.2", messages=HELLO)


@pytest.mark.parametrize(
    ("secret", "hint"),
    [("x" * 10, "shorter than 32"), ("qd_" + "0" * 64, "unknown or was revoked")],
)
def test_a_wrong_key_is_401_with_a_hint(gateway: Gateway, secret: str, hint: str) -> None:
    stranger = OpenAI(base_url=gateway.base_url, api_key=secret, max_retries=0)
    with pytest.raises(openai.AuthenticationError, match=hint):
        stranger.models.list()


def test_a_revoked_key_is_401(gateway: Gateway, key: str) -> None:
    client = OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0)
    client.models.list()
    assert gateway.command("key_revoke", f"key:{key[3:11]}")["applied"]
    with pytest.raises(openai.AuthenticationError):
        client.models.list()


def test_another_teams_project_is_403(gateway: Gateway) -> None:
    mine = gateway.add_key("free")
    client = OpenAI(base_url=gateway.base_url, api_key=mine, max_retries=0)
    with pytest.raises(openai.PermissionDeniedError, match="it serves: free"):
        in_project(client, "other").models.list()


def test_an_unknown_model_is_404_with_the_nearest_names(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"gpt-4\.1"):
        client.chat.completions.create(model="gpt-4.2", messages=HELLO)


def test_a_request_over_the_rate_is_429_with_the_exact_wait(client: OpenAI) -> None:
    slow = in_project(client, "slow")
    slow.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)
    with pytest.raises(openai.RateLimitError) as refused:
        slow.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)
    headers = refused.value.response.headers
    wait_ms = int(headers["retry-after-ms"])
    assert 9_000 < wait_ms <= 10_000
    assert int(headers["retry-after"]) == 10
    assert headers["x-ratelimit-limit-requests"] == "1"  # of ten seconds
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-project-id"] == "slow"
    assert "project:slow:rpm is 6 rpm" in refused.value.message
    assert refused.value.code == "rate_limit_exceeded"


def test_the_projects_own_levels_come_as_openais_headers(client: OpenAI) -> None:
    raw = in_project(client, "small").chat.completions.with_raw_response.create(
        model="gpt-4.1", messages=HELLO, max_tokens=5
    )
    assert raw.headers["x-ratelimit-limit-tokens"] == "4000"
    assert 3_500 < int(raw.headers["x-ratelimit-remaining-tokens"]) < 4_000
    assert raw.headers["x-ratelimit-reset-tokens"].endswith("s")


def test_a_shadow_limit_records_and_refuses_nothing(gateway: Gateway, client: OpenAI) -> None:
    watched = in_project(client, "watched")
    for _ in range(3):
        watched.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)
    rows = wait_until(lambda: len(rows := gateway.calls(project="watched")) == 3 and rows)
    assert [row["shadowed"] for row in rows] == ["", *["project:watched:rpm"] * 2]


def test_a_request_dearer_than_the_whole_budget_is_400_and_never_retried(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        in_project(client, "poor").chat.completions.create(
            model="claude-opus-4.7", messages=HELLO, max_tokens=10_000
        )
    assert refused.value.code == "exceeds_daily_budget"
    assert refused.value.response.headers["x-should-retry"] == "false"


def test_a_spent_budget_is_insufficient_quota_and_never_retried(client: OpenAI) -> None:
    poor = in_project(client, "poor")
    with pytest.raises(openai.RateLimitError) as refused:
        [
            poor.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=500)
            for _ in range(200)
        ]
    assert refused.value.code == "insufficient_quota"
    assert refused.value.response.headers["x-should-retry"] == "false"


def test_input_beyond_the_models_limit_is_400_saying_so(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="180,000") as refused:
        client.chat.completions.create(
            model="claude-opus-4.7",
            messages=[{"role": "user", "content": "word " * 400_000}],
            max_tokens=5,
        )
    assert refused.value.code == "context_length_exceeded"


def test_a_pause_refuses_the_next_request_and_resume_lets_it_through(
    gateway: Gateway, client: OpenAI
) -> None:
    mine = in_project(client, "pausable")
    mine.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)
    assert gateway.command(
        "pause", "project:pausable", for_ms=3_600_000, public=True, reason="batch bug"
    )["applied"]
    with pytest.raises(openai.PermissionDeniedError, match="batch bug") as refused:
        mine.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)
    assert refused.value.code == "project_paused"
    assert gateway.command("resume", "project:pausable")["applied"]
    mine.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)


def test_a_forced_fallback_serves_from_the_other_target(gateway: Gateway, client: OpenAI) -> None:
    answer = gateway.command(
        "fallback",
        "model:claude-opus-4.7",
        field="target",
        value="main/gemini-2.5-flash",
        for_ms=60_000,
    )
    assert answer["applied"], answer
    raw = client.chat.completions.with_raw_response.create(
        model="claude-opus-4.7", messages=HELLO, max_tokens=5
    )
    assert raw.headers["x-served-model"] == "main/gemini-2.5-flash"
    assert int(raw.headers["x-fallback-step"]) > 0
    assert gateway.command("undo", f"command:{answer['command_id']}")["applied"]
    raw = client.chat.completions.with_raw_response.create(
        model="claude-opus-4.7", messages=HELLO, max_tokens=5
    )
    assert raw.headers["x-served-model"] == "main/claude-opus-4.7"
