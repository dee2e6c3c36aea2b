"""Refusals in the words of OpenAI's API: status, headers and an ``error`` object.

Source of the shape: the error object of OpenAI's API reference; the headers are those that the
official SDKs read (``retry-after-ms``, ``retry-after``, ``x-should-retry``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from quotadeck.domain import refusals as r
from quotadeck.domain.cause import Cause
from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import usd_exact
from quotadeck.domain.rules import RULE_BY_CAUSE, Measure
from quotadeck.domain.text import clean, clean_lines

Header = tuple[bytes, bytes]
Headers = list[Header]
MAX_WHY = 1_200  # more than an upstream's own words and ours around them
NEVER_RETRY: Final = (b"x-should-retry", b"false")
_CLOSE: Final = (b"connection", b"close")
_BEARER: Final = (b"www-authenticate", b"Bearer")
_SOON: Final = (b"retry-after", b"1")


class ErrorReply:
    """One error as sent: status, headers (without content length) and body.

    Without a ``kind``, OpenAI's ``type``, it is the client's fault below 500 and ours from there.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "",
        code: str | None = None,
        param: str | None = None,
        headers: Headers | None = None,
        extra: dict[str, object] | None = None,
    ) -> None:
        error: dict[str, object] = {
            "message": message,
            "type": kind or ("server_error" if status >= 500 else "invalid_request_error"),
            "param": param,
            "code": code,
            **(extra or {}),
        }
        self.status = status
        self.headers = [(b"content-type", b"application/json"), *(headers or [])]
        self.body = orjson.dumps({"error": error})


