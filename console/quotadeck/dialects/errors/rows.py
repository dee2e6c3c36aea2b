"""Refusals as they are told in every dialect: status, code, words and head, a row for each kind."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from quotadeck.domain import lease_refusals as leases
from quotadeck.domain import refusals as r
from quotadeck.domain.cause import Cause
from quotadeck.domain.lease import LeaseEnd
from quotadeck.domain.rules import RULE_BY_CAUSE, Measure

NEVER_RETRY: Final = b"x-should-retry: false\r\n"
_CLOSE: Final = b"connection: close\r\n"
_BEARER: Final = b"www-authenticate: Bearer\r\n"
_SOON: Final = b"retry-after: 1\r\n"


class Row(NamedTuple):
    """How a kind of refusal is told. Places in ``code``, ``words`` and ``param`` are its facts.

    ``words`` is all of it, or sentences; one in a pair is said only where the fact that it names
    is set. ``status`` is 0 where the refusal has its own.
    ``kind`` is OpenAI's ``type``: by the status where it is empty. ``told`` are facts as members
    of the error object. ``wait_ms`` stands where the refusal tells no wait. ``header`` is a line
    of the head by its facts; in a ``long`` one they may have lines.
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


_LIMIT: Final = Row(
    429,
    "rate_limit_exceeded",
    (
        "Limit reached: {binding} is {limit:,} {unit}; this request asks for {asked:,}.",
        ("wait_ms", "Please try again in {wait_ms}s."),
        ("turn", "It is kept for you then, for 2s."),
    ),
    kind="requests",
    told=(("limit", "binding"), ("retry_after_ms", "wait_ms")),
    wait_ms=1_000,
)
_SLOTS: Final = _LIMIT._replace(
    words=(
        "Limit reached: {binding} is {limit:,}, and so many of your requests are running.",
        "Retry when one of them has ended.",
        ("turn", "One is kept for you in {wait_ms}s, for 2s."),
    )
)
_UPSTREAM_FAILED: Final = Row(
    502, "{cause}", "The upstream gave no usable answer: {why}.", long=True
)

_OVER: Final = (
    "The lease {{lease}} {how} at {{ended_us}}, and what no call had drawn of it went back. Make a "
    "new one with: POST /v1/quota/leases; a call needs none, without X-Quota-Lease it takes from "
    "the project's limits as usual."
)

