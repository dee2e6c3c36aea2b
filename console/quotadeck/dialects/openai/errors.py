"""Refusals in the words of OpenAI's API: status, head and an ``error`` object, a row for each kind.

Source of the shape: the error object of OpenAI's API reference; the headers are those that the
official SDKs read (``retry-after-ms``, ``retry-after``, ``x-should-retry``).
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from quotadeck.dialects.base import ErrorReply
from quotadeck.dialects.facts import facts_of
from quotadeck.dialects.head import line, wait_lines
from quotadeck.dialects.openai.rates import rate_lines
from quotadeck.domain import refusals as r
from quotadeck.domain.cause import Cause
from quotadeck.domain.rules import RULE_BY_CAUSE, Measure

_JSON: Final = b"content-type: application/json\r\n"
_NEVER_RETRY: Final = b"x-should-retry: false\r\n"
_CLOSE: Final = b"connection: close\r\n"
_BEARER: Final = b"www-authenticate: Bearer\r\n"
_SOON: Final = b"retry-after: 1\r\n"


class _Row(NamedTuple):
    """How a kind of refusal is told. Places in ``code``, ``words`` and ``param`` are its facts.

    ``words`` is all of it, or sentences; one in a pair is said only where the fact that it names
    is set. ``status`` is 0 where the refusal has its own.
    ``kind`` is OpenAI's ``type``: by the status where it is empty. ``told`` are facts as members
    of the error object. ``wait_ms`` stands where the refusal tells no wait.
    """

    status: int
    code: str
    words: str | tuple[str | tuple[str, str], ...]
    head: bytes = b""
    param: str | None = None
    kind: str = ""
    told: tuple[tuple[str, str], ...] = ()
    wait_ms: int | None = None
    header: tuple[bytes, str] | None = None
    long: bool = False


_LIMIT: Final = _Row(
    429,
    "rate_limit_exceeded",
    (
        "Limit reached: {binding} is {limit:,} {unit}; this request asks for {asked:,}.",
        ("wait_ms", "Please try again in {wait_ms}s."),
    ),
    kind="requests",
    told=(("limit", "binding"), ("retry_after_ms", "wait_ms")),
    wait_ms=1_000,
)
_SLOTS: Final = _LIMIT._replace(
    words=(
        "Limit reached: {binding} is {limit:,}, and so many of your requests are running.",
        "Retry when one of them has ended.",
    )
)
_UPSTREAM_FAILED: Final = _Row(
    502, "{cause}", "The upstream gave no usable answer: {why}.", long=True
)

_ROWS: Final[Mapping[type[Exception], _Row]] = {
    r.KeyMissing: _Row(
        401,
        "missing_api_key",
        "No key came with the request. Send your project key as 'Authorization: Bearer <key>' "
        "or 'x-api-key: <key>'; your platform team makes one with: quotadeck key add PROJECT",
        _BEARER,
    ),
    r.KeyMalformed: _Row(
        401,
        "invalid_api_key",
        "This cannot be a project key: {why}. Keys start with 'qd_'; "
        "check for a cut or a missing environment variable.",
        _BEARER,
    ),
    r.KeysDiffer: _Row(
        400,
        "ambiguous_api_key",
        "The request came with keys that differ, so nobody can say whose it is. Send one, as "
        "'Authorization: Bearer <key>' or 'x-api-key: <key>', and see whether a proxy adds "
        "its own.",
    ),
    r.ProjectsDiffer: _Row(
        400,
        "ambiguous_project",
        "The request came with X-Project-Id headers that differ. Send one, and see whether a "
        "proxy adds its own.",
    ),
    r.KeyUnknown: _Row(
        401,
        "invalid_api_key",
        "This key is unknown or was revoked. See the living ones with: quotadeck key list; "
        "make one with: quotadeck key add PROJECT",
        _BEARER,
    ),
    r.ProjectNotOfKey: _Row(
        403,
        "project_not_allowed",
        "This key does not serve the project {project!r}; it serves: {projects}.",
        _NEVER_RETRY,
    ),
    r.NoSuchPath: _Row(
        404,
        "unknown_url",
        (
            "There is no {path} here.",
            ("nearest", "Did you mean {nearest}?"),
            "This gateway serves: {served}.",
        ),
    ),
    r.WrongMethod: _Row(
        405,
        "method_not_allowed",
        "{path} takes {allowed} only.",
        header=(b"allow", "{allowed}"),
    ),
    r.BodyTooLarge: _Row(
        413,
        "request_too_large",
        "The request's body is over {limit_bytes:,} bytes.",
        _NEVER_RETRY + _CLOSE,
    ),
    r.BodyCut: _Row(400, "body_cut", "The request's body was cut."),
    r.CodingUnknown: _Row(
        415,
        "unsupported_encoding",
        "The request's body is packed as {coding}, which is not taken here. Send it unpacked, or "
        "packed as one of: {taken}.",
    ),
    r.Garbled: _Row(
        400,
        "invalid_encoding",
        "The request's body cannot be unpacked: its content-encoding says {coding}, and it is not "
        "that, or was cut.",
    ),
    r.NotHttp: _Row(0, "invalid_request", "{why}", _CLOSE),
    r.NotJson: _Row(
        400, "invalid_json", "The request's body cannot be read as a JSON object: {why}."
    ),
    r.BadField: _Row(400, "invalid_value", "{field}: {why}.", param="{field}"),
    r.BadHeader: _Row(400, "invalid_header", "The header {header} {why}."),
    r.UnknownModel: _Row(
        404,
        "model_not_found",
        (
            "The model {model!r} is not served here.",
            ("nearest", "Did you mean {nearest}?"),
            "GET /v1/models lists what is.",
        ),
        param="model",
    ),
    r.ModelNotAllowed: _Row(
        403,
        "model_not_allowed",
        "The project {project} may not use {model}; it may use: {allowed}.",
        _NEVER_RETRY,
        "model",
    ),
    r.NotSpoken: _Row(
        400,
        "form_not_served",
        "The upstream {upstream} takes no {form} requests, and they are not translated for it. It "
        "takes: {spoken}.",
        _NEVER_RETRY,
        "model",
    ),
    r.Unbounded: _Row(
        403,
        "unbounded_not_allowed",
        "{field} makes a request cost what nobody can know before, and the project {project} does "
        "not allow that. Its config may, with a reserve: [projects.{project}.allow] unbounded = "
        '["{word}"].',
        _NEVER_RETRY,
        "{field}",
    ),
    r.ChoiceNotAllowed: _Row(
        403,
        "choice_not_allowed",
        (
            "The project {project} may not choose {field} = {value!r}.",
            ("allowed", "It may choose: {allowed}."),
            "Its config may allow it: [projects.{project}.allow.fields].",
        ),
        _NEVER_RETRY,
        "{field}",
    ),
    r.NotOfProject: _Row(
        404,
        "{kind}_not_found",
        "No {kind} with the id {id!r} was made by the project {project} in the last 30 days.",
        _NEVER_RETRY,
    ),
    r.Paused: _Row(
        403,
        "{subject.kind}_paused",
        (
            "The {subject.kind} {subject.name} is paused by its operators.",
            ("reason", "Reason: {reason}."),
            ("until_us", "It lifts at {until_us}."),
        ),
        _NEVER_RETRY,
    ),
    r.InputTooLong: _Row(
        400,
        "context_length_exceeded",
        "The input is at least {least_tokens:,} tokens, and {model} takes {limit_tokens:,}. "
        "Shorten the messages.",
        param="messages",
    ),
    r.OutputTooLong: _Row(
        400,
        "invalid_value",
        "max_tokens is {asked_tokens:,}, and {model} gives at most {limit_tokens:,}.",
        param="max_tokens",
    ),
    r.OverWholeBudget: _Row(
        400,
        "exceeds_daily_budget",
        (
            (
                "This request may cost up to ${bound_nano}, more than the whole daily budget of "
                "{project} (${budget_nano})."
            ),
            ("bound_is_estimate", "That is an estimate: it states no bound of its own."),
            "Lower max_tokens or shorten the messages.",
        ),
        _NEVER_RETRY,
    ),
    r.LimitReached: _LIMIT,
    r.BudgetSpent: _Row(
        429,
        "insufficient_quota",
        "The daily budget of {project} (${budget_nano}) does not cover this request: "
        "${left_nano} is left, and it may cost up to ${bound_nano}. The budget starts anew at "
        "{resets_us}.",
        _NEVER_RETRY,
        kind="insufficient_quota",
        told=(("limit", "binding"),),
    ),
    r.LedgerUnavailable: _Row(
        503,
        "ledger_unavailable",
        "The gateway cannot record calls ({why}) and so forwards none.",
        b"retry-after: 5\r\n",
    ),
    r.Draining: _Row(
        503,
        "draining",
        "The gateway is restarting and takes no new requests; retry in a moment.",
        _SOON + _CLOSE,
    ),
    r.AnswerCut: _Row(
        503,
        str(Cause.RESTART),
        "The gateway is restarting and has cut this answer; ask again in a moment.",
        _SOON + _CLOSE,
    ),
    r.TooManyRequests: _Row(
        503,
        "too_many_connections",
        "{allowed:,} requests of {project:all projects} are under way, as many as the "
        "gateway's connections allow; retry in a moment.",
        _SOON + _CLOSE,
    ),
    r.BodiesTooLarge: _Row(
        503,
        "too_many_large_requests",
        "The gateway holds up to {limit_bytes:MB} MB of requests of {project:all projects} at "
        "once, and with this one it would be more; retry in a moment.",
        _SOON,
    ),
    r.UpstreamFailed: _UPSTREAM_FAILED,
    Exception: _Row(
        500,
        "internal_error",
        "The gateway failed on this request; it is in the gateway's log.",
    ),
}
_BY_CAUSE: Final[Mapping[tuple[type[Exception], str], _Row]] = {
    **{
        (r.LimitReached, cause): _SLOTS
        if rule.measure is Measure.SLOTS
        else _LIMIT._replace(kind="tokens" if rule.counts else "requests")
        for cause, rule in RULE_BY_CAUSE.items()
    },
    (r.UpstreamFailed, Cause.TIMEOUT): _UPSTREAM_FAILED._replace(status=504),
}
"""Where one kind is told in more than one way, by what it is recorded as."""


def refusal_reply(refusal: Exception) -> ErrorReply:
    """The reply for any refusal, its rates included; what is no refusal is a fault of ours."""
    rates = rate_lines(refusal.rates) if isinstance(refusal, r.Refusal) and refusal.rates else b""
    if isinstance(refusal, r.UpstreamRefused):
        return _passed_on(refusal, rates)
    row = _row_of(refusal)
    status = row.status or getattr(refusal, "status", 500)
    facts = facts_of(refusal, long=row.long)
    error: dict[str, Any] = {
        "message": _words(row, refusal).format_map(facts),
        "type": row.kind or _kind_of(status),
        "param": row.param and row.param.format_map(facts),
        "code": row.code.format_map(facts),
    }
    for member, field in row.told:
        error[member] = getattr(refusal, field)
    told_ms = getattr(refusal, "wait_ms", None)
    head = _JSON + row.head + wait_lines(row.wait_ms if told_ms is None else told_ms) + rates
    if row.header:
        name, value = row.header
        head += line(name, value.format_map(facts))
    return ErrorReply(status, head, orjson.dumps({"error": error}))


def _words(row: _Row, refusal: Exception) -> str:
    if isinstance(row.words, str):
        return row.words
    said = [
        one if isinstance(one, str) else one[1]
        for one in row.words
        if isinstance(one, str) or getattr(refusal, one[0])
    ]
    return " ".join(said)


def _row_of(refusal: Exception) -> _Row:
    kind = type(refusal)
    row = _BY_CAUSE.get((kind, getattr(refusal, "cause", ""))) or _ROWS.get(kind)
    return row or next(_ROWS[base] for base in kind.__mro__ if base in _ROWS)


def _passed_on(refusal: r.UpstreamRefused, rates: bytes) -> ErrorReply:
    """The upstream's own error: what it said, under its own status."""
    head = _JSON
    for name, wait in (
        (b"retry-after", refusal.retry_after),
        (b"retry-after-ms", refusal.retry_after_ms),
    ):
        # Several clients sleep by a wait, whatever else says that it is of no use.
        head += line(name, wait) if wait and refusal.should_retry != "false" else b""
    if refusal.should_retry:
        head += line(b"x-should-retry", refusal.should_retry)
    error = {
        "message": refusal.message,
        "type": refusal.kind
        or ("rate_limit_error" if refusal.status == 429 else _kind_of(refusal.status)),
        "param": refusal.param,
        "code": refusal.code,
    }
    return ErrorReply(refusal.status, head + rates, orjson.dumps({"error": error}))


def _kind_of(status: int) -> str:
    """Below 500 it is the client's fault, and ours from there."""
    return "server_error" if status >= 500 else "invalid_request_error"
