"""A provider's limits in every form of its headers, and which errors are tried again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from quotadeck.client import Backoff
from quotadeck.client.transport.paths import endpoint_of
from quotadeck.client.transport.rate_headers import Told, limits_told, until_ms
from quotadeck.client.transport.retrying import judge, passed_on
from quotadeck.dialects.base import UpstreamSaid

NOW_US = 1_795_489_200_000_000
NOTHING = UpstreamSaid("", "", None, None)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("6m0s", 360_000),
        ("120ms", 120),
        ("1.5s", 1_500),
        ("1h2m3s", 3_723_000),
        ("7.66s", 7_660),
        ("12", 12_000),
        ("0.25", 250),
        ("1795489260", 60_000),
        ("1795489260000", 60_000),
        ("2026-11-24T03:00:10Z", 10_000),
        ("2026-11-24T02:00:00Z", 0),
        ("2026-11-24T04:00:00+01:00", 0),
        ("", None),
        ("soon", None),
        ("-", None),
        ("nan", None),
        ("inf", None),
        ("1.2.3s", None),
        ("9" * 30, None),
        ("2026-11-24T03:00:10", None),
    ],
)
def test_a_reset_is_a_wait(text: str, ms: int | None) -> None:
    assert until_ms(text, NOW_US) == ms


def shown(told: Told) -> tuple[int, int, int | None]:
    return told.limit, told.left, told.full_ms


def test_openais_and_anthropics_headers_are_read() -> None:
    openai = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-remaining-tokens": "7",
    }
    [requests] = limits_told(openai, NOW_US)
    assert shown(requests) == (500, 499, 120)
    anthropic = {
        f"anthropic-ratelimit-{unit}-{what}": value
        for unit in ("requests", "tokens", "input-tokens", "output-tokens")
        for what, value in (
            ("limit", "50"),
            ("remaining", "0"),
            ("reset", "2026-11-24T03:01:00Z"),
        )
    }
    told = {one.unit.name: one for one in limits_told(anthropic, NOW_US)}
    assert {name: shown(one) for name, one in told.items()} == dict.fromkeys(told, (50, 0, 60_000))
    assert [name for name, one in told.items() if one.unit.paced] == ["requests"]
    passed = {f"llm_provider-{name}": value for name, value in openai.items()}
    assert [shown(one) for one in limits_told(passed, NOW_US)] == [(500, 499, 120)]


@pytest.mark.parametrize("value", ["", "many", "-1", "nan", "inf", "1e30", "0", "9" * 99])
def test_what_is_no_limit_is_none(value: str) -> None:
    headers = {"x-ratelimit-limit-tokens": value, "x-ratelimit-remaining-tokens": "1"}
    assert limits_told(headers, NOW_US) == []


def _judged(status: int, tried: int = 1, said: UpstreamSaid = NOTHING, **headers: Any) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return judge(status, named, said, tried, Backoff(base_s=0.5, jitter=0))


@pytest.mark.parametrize(
    ("headers", "ms"),
    [
        ({"retry_after": "2"}, 2_000),
        ({"retry_after": "0.5"}, 500),
        ({"retry_after_ms": "250"}, 250),
        ({"retry_after": "1", "retry_after_ms": "900"}, 1_000),
        ({"retry_after": "60"}, 60_000),
        ({"retry_after": "never"}, 500),
        ({"retry_after": "-3"}, 500),
        ({"retry_after": "nan"}, 500),
        ({}, 500),
    ],
)
def test_a_busy_provider_is_waited_for_as_it_says(headers: dict[str, Any], ms: int) -> None:
    verdict = _judged(429, **headers)
    assert (verdict.wait_ms, verdict.pause_ms) == (ms, ms)


def test_a_date_is_a_wait_too() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28_000 <= _judged(503, retry_after=at).wait_ms <= 30_000
    far = format_datetime(datetime.now(UTC) + timedelta(days=49), usegmt=True)
    verdict = _judged(503, retry_after=far)
    assert verdict.wait_ms is None
    assert verdict.pause_ms == 60_000
    assert passed_on(verdict)["retry-after"] is None


@pytest.mark.parametrize(
    ("status", "again"),
    [(400, False), (401, False), (404, False), (408, True), (409, True), (500, True), (529, True)],
)
def test_only_trouble_that_may_pass_is_tried_again(status: int, again: bool) -> None:
    verdict = _judged(status)
    assert (verdict.wait_ms is not None) is again
    assert not verdict.pause_ms
    assert passed_on(verdict) == {"x-should-retry": "false"}


def test_an_end_is_an_end() -> None:
    assert _judged(500, tried=5).wait_ms is None
    assert _judged(429, x_should_retry="false").wait_ms is None
    assert _judged(400, x_should_retry="true").wait_ms == 500
    empty = UpstreamSaid("", "insufficient_quota", "insufficient_quota", None)
    assert _judged(429, said=empty, retry_after="1").wait_ms is None
    assert _judged(500, tried=3).wait_ms == 2_000


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/v1/chat/completions", "chat"),
        ("/chat/completions", "chat"),
        ("/api/v1/chat/completions", "chat"),
        ("/openai/deployments/gpt-4.1/chat/completions", "chat"),
        ("/v1/completions", "completions"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/responses", "responses"),
        ("/v1/messages", "messages"),
        ("/v1/responses/resp_1/cancel", None),
        ("/v1/responses/input_tokens", None),
        ("/v1/messages/count_tokens", None),
        ("/v1/messages/batches", None),
        ("/v1/threads/thread_1/messages", None),
        ("/v1/audio/transcriptions", None),
        ("/v1/models", None),
    ],
)
def test_calls_are_known_by_the_end_of_their_path(path: str, form: str | None) -> None:
    found = endpoint_of(path)
    assert (found and found.dialect.form) == form