ROWS: Final[Mapping[type[Exception], Row]] = {
    r.KeyMissing: Row(
        401,
        "missing_api_key",
        "No key came with the request. Send your project key as 'Authorization: Bearer <key>' "
        "or 'x-api-key: <key>'; your platform team makes one with: quotadeck key add PROJECT",
        _BEARER,
    ),
    r.KeyMalformed: Row(
        401,
        "invalid_api_key",
        "This cannot be a project key: {why}. Keys start with 'qd_'; "
        "check for a cut or a missing environment variable.",
        _BEARER,
    ),
    r.KeysDiffer: Row(
        400,
        "ambiguous_api_key",
        "The request came with keys that differ, so nobody can say whose it is. Send one, as "
        "'Authorization: Bearer <key>' or 'x-api-key: <key>', and see whether a proxy adds "
        "its own.",
    ),
    r.ProjectsDiffer: Row(
        400,
        "ambiguous_project",
        "The request came with X-Project-Id headers that differ. Send one, and see whether a "
        "proxy adds its own.",
    ),
    r.KeyUnknown: Row(
        401,
        "invalid_api_key",
        "This key is unknown or was revoked. See the living ones with: quotadeck key list; "
        "make one with: quotadeck key add PROJECT",
        _BEARER,
    ),
    r.ProjectNotOfKey: Row(
        403,
        "project_not_allowed",
        "This key does not serve the project {project!r}; it serves: {projects}.",
        NEVER_RETRY,
    ),
    r.NoSuchPath: Row(
        404,
        "unknown_url",
        (
            "There is no {path} here.",
            ("nearest", "Did you mean {nearest}?"),
            "This gateway serves: {served}.",
        ),
    ),
    r.WrongMethod: Row(
        405,
        "method_not_allowed",
        "{path} takes {allowed} only.",
        header=(b"allow", "{allowed}"),
    ),
    r.BodyTooLarge: Row(
        413,
        "request_too_large",
        "The request's body is over {limit_bytes:,} bytes.",
        NEVER_RETRY + _CLOSE,
    ),
    r.BodyCut: Row(400, "body_cut", "The request's body was cut."),
    r.CodingUnknown: Row(
        415,
        "unsupported_encoding",
        "The request's body is packed as {coding}, which is not taken here. Send it unpacked, or "
        "packed as one of: {taken}.",
    ),
    r.Garbled: Row(
        400,
        "invalid_encoding",
        "The request's body cannot be unpacked: its content-encoding says {coding}, and it is not "
        "that, or was cut.",
    ),
    r.NotHttp: Row(0, "invalid_request", "{why}", _CLOSE),
    r.NotJson: Row(
        400, "invalid_json", "The request's body cannot be read as a JSON object: {why}."
    ),
    r.BadField: Row(400, "invalid_value", "{field}: {why}.", param="{field}"),
    r.BadHeader: Row(400, "invalid_header", "The header {header} {why}."),
    r.UnknownModel: Row(
        404,
        "model_not_found",
        (
            "The model {model!r} is not served here.",
            ("nearest", "Did you mean {nearest}?"),
            "GET /v1/models lists what is.",
        ),
        param="model",
    ),
    r.ModelNotAllowed: Row(
        403,
        "model_not_allowed",
        "The project {project} may not use {model}; it may use: {allowed}.",
        NEVER_RETRY,
        "model",
    ),
    r.NotSpoken: Row(
        400,
        "form_not_served",
        "The upstream {upstream} takes no {form} requests, and they are not translated for it. It "
        "takes: {spoken}.",
        NEVER_RETRY,
        "model",
    ),
    r.Unbounded: Row(
        403,
        "unbounded_not_allowed",
        "{field} makes a request cost what nobody can know before, and the project {project} does "
        "not allow that. Its config may, with a reserve: [projects.{project}.allow] unbounded = "
        '["{word}"].',
        NEVER_RETRY,
        "{field}",
    ),
    r.ChoiceNotAllowed: Row(
        403,
        "choice_not_allowed",
        (
            "The project {project} may not choose {field} = {value!r}.",
            ("allowed", "It may choose: {allowed}."),
            "Its config may allow it: [projects.{project}.allow.fields].",
        ),
        NEVER_RETRY,
        "{field}",
    ),
    r.NotOfProject: Row(
        404,
        "{kind}_not_found",
        "No {kind} with the id {id!r} was made by the project {project} in the last 30 days.",
        NEVER_RETRY,
    ),
    r.Paused: Row(
        403,
        "{subject.kind}_paused",
        (
            "The {subject.kind} {subject.name} is paused by its operators.",
            ("reason", "Reason: {reason}."),
            ("until_us", "It lifts at {until_us}."),
        ),
        NEVER_RETRY,
    ),
    r.InputTooLong: Row(
        400,
        "context_length_exceeded",
        "The input is at least {least_tokens:,} tokens, and {model} takes {limit_tokens:,}. "
        "Shorten the messages.",
        param="messages",
    ),
    r.OutputTooLong: Row(
        400,
        "invalid_value",
        "max_tokens is {asked_tokens:,}, and {model} gives at most {limit_tokens:,}.",
        param="max_tokens",
    ),
    r.PriceUnknown: Row(
        400,
        "price_unknown",
        (
            (
                "What {model} costs is not known to this gateway, and {project} has a daily "
                "budget. Its operators say it in the config, under {target}: price_usd, or "
                "input_usd and output_usd, or a provider whose prices are public."
            ),
            ("tier", "It is the tier {tier} that has no price."),
        ),
        NEVER_RETRY,
        param="model",
    ),
    r.OverWholeBudget: Row(
        400,
        "exceeds_daily_budget",
        (
            (
                "This request may cost up to ${bound_nano}, more than the whole daily budget of "
                "{project} (${budget_nano})."
            ),
            ("bound_is_estimate", "That is an estimate: it states no bound of its own."),
            "Ask for less, or let it answer less (max_tokens).",
        ),
        NEVER_RETRY,
    ),
    r.LimitReached: _LIMIT,
    r.BudgetSpent: Row(
        429,
        "insufficient_quota",
        "The daily budget of {project} (${budget_nano}) does not cover this request: "
        "${left_nano} is left, and it may cost up to ${bound_nano}. The budget starts anew at "
        "{resets_us}.",
        NEVER_RETRY,
        kind="insufficient_quota",
        told=(("limit", "binding"), ("resets_at", "resets_us")),
    ),
    leases.NoSuchLease: Row(
        404,
        "lease_not_found",
        "This key has no lease {lease} for the project {project}: it is another's, or a restart of "
        "the gateway has forgotten it, and what no call had drawn of it is free again. Make a new "
        "one with: POST /v1/quota/leases; a call needs none, without X-Quota-Lease it takes from "
        "the project's limits as usual.",
        NEVER_RETRY,
    ),
    leases.LeaseOver: Row(
        404,
        "lease_ended",
        _OVER.format(how="has ended"),
        NEVER_RETRY,
    ),
    leases.TooManyLeases: Row(
        429,
        "too_many_leases",
        "{allowed:,} leases of {project:this key} live, as many as may. Give back those that are "
        "of no use (DELETE /v1/quota/leases/ID), or wait until one runs out.",
    ),
    leases.TooManyReports: Row(
        429,
        "too_many_reports",
        "This key tells more than {allowed:,} times a minute what was used elsewhere. Nothing of "
        "this is on record: tell it again later, as one for each model.",
    ),
    r.LedgerUnavailable: Row(
        503,
        "ledger_unavailable",
        "The gateway cannot record calls ({why}) and so forwards none.",
        b"retry-after: 5\r\n",
    ),
    r.Draining: Row(
        503,
        "draining",
        "The gateway is restarting and takes no new requests; retry in a moment.",
        _SOON + _CLOSE,
    ),
    r.AnswerCut: Row(
        503,
        str(Cause.RESTART),
        "The gateway is restarting and has cut this answer; ask again in a moment.",
        _SOON + _CLOSE,
    ),
    r.TooManyRequests: Row(
        503,
        "too_many_connections",
        "{allowed:,} requests of {project:all projects} are under way, as many as the "
        "gateway's connections allow; retry in a moment.",
        _SOON + _CLOSE,
    ),
    r.BodiesTooLarge: Row(
        503,
        "too_many_large_requests",
        "The gateway holds up to {limit_bytes:MB} MB of requests of {project:all projects} at "
        "once, and with this one it would be more; retry in a moment.",
        _SOON,
    ),
    r.UpstreamFailed: _UPSTREAM_FAILED,
    Exception: Row(
        500,
        "internal_error",
        "The gateway failed on this request; it is in the gateway's log.",
    ),
}
BY_CAUSE: Final[Mapping[tuple[type[Exception], str], Row]] = {
    **{
        (r.LimitReached, cause): _SLOTS
        if rule.measure is Measure.SLOTS
        else _LIMIT._replace(kind="tokens" if rule.counts else "requests")
        for cause, rule in RULE_BY_CAUSE.items()
    },
    **{
        (leases.LeaseOver, how): ROWS[leases.LeaseOver]._replace(words=_OVER.format(how=words))
        for how, words in {
            LeaseEnd.GIVEN_BACK: "was given back",
            LeaseEnd.RAN_OUT: "ran out, as nobody renewed it,",
            LeaseEnd.BY_OPERATOR: "was ended by an operator",
            LeaseEnd.PAUSED: "ended with a pause of its project",
            LeaseEnd.KEY_GONE: "ended with its key",
        }.items()
    },
    (r.UpstreamFailed, Cause.TIMEOUT): _UPSTREAM_FAILED._replace(status=504),
}
"""Where one kind is told in more than one way, by what it is recorded as, or how it came about."""
