"""What an upstream's reply means: for the record, for the client, and for the money."""

import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.admission.size import Size
from quotadeck.dialects.openai.errors import error_reply
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.limits import MICRO, RateLimit, rpm, tpm
from quotadeck.domain.refusals import RateLevel, UpstreamFailed, UpstreamRefused
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.openai_replies import (
    chat_reply,
    error_words,
    failure_of,
    go_duration,
    reply_headers,
)
from quotadeck.gateway.upstream.client import Broken
from quotadeck.gateway.upstream.keys import upstream_keys
from tests.gateway.values import call

SIZE = Size(input_tokens=30, output_tokens=256, bound_nano=1, bound_is_estimate=False)
SECRET = "sk-upstream-0123456789abcdef"
KEYS = upstream_keys([SECRET])
HOSTILE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
CHOICES: list[dict[str, Any]] = [{"index": 0, "message": {"content": "hi"}}]


def completion(**more: object) -> bytes:
    return orjson.dumps({"id": "chatcmpl-1", "choices": CHOICES, **more})


def failed(
    status: int, body: object = b"", **headers: str
) -> tuple[Outcome, Cause, int, UpstreamRefused | UpstreamFailed]:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {
        name.replace("_", "-").lower().encode(): value.encode() for name, value in headers.items()
    }
    ending, refusal = failure_of(status, named, data, KEYS)
    assert isinstance(refusal, UpstreamRefused | UpstreamFailed)
    assert refusal.cause == ending.cause
    assert ending.usage is None, "an error is not billed"
    return ending.outcome, ending.cause, error_reply(refusal).status, refusal


def test_stated_usage_and_id_are_learned() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 34}
    assert chat_reply(completion(usage=usage), SIZE) == (Usage(12, 0, 34), "chatcmpl-1")


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": -1, "completion_tokens": 1}, "no"])
def test_reply_without_usage_is_charged_by_an_estimate_that_says_so(usage: object) -> None:
    body = completion(usage=usage)
    found, _ = chat_reply(body, SIZE)
    assert found == Usage(30, 0, len(body) // 4, is_estimate=True)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b"{}", b'{"choices":{}}', b"[" * 5_000, b"\xff"]
)
def test_what_is_no_completion_is_a_broken_reply(body: bytes) -> None:
    with pytest.raises(Broken):
        chat_reply(body, SIZE)


@pytest.mark.parametrize(("given", "kept"), [(7, ""), (None, ""), ("a\x1b[2Jb", "a\ufffd[2Jb")])
def test_response_id_is_made_safe(given: object, kept: str) -> None:
    assert chat_reply(completion(id=given), SIZE)[1] == kept


@pytest.mark.parametrize(
    ("status", "outcome", "cause", "shown"),
    [
        (400, Outcome.CLIENT_ERROR, Cause.UPSTREAM_4XX, 400),
        (404, Outcome.CLIENT_ERROR, Cause.UPSTREAM_4XX, 404),
        (499, Outcome.CLIENT_ERROR, Cause.UPSTREAM_4XX, 499),
        (429, Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_429, 429),
        (500, Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX, 500),
        (529, Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX, 529),
        (599, Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX, 599),
        (600, Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY, 502),
        (999, Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY, 502),
        (204, Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY, 502),
        (307, Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY, 502),
        (401, Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_AUTH, 502),
        (403, Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_AUTH, 502),
    ],
)
def test_status_tells_whose_fault_it_was(
    status: int, outcome: Outcome, cause: Cause, shown: int
) -> None:
    assert failed(status, b"{}")[:3] == (outcome, cause, shown)


@pytest.mark.parametrize("status", [401, 403])
def test_gateways_own_key_is_no_business_of_the_client(status: int) -> None:
    leak = {"error": {"message": "Incorrect API key provided: sk-upstr***", "code": "x"}}
    *_, refusal = failed(status, leak)
    assert b"sk-" not in error_reply(refusal).body


def test_upstreams_own_words_reach_the_client() -> None:
    said = {
        "error": {
            "message": "Too many images.",
            "type": "invalid_request_error",
            "code": "too_many",
            "param": "messages",
        }
    }
    *_, refusal = failed(400, said)
    assert orjson.loads(error_reply(refusal).body) == said


def test_line_breaks_of_the_upstream_stay_line_breaks_and_controls_do_not() -> None:
    *_, refusal = failed(400, {"error": {"message": "first:\r\n\tsecond\x1b[2J\n"}})
    assert (
        orjson.loads(error_reply(refusal).body)["error"]["message"] == "first:\n second\ufffd[2J\n"
    )


@pytest.mark.parametrize("name", ["message", "type", "code", "param"])
def test_no_word_of_the_upstream_tells_its_key(name: str) -> None:
    *_, refusal = failed(400, {"error": {"message": "no", name: f"bad key {SECRET}."}})
    assert orjson.loads(error_reply(refusal).body)["error"][name] == "bad key [key]."


