"""Whatever the upstream does, the client gets a well-formed answer and nothing stays held."""

from collections.abc import Iterator

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.processes import Gateway, wait_until

HELLO: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "Say hello to the on-call engineer."}
]

WHOLE = [
    # fault, value, status the client sees, its error code, outcome, cause
    ("status", "500", 500, None, "upstream_error", "upstream_5xx"),
    ("status", "503", 503, None, "upstream_error", "upstream_5xx"),
    ("status", "529", 529, None, "upstream_error", "upstream_5xx"),
    ("status", "400", 400, None, "client_error", "upstream_4xx"),
    ("status", "401", 502, "upstream_auth", "upstream_error", "upstream_auth"),
    ("status", "429", 429, None, "upstream_error", "upstream_429"),
    ("refuse", "", 502, "broken_reply", "unknown", "broken_reply"),
    ("garbage", "", 502, "broken_reply", "unknown", "broken_reply"),
    ("error-200", "", 500, None, "upstream_error", "upstream_5xx"),
    ("html", "", 502, None, "", ""),
    ("empty", "", 502, None, "", ""),
]


@pytest.fixture
def client(gateway: Gateway, key: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0) as client:
        yield client.with_options(default_headers={"X-Project-Id": "narrow"})
    gateway.upstream.heal()


def last_call(gateway: Gateway, request_id: str) -> dict[str, object]:
    found = wait_until(lambda: [c for c in gateway.calls() if c["id"] == request_id])
    return dict(found[0])


def nothing_is_held(gateway: Gateway) -> None:
    """The project takes one request at a time: a slot that leaked would show."""

    def free() -> bool:
        [row] = [row for row in gateway.snapshot().projects if row.id == "narrow"]
        return row.flow.in_flight == 0 and row.budget.held_nano == 0

    wait_until(free)


@pytest.mark.parametrize(("kind", "value", "status", "code", "outcome", "cause"), WHOLE)
def test_a_faulty_reply_is_an_error_of_the_dialect(
    gateway: Gateway,
    client: OpenAI,
    kind: str,
    value: str,
    status: int,
    code: str | None,
    outcome: str,
    cause: str,
) -> None:
    gateway.upstream.fault(kind, **({"value": value} if value else {}))
    with pytest.raises(openai.APIStatusError) as failed:
        client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=20)
    assert failed.value.status_code == status
    assert failed.value.body is not None
    if code:
        assert failed.value.code == code
    call = last_call(gateway, failed.value.response.headers["x-request-id"])
    if outcome:
        assert (call["outcome"], call["cause"]) == (outcome, cause)
    nothing_is_held(gateway)
    gateway.upstream.heal()
    client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=20)


def test_the_upstreams_retry_after_reaches_the_client(gateway: Gateway, client: OpenAI) -> None:
    gateway.upstream.fault("retry-after", value="7")
    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=20)
    assert refused.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    "kind", ["usage-missing", "usage-null", "usage-negative", "usage-huge", "usage-float"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_usage_that_cannot_be_believed_is_estimated_and_says_so(
    gateway: Gateway, client: OpenAI, kind: str, stream: bool
) -> None:
    gateway.upstream.fault(kind)
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4.1", messages=HELLO, max_tokens=20, stream=stream
    )
    if stream:
        list(raw.parse())
    call = last_call(gateway, raw.headers["x-request-id"])
    assert call["usage_is_estimate"]
    assert call["outcome"] == "ok"
    assert 0 < int(str(call["cost_nano_usd"])) < 10_000_000
    nothing_is_held(gateway)


@pytest.mark.parametrize(
    "kind", ["crlf", "no-space", "keepalive", "split-utf8", "split-data", "truncate"]
)
def test_odd_but_lawful_streams_are_understood(gateway: Gateway, client: OpenAI, kind: str) -> None:
    gateway.upstream.fault(kind)
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4.1", messages=HELLO, max_tokens=20, stream=True
    ) as response:
        request_id = response.headers["x-request-id"]
        chunks = list(response.parse())
    assert chunks[-1].choices[0].finish_reason
    call = last_call(gateway, request_id)
    assert call["outcome"] == "ok"
    assert not call["usage_is_estimate"]
    [logged] = [row for row in gateway.upstream.calls if row["request_id"] == request_id]
    assert call["cost_nano_usd"] == logged["cost_nano_usd"]


@pytest.mark.parametrize(
    ("kind", "more"), [("truncate", {"value": 3}), ("reset-chunk", {}), ("stream-error", {})]
)
def test_a_stream_that_breaks_ends_in_an_error_the_sdk_raises(
    gateway: Gateway, client: OpenAI, kind: str, more: dict[str, int]
) -> None:
    gateway.upstream.fault(kind, **more)
    try:
        stream = client.chat.completions.create(
            model="gpt-4.1", messages=HELLO, max_tokens=20, stream=True
        )
    except openai.APIStatusError as early:  # a reset may overtake the first event
        request_id = early.response.headers["x-request-id"]
    else:
        request_id = stream.response.headers["x-request-id"]
        with pytest.raises(openai.APIError):
            list(stream)
    call = last_call(gateway, request_id)
    assert call["outcome"] == "upstream_error"
    assert int(str(call["cost_nano_usd"])) > 0
    nothing_is_held(gateway)


def test_a_client_that_leaves_a_stream_is_billed_what_the_upstream_bills(
    gateway: Gateway, key: str
) -> None:
    with (
        httpx.Client() as http,
        http.stream(
            "POST",
            f"{gateway.base_url}/chat/completions",
            headers={"Authorization": f"Bearer {key}", "X-Project-Id": "narrow"},
            json={"model": "gpt-4.1", "messages": HELLO, "max_tokens": 400, "stream": True},
        ) as reply,
    ):
        request_id = reply.headers["x-request-id"]
        next(reply.iter_bytes())
    call = last_call(gateway, request_id)
    [logged] = [row for row in gateway.upstream.calls if row["request_id"] == request_id]
    assert call["cost_nano_usd"] == logged["cost_nano_usd"]
    nothing_is_held(gateway)


def test_hostile_words_of_an_upstream_are_shown_and_not_obeyed(
    gateway: Gateway, client: OpenAI
) -> None:
    gateway.upstream.fault("hostile")
    with pytest.raises(openai.APIStatusError) as failed:
        client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=20)
    assert "\x1b" not in failed.value.message
    assert "\ufffd" in failed.value.message
