"""Refusals in the words of OpenAI's API: status, headers and an ``error`` object.

Source of the shape: the error object of OpenAI's API reference; the headers are those that the
official SDKs read (``retry-after-ms``, ``retry-after``, ``x-should-retry``).
"""

from collections.abc import Callable
from functools import singledispatch

import orjson

from quotadeck.domain import refusals as r
from quotadeck.domain.calls import Cause
from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import usd_exact
from quotadeck.domain.rules import RULE_BY_CAUSE, Measure
from quotadeck.domain.text import clean, clean_lines

Headers = list[tuple[bytes, bytes]]
MAX_WHY = 1_200  # more than an upstream's own words and ours around them
NEVER_RETRY: tuple[bytes, bytes] = (b"x-should-retry", b"false")


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


@singledispatch
def error_reply(_refusal: Exception) -> ErrorReply:
    """The reply for any refusal; what is not a refusal is our own fault."""
    return ErrorReply(
        500,
        "The gateway failed on this request; it is in the gateway's log.",
        code="internal_error",
    )


def _says(kind: type[r.Refusal]) -> Callable[[Callable[..., ErrorReply]], object]:
    return error_reply.register(kind)


@_says(r.KeyMissing)
def _(_: r.KeyMissing) -> ErrorReply:
    return ErrorReply(
        401,
        "No key came with the request. Send your project key as 'Authorization: Bearer <key>' "
        "or 'x-api-key: <key>'; your platform team makes one with: quotadeck key add PROJECT",
        code="missing_api_key",
        headers=[(b"www-authenticate", b"Bearer")],
    )


@_says(r.KeyMalformed)
def _(refusal: r.KeyMalformed) -> ErrorReply:
    return ErrorReply(
        401,
        f"This cannot be a project key: {refusal.why}. Keys start with 'qd_'; "
        "check for a cut or a missing environment variable.",
        code="invalid_api_key",
        headers=[(b"www-authenticate", b"Bearer")],
    )


@_says(r.KeysDiffer)
def _(_: r.KeysDiffer) -> ErrorReply:
    return ErrorReply(
        400,
        "The request came with keys that differ, so nobody can say whose it is. Send one, as "
        "'Authorization: Bearer <key>' or 'x-api-key: <key>', and see whether a proxy adds its "
        "own.",
        code="ambiguous_api_key",
    )


@_says(r.ProjectsDiffer)
def _(_: r.ProjectsDiffer) -> ErrorReply:
    return ErrorReply(
        400,
        "The request came with X-Project-Id headers that differ. Send one, and see whether a "
        "proxy adds its own.",
        code="ambiguous_project",
    )


@_says(r.KeyUnknown)
def _(_: r.KeyUnknown) -> ErrorReply:
    return ErrorReply(
        401,
        "This key is unknown or was revoked. See the living ones with: quotadeck key list; "
        "make one with: quotadeck key add PROJECT",
        code="invalid_api_key",
        headers=[(b"www-authenticate", b"Bearer")],
    )


@_says(r.ProjectNotOfKey)
def _(refusal: r.ProjectNotOfKey) -> ErrorReply:
    return ErrorReply(
        403,
        f"This key does not serve the project {clean(refusal.project, 80)!r}; "
        f"it serves: {', '.join(refusal.projects)}.",
        code="project_not_allowed",
        headers=[NEVER_RETRY],
    )


@_says(r.NoSuchPath)
def _(refusal: r.NoSuchPath) -> ErrorReply:
    return ErrorReply(
        404,
        f"There is no {clean(refusal.path, 120)} here; this gateway serves "
        "/v1/chat/completions and /v1/models.",
        code="unknown_url",
    )


@_says(r.WrongMethod)
def _(refusal: r.WrongMethod) -> ErrorReply:
    return ErrorReply(
        405,
        f"{clean(refusal.path, 120)} takes {refusal.allowed} only.",
        code="method_not_allowed",
        headers=[(b"allow", refusal.allowed.encode())],
    )


@_says(r.BodyTooLarge)
def _(refusal: r.BodyTooLarge) -> ErrorReply:
    return ErrorReply(
        413,
        f"The request's body is over {refusal.limit_bytes:,} bytes.",
        code="request_too_large",
        headers=[NEVER_RETRY, (b"connection", b"close")],
    )


@_says(r.BodyCut)
def _(_: r.BodyCut) -> ErrorReply:
    return ErrorReply(400, "The request's body was cut.", code="body_cut")


@_says(r.NotJson)
def _(refusal: r.NotJson) -> ErrorReply:
    return ErrorReply(
        400,
        f"The request's body cannot be read as a JSON object: {clean(refusal.why, 200)}.",
        code="invalid_json",
    )


@_says(r.BadField)
def _(refusal: r.BadField) -> ErrorReply:
    return ErrorReply(
        400,
        f"{refusal.field}: {clean(refusal.why, 300)}.",
        param=refusal.field,
        code="invalid_value",
    )


