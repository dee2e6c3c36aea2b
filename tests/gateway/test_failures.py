"""What an upstream's failure means: for the record, for the client, and for the money."""

import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import UpstreamFailed, UpstreamRefused
from quotadeck.gateway.upstream.failures import failed_with
from quotadeck.gateway.upstream.keys import upstream_keys

SECRET = "sk-upstream-0123456789abcdef"
KEYS = upstream_keys([SECRET])
HOSTILE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def failed(
    status: int, body: object = b"", **headers: str
) -> tuple[Outcome, Cause, int, UpstreamRefused | UpstreamFailed]:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-").lower().encode(): v.encode() for name, v in headers.items()}
    failure, refusal, *_ = failed_with(status, named, OPENAI.error(data), not data.strip(), KEYS)
    assert isinstance(refusal, UpstreamRefused | UpstreamFailed)
    assert refusal.cause == failure.cause
    return failure.outcome, failure.cause, OPENAI.refusal(refusal).status, refusal


def told(refusal: Exception) -> bytes:
    return OPENAI.refusal(refusal).body


def sent(refusal: Exception) -> dict[bytes, bytes]:
    lines = OPENAI.refusal(refusal).head.split(b"\r\n")
    return {name: value for name, _, value in (line.partition(b": ") for line in lines if line)}


@pytest.mark.parametrize(
    ("status", "outcome", "cause", "shown"),
    [
        (400, Outcome.CLIENT_ERROR, Cause.UPSTREAM_4XX, 400),
        (404, Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_4XX, 404),
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
        (407, Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_AUTH, 502),
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
    assert b"sk-" not in told(refusal)


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
    assert orjson.loads(told(refusal)) == said


def test_line_breaks_of_the_upstream_stay_line_breaks_and_controls_do_not() -> None:
    *_, refusal = failed(400, {"error": {"message": "first:\r\n\tsecond\x1b[2J\n"}})
    assert orjson.loads(told(refusal))["error"]["message"] == "first:\n second\ufffd[2J\n"


@pytest.mark.parametrize("name", ["message", "type", "code", "param"])
def test_no_word_of_the_upstream_tells_its_key(name: str) -> None:
    *_, refusal = failed(400, {"error": {"message": "no", name: f"bad key {SECRET}."}})
    assert orjson.loads(told(refusal))["error"][name] == "bad key [key]."


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
    body = told(refusal)
    assert b"[key]" in body or b"x" * 900 in body
    assert SECRET[:6].encode() not in body
    assert SECRET.encode() not in sent(refusal).get(b"retry-after", b"")


def test_too_many_requests_by_any_form_has_a_type_that_says_so() -> None:
    *_, refusal = failed(429, {"detail": "60 rpm"})
    assert orjson.loads(told(refusal))["error"]["type"] == "rate_limit_error"


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
    error = orjson.loads(told(refusal))["error"]
    assert (error["message"], error["type"]) == (message, "server_error")


@given(st.binary(max_size=300), st.sampled_from([400, 429, 503]))
def test_no_body_of_an_error_breaks_ours(body: bytes, status: int) -> None:
    *_, refusal = failed(status, body)
    message = orjson.loads(told(refusal))["error"]["message"]
    assert message
    lines = message.replace("\n", "")
    assert not {unicodedata.category(character) for character in lines} & HOSTILE


def test_endless_words_are_cut() -> None:
    *_, refusal = failed(400, {"error": {"message": "x" * 50_000, "type": "y" * 50_000}})
    assert len(told(refusal)) < 2_000


def test_wait_of_the_upstream_is_passed_on() -> None:
    *_, refusal = failed(429, b"{}", **{"Retry-After": "7", "retry-after-ms": "6800"})
    head = sent(refusal)
    assert (head[b"retry-after"], head[b"retry-after-ms"]) == (b"7", b"6800")


@pytest.mark.parametrize("value", ["1\r\nx-injected: 1", "1\x00", "é", "9" * 65, ""])
def test_header_of_the_upstream_that_is_not_plain_is_dropped(value: str) -> None:
    *_, refusal = failed(429, b"{}", **{"Retry-After": value})
    assert b"retry-after" not in sent(refusal)
