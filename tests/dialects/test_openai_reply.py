"""What a whole reply of OpenAI's dialect says, and the rates in its head."""

from typing import Any

import orjson
import pytest

from quotadeck.dialects.base import NotAnAnswer, Read
from quotadeck.dialects.openai.rates import go_duration, rate_lines
from quotadeck.dialects.openai.reply import read_reply
from quotadeck.domain.limits import MICRO, RateLimit, rpm, tpm
from quotadeck.domain.refusals import RateLevel
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.usage import Usage

CHOICES: list[dict[str, Any]] = [{"index": 0, "message": {"content": "hi"}}]


def completion(**more: object) -> bytes:
    return orjson.dumps({"id": "chatcmpl-1", "choices": CHOICES, **more})


def test_stated_usage_and_id_are_learned() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 34}
    body = completion(usage=usage)
    assert read_reply(body) == Read(Usage(12, 0, 34), "chatcmpl-1", body)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": -1, "completion_tokens": 1}, "no"])
def test_usage_that_cannot_be_believed_is_none(usage: object) -> None:
    assert read_reply(completion(usage=usage)).usage is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b"{}", b'{"choices":{}}', b"[" * 5_000, b"\xff"]
)
def test_what_is_no_completion_is_no_answer(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        read_reply(body)


@pytest.mark.parametrize(("given", "kept"), [(7, ""), (None, ""), ("a\x1b[2Jb", "a\ufffd[2Jb")])
def test_response_id_is_made_safe(given: object, kept: str) -> None:
    assert read_reply(completion(id=given)).response_id == kept


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + completion(usage={"prompt_tokens": 12.0, "completion_tokens": 34.0}),
        completion(usage={"prompt_tokens": 12, "completion_tokens": 34})[:-1]
        + b', "logprob": -Infinity, "half": "\\ud83d"}',
    ],
    ids=["bom-and-floats", "what-orjson-cannot-read"],
)
def test_completion_that_the_sdks_can_read_is_one(body: bytes) -> None:
    assert read_reply(body) == Read(Usage(12, 0, 34), "chatcmpl-1", body)


def test_usage_of_nothing_is_believed_of_an_empty_answer_only() -> None:
    zeros = {"prompt_tokens": 0, "completion_tokens": 0}
    assert read_reply(completion(usage=zeros)).usage is None
    silent = [{"index": 0, "message": {"role": "assistant", "content": ""}}]
    assert read_reply(completion(usage=zeros, choices=silent)).usage == Usage(0, 0, 0)


def test_rates_are_told_as_openai_tells_them() -> None:
    rates = (
        RateLevel(LimitKind.RPM, rpm(60), 7 * MICRO),
        RateLevel(LimitKind.TPM, tpm(60_000), -5 * MICRO),
    )
    assert rate_lines(rates).decode().splitlines() == [
        "x-ratelimit-limit-requests: 10",
        "x-ratelimit-remaining-requests: 7",
        "x-ratelimit-reset-requests: 3s",
        "x-ratelimit-limit-tokens: 60000",
        "x-ratelimit-remaining-tokens: 0",
        "x-ratelimit-reset-tokens: 1m0.005s",
    ]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0ms"),
        (12, "12ms"),
        (999, "999ms"),
        (1_000, "1s"),
        (1_500, "1.5s"),
        (59_999, "59.999s"),
        (60_000, "1m0s"),
        (360_000, "6m0s"),
        (61_050, "1m1.05s"),
    ],
)
def test_durations_are_written_as_openai_writes_them(ms: int, text: str) -> None:
    assert go_duration(ms) == text


def test_reset_is_when_the_bucket_is_full_rounded_up() -> None:
    limit = RateLimit(7, 60)
    told = rate_lines([RateLevel(LimitKind.RPM, limit, limit.capacity - 1)])
    assert b"reset-requests: 1ms\r\n" in told