@pytest.mark.parametrize(
    "body",
    [
        f"<h1>bad key {SECRET}</h1>".encode(),
        orjson.dumps({"error": f"bad key {SECRET}"}),
        orjson.dumps([{"detail": [{"msg": f"bad key {SECRET}"}]}]),
        f"bad key {SECRET}".encode() * 5_000,
        b"x" * 991 + SECRET.encode(),
        b'{"error": {"message": "bad key \\u0073k-upstream-0123456789abcdef"}}',
    ],
    ids=["html", "text", "list", "endless", "at-the-cut", "escaped"],
)
def test_no_form_of_error_tells_the_key(body: bytes) -> None:
    *_, refusal = failed(503, body, **{"Retry-After": SECRET})
    reply = error_reply(refusal)
    assert b"[key]" in reply.body or b"x" * 900 in reply.body
    assert SECRET[:6].encode() not in reply.body
    assert SECRET.encode() not in dict(reply.headers).get(b"retry-after", b"")


def test_too_many_requests_by_any_form_has_a_type_that_says_so() -> None:
    *_, refusal = failed(429, {"detail": "60 rpm"})
    assert orjson.loads(error_reply(refusal).body)["error"]["type"] == "rate_limit_error"


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
    assert chat_reply(body, SIZE) == (Usage(12, 0, 34), "chatcmpl-1")


def test_usage_of_nothing_is_believed_of_an_empty_answer_only() -> None:
    zeros = {"prompt_tokens": 0, "completion_tokens": 0}
    assert chat_reply(completion(usage=zeros), SIZE)[0].is_estimate
    silent = [{"index": 0, "message": {"role": "assistant", "content": ""}}]
    assert chat_reply(completion(usage=zeros, choices=silent), SIZE)[0] == Usage(0, 0, 0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"upstream connect error", "upstream connect error"),
        (b"", "The upstream answered 503 with an empty body."),
        ({"error": "overloaded"}, "overloaded"),
        ({"error": {"message": 7, "code": 429}}, "The upstream answered 503 without words."),
        ({"detail": "not found"}, "not found"),
        ({"detail": [{"loc": ["n"], "msg": "too large"}, {"msg": "no"}]}, "too large; no"),
        ({"object": "error", "message": "too long", "code": 400}, "too long"),
        ({"error": "Bad Request", "message": "no such model"}, "no such model"),
        ([{"error": {"message": "busy"}}], "busy"),
        (b'\xef\xbb\xbf{"error": {"message": "half \\ud83d"}}', "half \ufffd"),
        ([1], "The upstream answered 503 without words."),
    ],
)
def test_any_form_of_error_gives_a_message(body: object, message: str) -> None:
    *_, refusal = failed(503, body)
    told = orjson.loads(error_reply(refusal).body)["error"]
    assert (told["message"], told["type"]) == (message, "server_error")


@given(st.binary(max_size=300), st.sampled_from([400, 429, 503]))
def test_no_body_of_an_error_breaks_ours(body: bytes, status: int) -> None:
    *_, refusal = failed(status, body)
    message = orjson.loads(error_reply(refusal).body)["error"]["message"]
    assert message
    lines = message.replace("\n", "")
    assert not {unicodedata.category(character) for character in lines} & HOSTILE


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=3))
def test_error_in_a_stream_has_words_or_none(error: object) -> None:
    assert isinstance(error_words(error, KEYS), str)
    assert isinstance(error_words({"message": error}, KEYS), str)


def test_endless_words_are_cut() -> None:
    *_, refusal = failed(400, {"error": {"message": "x" * 50_000, "type": "y" * 50_000}})
    assert len(error_reply(refusal).body) < 2_000


def test_wait_of_the_upstream_is_passed_on() -> None:
    *_, refusal = failed(429, b"{}", **{"Retry-After": "7", "retry-after-ms": "6800"})
    sent = dict(error_reply(refusal).headers)
    assert (sent[b"retry-after"], sent[b"retry-after-ms"]) == (b"7", b"6800")


@pytest.mark.parametrize("value", ["1\r\nx-injected: 1", "1\x00", "é", "9" * 65, ""])
def test_header_of_the_upstream_that_is_not_plain_is_dropped(value: str) -> None:
    *_, refusal = failed(429, b"{}", **{"Retry-After": value})
    assert b"retry-after" not in dict(error_reply(refusal).headers)


def test_whole_reply_tells_its_cost_way_and_limits() -> None:
    rates = (
        RateLevel(LimitKind.RPM, rpm(60), 7 * MICRO),
        RateLevel(LimitKind.TPM, tpm(60_000), -5 * MICRO),
    )
    sent = dict(reply_headers(call(fallback_step=1), rates))
    assert sent == {
        b"content-type": b"application/json",
        b"x-request-id": b"req_1",
        b"x-project-id": b"analytics",
        b"x-served-model": b"main/opus",
        b"x-fallback-step": b"1",
        b"x-cost-usd": b"0.00036",
        b"x-ratelimit-limit-requests": b"60",
        b"x-ratelimit-remaining-requests": b"7",
        b"x-ratelimit-reset-requests": b"3s",
        b"x-ratelimit-limit-tokens": b"60000",
        b"x-ratelimit-remaining-tokens": b"0",
        b"x-ratelimit-reset-tokens": b"1m0.005s",
    }


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
    sent = dict(reply_headers(call(), [RateLevel(LimitKind.RPM, limit, limit.capacity - 1)]))
    assert sent[b"x-ratelimit-reset-requests"] == b"1ms"