@_says(r.UnknownModel)
def _(refusal: r.UnknownModel) -> ErrorReply:
    near = f" Did you mean {', '.join(refusal.nearest)}?" if refusal.nearest else ""
    return ErrorReply(
        404,
        f"The model {clean(refusal.model, 80)!r} is not served here.{near} "
        "GET /v1/models lists what is.",
        param="model",
        code="model_not_found",
    )


@_says(r.ModelNotAllowed)
def _(refusal: r.ModelNotAllowed) -> ErrorReply:
    return ErrorReply(
        403,
        f"The project {refusal.project} may not use {refusal.model}; "
        f"it may use: {', '.join(refusal.allowed)}.",
        param="model",
        code="model_not_allowed",
        headers=[NEVER_RETRY],
    )


@_says(r.Paused)
def _(refusal: r.Paused) -> ErrorReply:
    kind, name = refusal.subject
    until = f" It lifts at {rfc3339(refusal.until_us)}." if refusal.until_us else ""
    why = f" Reason: {refusal.reason}." if refusal.reason else ""
    return ErrorReply(
        403,
        f"The {kind} {name} is paused by its operators.{why}{until}",
        code=f"{kind}_paused",
        headers=[NEVER_RETRY],
    )


@_says(r.InputTooLong)
def _(refusal: r.InputTooLong) -> ErrorReply:
    return ErrorReply(
        400,
        f"The input is at least {refusal.least_tokens:,} tokens, and {refusal.model} takes "
        f"{refusal.limit_tokens:,}. Shorten the messages.",
        param="messages",
        code="context_length_exceeded",
    )


@_says(r.OutputTooLong)
def _(refusal: r.OutputTooLong) -> ErrorReply:
    return ErrorReply(
        400,
        f"max_tokens is {refusal.asked_tokens:,}, and {refusal.model} gives at most "
        f"{refusal.limit_tokens:,}.",
        param="max_tokens",
        code="invalid_value",
    )


@_says(r.OverWholeBudget)
def _(refusal: r.OverWholeBudget) -> ErrorReply:
    guess = " (an estimate: it states no bound of its own)" if refusal.bound_is_estimate else ""
    return ErrorReply(
        400,
        f"This request may cost up to ${usd_exact(refusal.bound_nano)}{guess}, more than the whole "
        f"daily budget of {refusal.project} (${usd_exact(refusal.budget_nano)}). Lower "
        "max_tokens or shorten the messages.",
        code="exceeds_daily_budget",
        headers=[NEVER_RETRY],
    )


@_says(r.LimitReached)
def _(refusal: r.LimitReached) -> ErrorReply:
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


@_says(r.BudgetSpent)
def _(refusal: r.BudgetSpent) -> ErrorReply:
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


@_says(r.LedgerUnavailable)
def _(refusal: r.LedgerUnavailable) -> ErrorReply:
    return ErrorReply(
        503,
        f"The gateway cannot record calls ({clean(refusal.why, 100)}) and so forwards none.",
        code="ledger_unavailable",
        headers=[(b"retry-after", b"5")],
    )


@_says(r.Draining)
def _(_: r.Draining) -> ErrorReply:
    return ErrorReply(
        503,
        "The gateway is restarting and takes no new requests; retry in a moment.",
        code="draining",
        headers=[(b"retry-after", b"1"), (b"connection", b"close")],
    )


@_says(r.AnswerCut)
def _(_: r.AnswerCut) -> ErrorReply:
    return ErrorReply(
        503,
        "The gateway is restarting and has cut this answer; ask again in a moment.",
        code=str(Cause.RESTART),
        headers=[(b"retry-after", b"1"), (b"connection", b"close")],
    )


@_says(r.TooManyRequests)
def _(refusal: r.TooManyRequests) -> ErrorReply:
    return ErrorReply(
        503,
        f"{refusal.allowed:,} requests of {refusal.project or 'all projects'} are under way, as "
        "many as the gateway's connections allow; retry in a moment.",
        code="too_many_connections",
        headers=[(b"retry-after", b"1"), (b"connection", b"close")],
    )


@_says(r.BodiesTooLarge)
def _(refusal: r.BodiesTooLarge) -> ErrorReply:
    return ErrorReply(
        503,
        f"The gateway holds up to {refusal.limit_bytes / 1024 / 1024:,.0f} MB of requests of "
        f"{refusal.project or 'all projects'} at once, and with this one it would be more; "
        "retry in a moment.",
        code="too_many_large_requests",
        headers=[(b"retry-after", b"1")],
    )


@_says(r.UpstreamRefused)
def _(refusal: r.UpstreamRefused) -> ErrorReply:
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


@_says(r.UpstreamFailed)
def _(refusal: r.UpstreamFailed) -> ErrorReply:
    return ErrorReply(
        504 if refusal.cause is Cause.TIMEOUT else 502,
        f"The upstream gave no usable answer: {clean_lines(refusal.why, MAX_WHY)}.",
        code=str(refusal.cause),
    )