def wait_headers(wait_ms: int | None) -> Headers:
    """``Retry-After`` in whole seconds, rounded up, and ``retry-after-ms`` exactly."""
    if wait_ms is None:
        return []
    return [
        (b"retry-after", b"%d" % max(1, -(-wait_ms // 1000))),
        (b"retry-after-ms", b"%d" % max(1, wait_ms)),
    ]


@dataclass(frozen=True, slots=True)
class _Says:
    """How a kind of refusal is told. The places of its text are the refusal's fields, cleaned."""

    status: int
    code: str
    text: str
    headers: tuple[Header, ...] = ()
    param: str | None = None

    def __call__(self, refusal: r.Refusal) -> ErrorReply:
        facts = {name: _shown(value) for name, value in vars(refusal).items()}
        return ErrorReply(
            self.status,
            self.text.format_map(facts),
            code=self.code,
            param=self.param and self.param.format_map(facts),
            headers=list(self.headers),
        )


def _shown(value: object) -> object:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return clean(value, 300) if isinstance(value, str) else value


def _unknown_model(refusal: r.UnknownModel) -> ErrorReply:
    near = f" Did you mean {', '.join(refusal.nearest)}?" if refusal.nearest else ""
    return ErrorReply(
        404,
        f"The model {clean(refusal.model, 80)!r} is not served here.{near} "
        "GET /v1/models lists what is.",
        param="model",
        code="model_not_found",
    )


def _paused(refusal: r.Paused) -> ErrorReply:
    kind, name = refusal.subject
    until = f" It lifts at {rfc3339(refusal.until_us)}." if refusal.until_us else ""
    why = f" Reason: {refusal.reason}." if refusal.reason else ""
    return ErrorReply(
        403,
        f"The {kind} {name} is paused by its operators.{why}{until}",
        code=f"{kind}_paused",
        headers=[NEVER_RETRY],
    )


def _over_whole_budget(refusal: r.OverWholeBudget) -> ErrorReply:
    guess = " (an estimate: it states no bound of its own)" if refusal.bound_is_estimate else ""
    return ErrorReply(
        400,
        f"This request may cost up to ${usd_exact(refusal.bound_nano)}{guess}, more than the whole "
        f"daily budget of {refusal.project} (${usd_exact(refusal.budget_nano)}). Lower "
        "max_tokens or shorten the messages.",
        code="exceeds_daily_budget",
        headers=[NEVER_RETRY],
    )


def _limit_reached(refusal: r.LimitReached) -> ErrorReply:
    limit, advice = f"{refusal.limit:,} {refusal.unit}; this request asks for {refusal.asked:,}", ""
    rule = RULE_BY_CAUSE[refusal.cause]
    if rule.measure is Measure.SLOTS:
        limit = f"{refusal.limit:,}, and so many of your requests are running"
        advice = "Retry when one of them has ended."
    if refusal.wait_ms is not None:
        advice = f"Please try again in {refusal.wait_ms / 1000:.3f}s."
    return ErrorReply(
        429,
        f"Limit reached: {refusal.binding} is {limit}. {advice}",
        kind="tokens" if rule.counts else "requests",
        code="rate_limit_exceeded",
        headers=wait_headers(refusal.wait_ms if refusal.wait_ms is not None else 1_000),
        extra={"limit": refusal.binding, "retry_after_ms": refusal.wait_ms},
    )


def _budget_spent(refusal: r.BudgetSpent) -> ErrorReply:
    return ErrorReply(
        429,
        f"The daily budget of {refusal.project} (${usd_exact(refusal.budget_nano)}) does not cover "
        f"this request: ${usd_exact(max(0, refusal.left_nano))} is left, and it may cost up to "
        f"${usd_exact(refusal.bound_nano)}. The budget starts anew at "
        f"{rfc3339(refusal.resets_us)}.",
        kind="insufficient_quota",
        code="insufficient_quota",
        headers=[NEVER_RETRY, *wait_headers(refusal.wait_ms)],
        extra={"limit": refusal.binding},
    )


def _upstream_refused(refusal: r.UpstreamRefused) -> ErrorReply:
    headers: Headers = []
    for name, value in (
        (b"retry-after", refusal.retry_after),
        (b"retry-after-ms", refusal.retry_after_ms),
    ):
        if value:
            headers.append((name, value.encode("latin-1", "replace")))
    return ErrorReply(
        refusal.status,
        refusal.message,
        kind=refusal.kind,
        code=refusal.code,
        param=refusal.param,
        headers=headers,
    )


def _upstream_failed(refusal: r.UpstreamFailed) -> ErrorReply:
    return ErrorReply(
        504 if refusal.cause is Cause.TIMEOUT else 502,
        f"The upstream gave no usable answer: {clean_lines(refusal.why, MAX_WHY)}.",
        code=str(refusal.cause),
    )


def _bodies_too_large(refusal: r.BodiesTooLarge) -> ErrorReply:
    return ErrorReply(
        503,
        f"The gateway holds up to {refusal.limit_bytes / 1024 / 1024:,.0f} MB of requests of "
        f"{refusal.project or 'all projects'} at once, and with this one it would be more; "
        "retry in a moment.",
        code="too_many_large_requests",
        headers=[(b"retry-after", b"1")],
    )


def _too_many_requests(refusal: r.TooManyRequests) -> ErrorReply:
    return ErrorReply(
        503,
        f"{refusal.allowed:,} requests of {refusal.project or 'all projects'} are under way, as "
        "many as the gateway's connections allow; retry in a moment.",
        code="too_many_connections",
        headers=[(b"retry-after", b"1"), (b"connection", b"close")],
    )


_REPLIES: Final[Mapping[type[Exception], Callable[[Any], ErrorReply]]] = {
    r.KeyMissing: _Says(
        401,
        "missing_api_key",
        "No key came with the request. Send your project key as 'Authorization: Bearer <key>' "
        "or 'x-api-key: <key>'; your platform team makes one with: quotadeck key add PROJECT",
        (_BEARER,),
    ),
    r.KeyMalformed: _Says(
        401,
        "invalid_api_key",
        "This cannot be a project key: {why}. Keys start with 'qd_'; "
        "check for a cut or a missing environment variable.",
        (_BEARER,),
    ),
    r.KeysDiffer: _Says(
        400,
        "ambiguous_api_key",
        "The request came with keys that differ, so nobody can say whose it is. Send one, as "
        "'Authorization: Bearer <key>' or 'x-api-key: <key>', and see whether a proxy adds its "
        "own.",
    ),
    r.ProjectsDiffer: _Says(
        400,
        "ambiguous_project",
        "The request came with X-Project-Id headers that differ. Send one, and see whether a "
        "proxy adds its own.",
    ),
    r.KeyUnknown: _Says(
        401,
        "invalid_api_key",
        "This key is unknown or was revoked. See the living ones with: quotadeck key list; "
        "make one with: quotadeck key add PROJECT",
        (_BEARER,),
    ),
    r.ProjectNotOfKey: _Says(
        403,
        "project_not_allowed",
        "This key does not serve the project {project!r}; it serves: {projects}.",
        (NEVER_RETRY,),
    ),
    r.NoSuchPath: _Says(
        404,
        "unknown_url",
        "There is no {path} here; this gateway serves /v1/chat/completions and /v1/models.",
    ),
    r.WrongMethod: lambda refusal: ErrorReply(
        405,
        f"{clean(refusal.path, 120)} takes {refusal.allowed} only.",
        code="method_not_allowed",
        headers=[(b"allow", refusal.allowed.encode())],
    ),
    r.BodyTooLarge: _Says(
        413,
        "request_too_large",
        "The request's body is over {limit_bytes:,} bytes.",
        (NEVER_RETRY, _CLOSE),
    ),
    r.BodyCut: _Says(400, "body_cut", "The request's body was cut."),
    r.NotJson: _Says(
        400, "invalid_json", "The request's body cannot be read as a JSON object: {why}."
    ),
    r.BadField: _Says(400, "invalid_value", "{field}: {why}.", param="{field}"),
    r.UnknownModel: _unknown_model,
    r.ModelNotAllowed: _Says(
        403,
        "model_not_allowed",
        "The project {project} may not use {model}; it may use: {allowed}.",
        (NEVER_RETRY,),
        param="model",
    ),
    r.Paused: _paused,
    r.InputTooLong: _Says(
        400,
        "context_length_exceeded",
        "The input is at least {least_tokens:,} tokens, and {model} takes {limit_tokens:,}. "
        "Shorten the messages.",
        param="messages",
    ),
    r.OutputTooLong: _Says(
        400,
        "invalid_value",
        "max_tokens is {asked_tokens:,}, and {model} gives at most {limit_tokens:,}.",
        param="max_tokens",
    ),
    r.OverWholeBudget: _over_whole_budget,
    r.LimitReached: _limit_reached,
    r.BudgetSpent: _budget_spent,
    r.LedgerUnavailable: _Says(
        503,
        "ledger_unavailable",
        "The gateway cannot record calls ({why}) and so forwards none.",
        ((b"retry-after", b"5"),),
    ),
    r.Draining: _Says(
        503,
        "draining",
        "The gateway is restarting and takes no new requests; retry in a moment.",
        (_SOON, _CLOSE),
    ),
    r.AnswerCut: _Says(
        503,
        str(Cause.RESTART),
        "The gateway is restarting and has cut this answer; ask again in a moment.",
        (_SOON, _CLOSE),
    ),
    r.TooManyRequests: _too_many_requests,
    r.BodiesTooLarge: _bodies_too_large,
    r.UpstreamRefused: _upstream_refused,
    r.UpstreamFailed: _upstream_failed,
    Exception: lambda _: ErrorReply(
        500,
        "The gateway failed on this request; it is in the gateway's log.",
        code="internal_error",
    ),
}


def error_reply(refusal: Exception) -> ErrorReply:
    """The reply for any refusal; what is not a refusal is our own fault."""
    return next(_REPLIES[kind] for kind in type(refusal).__mro__ if kind in _REPLIES)(refusal)
