"""Every refusal in OpenAI's words: the right status, a way on, and nothing hostile in it."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.base import ErrorReply
from quotadeck.dialects.head import line, wait_lines
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain import refusals as r
from quotadeck.domain.cause import Cause
from quotadeck.domain.lease import LeaseEnd
from quotadeck.domain.lease_refusals import (
    LeaseOver,
    NoSuchLease,
    TooManyLeases,
    TooManyReports,
)
from quotadeck.domain.subject import Subject
from tests.gateway.values import NOON_US

HOSTILE = "evil\x1b]52;c;aGk=\x07\r\nx-injected: 1\u202e"
SPENT = r.BudgetSpent(
    "analytics",
    10**9,
    5_000_000,
    20_000_000,
    NOON_US,
    "2026-11-24",
    "project:analytics:budget",
    43_200_000,
)
LIMITED = r.LimitReached("project:analytics:rpm", 60, "rpm", 1, 1_001, Cause.RPM)
REFUSALS: list[r.Refusal] = [
    r.KeyMissing(),
    r.KeyMalformed("it is short"),
    r.KeysDiffer(),
    r.ProjectsDiffer(),
    r.KeyUnknown(),
    r.ProjectNotOfKey(HOSTILE, ("analytics",)),
    r.NoSuchPath("/v2/" + HOSTILE, ("/v1/models",), "/v1/models"),
    r.WrongMethod("/v1/models", "GET"),
    r.BodyTooLarge(10_485_760),
    r.BodyCut(),
    r.NotHttp(400, HOSTILE + "."),
    r.CodingUnknown(HOSTILE, ("gzip",)),
    r.Garbled(HOSTILE),
    r.NotJson(HOSTILE),
    r.BadHeader("X-Client-Request-Id", "must be shorter"),
    r.BadField("messages", HOSTILE),
    r.UnknownModel(HOSTILE, ("gpt-4.1",)),
    r.ModelNotAllowed("opus", "analytics", ("flash",)),
    r.NotSpoken("chat", "main", ("messages",)),
    r.Unbounded("tools[0] (web_search)", "web_search", "analytics"),
    r.ChoiceNotAllowed("service_tier", HOSTILE, "analytics", ("flex",)),
    r.NotOfProject("response", HOSTILE, "analytics"),
    r.Paused(Subject.project("analytics"), "", None),
    r.InputTooLong("opus", 20_000, 10_000),
    r.OutputTooLong("opus", 20_000, 10_000),
    r.OverWholeBudget("analytics", 2 * 10**9, 10**9, False),
    r.PriceUnknown("analytics", "opus", "main/opus", "scale"),
    LIMITED,
    SPENT,
    NoSuchLease("lease_01", "analytics"),
    LeaseOver("lease_01", LeaseEnd.RAN_OUT, NOON_US),
    TooManyLeases(64),
    TooManyReports(6_000, 250),
    r.LedgerUnavailable("No space left on device"),
    r.Draining(),
    r.AnswerCut(),
    r.TooManyRequests(252, "one"),
    r.BodiesTooLarge(30 * 1024 * 1024, "one"),
    r.UpstreamRefused(400, "No.", "invalid_request_error", None, None, "", "", Cause.UPSTREAM_4XX),
    r.UpstreamFailed(HOSTILE, Cause.UNREACHABLE),
]


def headers(reply: ErrorReply) -> dict[bytes, bytes]:
    return dict(header_list(reply))


def header_list(reply: ErrorReply) -> list[tuple[bytes, bytes]]:
    """Name and value of each line; each is one, and ends."""
    assert reply.head.endswith(b"\r\n")
    named = [one.partition(b": ") for one in reply.head[:-2].split(b"\r\n")]
    return [(name, value) for name, _, value in named]


def error(refusal: Exception) -> dict[str, Any]:
    parsed = orjson.loads(OPENAI.refusal(refusal).body)
    assert set(parsed) == {"error"}
    return dict(parsed["error"])


def test_every_refusal_has_words_of_its_own() -> None:
    assert {type(one) for one in REFUSALS} == set(r.Refusal.__subclasses__())
    fault = OPENAI.refusal(ValueError()).body
    assert all(OPENAI.refusal(one).body != fault for one in REFUSALS)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: type(one).__name__)
def test_refusal_has_the_shape_that_sdks_read(refusal: r.Refusal) -> None:
    reply = OPENAI.refusal(refusal)
    told = error(refusal)
    assert {"message", "type", "param", "code"} <= set(told)
    assert isinstance(told["message"], str)
    assert told["message"].endswith((".", "PROJECT"))
    assert 400 <= reply.status < 600
    assert headers(reply)[b"content-type"] == b"application/json"
    assert len(headers(reply)) == len(header_list(reply))


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: type(one).__name__)
def test_nothing_hostile_gets_into_words_or_headers(refusal: r.Refusal) -> None:
    reply = OPENAI.refusal(refusal)
    lines = error(refusal)["message"].split("\n")  # JSON keeps the upstream's own
    assert all(character.isprintable() for line in lines for character in line)
    for name, value in header_list(reply):
        assert not set(name + value) & set(b"\r\n\0")


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (r.KeyMissing(), 401, "missing_api_key"),
        (r.KeyMalformed("it is short"), 401, "invalid_api_key"),
        (r.KeyUnknown(), 401, "invalid_api_key"),
        (r.ProjectNotOfKey("search", ("analytics",)), 403, "project_not_allowed"),
        (r.UnknownModel("gpt", ()), 404, "model_not_found"),
        (r.BodyTooLarge(10), 413, "request_too_large"),
        (r.NotHttp(431, "It is too large."), 431, "invalid_request"),
        (r.Paused(Subject.project("analytics"), "", None), 403, "project_paused"),
        (r.Paused(Subject.model("opus"), "", None), 403, "model_paused"),
        (r.InputTooLong("opus", 2, 1), 400, "context_length_exceeded"),
        (r.OverWholeBudget("analytics", 2, 1, False), 400, "exceeds_daily_budget"),
        (LIMITED, 429, "rate_limit_exceeded"),
        (SPENT, 429, "insufficient_quota"),
        (r.LedgerUnavailable("full"), 503, "ledger_unavailable"),
        (r.Draining(), 503, "draining"),
        (r.AnswerCut(), 503, "restart"),
        (r.UpstreamFailed("gone", Cause.UNREACHABLE), 502, "unreachable"),
        (r.UpstreamFailed("slow", Cause.TIMEOUT), 504, "timeout"),
        (RuntimeError("a fault of ours, with a secret"), 500, "internal_error"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_status_and_code(refusal: Exception, status: int, code: str) -> None:
    assert (OPENAI.refusal(refusal).status, error(refusal)["code"]) == (status, code)


@pytest.mark.parametrize(
    "refusal",
    [r.Paused(Subject.project("analytics"), "", None), SPENT, r.OverWholeBudget("a", 2, 1, False)],
    ids=lambda one: type(one).__name__,
)
def test_sdks_are_told_not_to_retry_what_is_useless_to_retry(refusal: r.Refusal) -> None:
    assert headers(OPENAI.refusal(refusal))[b"x-should-retry"] == b"false"


@pytest.mark.parametrize(
    "refusal", [LIMITED, r.Draining(), r.LedgerUnavailable("full")], ids=lambda r: type(r).__name__
)
def test_sdks_may_retry_what_passes(refusal: r.Refusal) -> None:
    sent = headers(OPENAI.refusal(refusal))
    assert b"x-should-retry" not in sent
    assert int(sent[b"retry-after"]) >= 1


@given(st.integers(0, 10**12))
def test_waits_are_never_told_too_short(wait_ms: int) -> None:
    told = headers(ErrorReply(429, wait_lines(wait_ms), b""))
    assert int(told[b"retry-after-ms"]) >= max(1, wait_ms)
    assert int(told[b"retry-after"]) * 1_000 >= wait_ms
    assert int(told[b"retry-after"]) * 1_000 < wait_ms + 1_000 or wait_ms == 0


def test_limit_names_its_bucket_and_the_exact_wait() -> None:
    sent, told = headers(OPENAI.refusal(LIMITED)), error(LIMITED)
    assert (sent[b"retry-after"], sent[b"retry-after-ms"]) == (b"2", b"1001")
    assert told["limit"] == "project:analytics:rpm"
    assert "project:analytics:rpm is 60 rpm; this request asks for 1." in told["message"]
    assert "1.001s" in told["message"]


def test_a_slot_has_no_time_to_tell() -> None:
    slot = r.LimitReached("project:a:concurrency", 4, "concurrency", 1, None, Cause.CONCURRENCY)
    assert "concurrency is 4, and so many of your requests are running" in error(slot)["message"]
    assert headers(OPENAI.refusal(slot))[b"retry-after"] == b"1"
    assert error(slot)["retry_after_ms"] is None


def test_spent_budget_says_what_is_left_asked_and_when_it_begins_anew() -> None:
    message = error(SPENT)["message"]
    for words in ("$1)", "$0.005 is left", "up to $0.02.", "2026-11-24T12:00:00Z"):
        assert words in message
    assert error(SPENT)["resets_at"] == "2026-11-24T12:00:00Z"
    assert b"retry-after" not in headers(OPENAI.refusal(SPENT)), "clients sleep by it"


@pytest.mark.parametrize(
    ("wait", "ms"),
    [("61", ""), ("1000000000", ""), ("", "60001"), ("Fri, 31 Dec 2100 23:59:59 GMT", "")],
)
def test_nobody_is_told_to_sleep_longer_than_a_minute(wait: str, ms: str) -> None:
    far = r.UpstreamRefused(429, "No.", "", None, None, wait, ms, Cause.UPSTREAM_429)
    ours = r.LimitReached("project:a:tpm", 60, "tpm", 1, 60_001, Cause.TPM)
    for refusal in (far, ours):
        sent = headers(OPENAI.refusal(refusal))
        assert sent[b"x-should-retry"] == b"false"
        assert not {b"retry-after", b"retry-after-ms"} & set(sent)


@pytest.mark.parametrize("wait", ["soon", "nan", "-", "1e"])
def test_what_is_no_wait_is_not_passed_on(wait: str) -> None:
    odd = r.UpstreamRefused(429, "No.", "", None, None, wait, "", Cause.UPSTREAM_429)
    assert b"retry-after" not in headers(OPENAI.refusal(odd))


@pytest.mark.parametrize("wait", ["60", "0.5", "Mon, 01 Jan 2024 00:00:00 GMT"])
def test_an_upstreams_shorter_wait_is_told_as_it_was(wait: str) -> None:
    near = r.UpstreamRefused(429, "No.", "", None, None, wait, "", Cause.UPSTREAM_429)
    sent = headers(OPENAI.refusal(near))
    assert sent[b"retry-after"] == wait.encode()
    assert b"x-should-retry" not in sent


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit_error"), (500, "server_error")])
def test_kind_that_belies_the_status_is_not_passed_on(status: int, kind: str) -> None:
    said = r.UpstreamRefused(
        status, "No.", "invalid_request_error", None, None, "", "", Cause.UPSTREAM_429
    )
    assert error(said)["type"] == kind


def test_pause_tells_its_end_and_only_a_public_reason() -> None:
    told = error(r.Paused(Subject.project("analytics"), "batch bug", NOON_US))["message"]
    assert told == (
        "The project analytics is paused by its operators. Reason: batch bug. "
        "It lifts at 2026-11-24T12:00:00Z."
    )
    assert "Reason" not in error(r.Paused(Subject.project("analytics"), "", None))["message"]


def test_unknown_model_names_the_nearest() -> None:
    assert "Did you mean gpt-4.1?" in error(r.UnknownModel("gpt4.1", ("gpt-4.1",)))["message"]


def test_fault_of_ours_tells_nothing_of_itself() -> None:
    assert "secret" not in error(RuntimeError("a secret"))["message"]


@given(st.text())
def test_no_value_ends_its_line(value: str) -> None:
    told = line(b"x-name", value)
    assert told.startswith(b"x-name: ")
    assert told.endswith(b"\r\n")
    assert not set(told[:-2]) & {*range(32), *range(127, 256)}


def test_waits_and_methods_with_line_ends_add_no_header() -> None:
    for refusal in (
        r.WrongMethod("/v1/models", "GET\r\nx-injected: 1"),
        r.UpstreamRefused(429, "No.", "", None, None, "1\r\nx-injected: 1", "", Cause.UPSTREAM_429),
    ):
        assert b"x-injected" not in headers(OPENAI.refusal(refusal))
