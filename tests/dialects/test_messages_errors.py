"""Every refusal in Anthropic's words: its status and its type agree, and nobody sleeps by it."""

from datetime import UTC, datetime

import orjson
import pytest

from quotadeck.dialects.messages import MESSAGES
from quotadeck.dialects.messages.rates import rate_lines
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain import refusals as r
from quotadeck.domain.cause import Cause
from quotadeck.domain.limits import rpm
from quotadeck.domain.rules import LimitKind
from tests.dialects.conformance import REFUSALS, lines_of

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    415: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def refused(
    status: int, kind: str = "", retry_after: str = "", code: str | None = None
) -> r.UpstreamRefused:
    return r.UpstreamRefused(status, "No.", kind, code, None, retry_after, "", Cause.UPSTREAM_4XX)


@pytest.mark.parametrize(
    "refusal", [*REFUSALS, ValueError("secret")], ids=lambda one: type(one).__name__
)
def test_status_type_and_words_agree(refusal: Exception) -> None:
    reply = MESSAGES.refusal(refusal, "req_1")
    told = orjson.loads(reply.body)
    assert set(told) == {"type", "error", "request_id"}
    assert (told["type"], told["request_id"]) == ("error", "req_1")
    assert told["error"]["type"] == KINDS[reply.status]
    theirs = orjson.loads(OPENAI.refusal(refusal).body)["error"]
    assert told["error"]["message"] == theirs["message"]
    if theirs["code"]:
        assert told["error"]["details"]["error_code"] == theirs["code"]
    head = lines_of(reply.head)
    assert head.get(b"x-should-retry") != b"false" or b"retry-after" not in head
    event = MESSAGES.error_event(refusal, None)
    assert event.startswith(b'event: error\ndata: {"type":"error"')


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (429, "invalid_request_error", "rate_limit_error"),
        (429, "insufficient_quota", "rate_limit_error"),
        (400, "billing_error", "billing_error"),
        (400, "server_error", "invalid_request_error"),
        (503, "invalid_request_error", "api_error"),
        (529, "overloaded_error", "overloaded_error"),
        (504, "", "timeout_error"),
        (422, "", "invalid_request_error"),
    ],
)
def test_an_upstreams_type_is_told_where_it_can_be(status: int, kind: str, told: str) -> None:
    reply = MESSAGES.refusal(refused(status, kind))
    assert (reply.status, orjson.loads(reply.body)["error"]["type"]) == (status, told)


@pytest.mark.parametrize("wait", ["61", "4294967", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_wait_over_a_minute_is_no_wait(wait: str) -> None:
    head = lines_of(MESSAGES.refusal(refused(429, retry_after=wait)).head)
    assert head[b"x-should-retry"] == b"false"
    assert b"retry-after" not in head


def test_an_upstreams_spent_quota_keeps_its_status() -> None:
    assert MESSAGES.refusal(refused(429, code="insufficient_quota")).status == 429


@pytest.mark.parametrize(
    ("level", "left", "reset"),
    [(7_000_000, 7, "12:00:04"), (-5, 0, "12:00:11"), (10**7, 10, "12:00:01")],
)
def test_rates_name_the_instant_at_which_they_are_whole_again(
    level: int, left: int, reset: str
) -> None:
    now = datetime(2026, 11, 24, 12, 0, 0, 999, tzinfo=UTC)
    told = lines_of(rate_lines([r.RateLevel(LimitKind.RPM, rpm(60), level)], lambda: now))
    assert told[b"anthropic-ratelimit-requests-limit"] == b"10"
    assert told[b"anthropic-ratelimit-requests-remaining"] == b"%d" % left
    assert told[b"anthropic-ratelimit-requests-reset"].endswith(f"{reset}Z".encode())
