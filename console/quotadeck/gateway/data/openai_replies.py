"""Replies of OpenAI's dialect: what the upstream's say, and the headers of ours."""

from collections.abc import Iterable, Mapping
from typing import Final

from quotadeck.admission.size import Size
from quotadeck.dialects.base import UpstreamSaid
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.usage import UsageReader, delivers
from quotadeck.domain.calls import Call, OpenCall, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.limits import MICRO
from quotadeck.domain.money import usd_exact
from quotadeck.domain.refusals import RateLevel, Refusal, UpstreamFailed, UpstreamRefused
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.text import clean, clean_lines
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.flight import Ending
from quotadeck.gateway.data.http import Header
from quotadeck.gateway.upstream.client import Broken
from quotadeck.gateway.upstream.keys import MAX_CHARS, UpstreamKeys

MAX_UPSTREAM_MESSAGE = 1_000
MAX_REQUEST_ID = 128


def chat_reply(body: bytes, size: Size) -> tuple[Usage, str]:
    """The usage and id of a completion. Raises Broken where it is none.

    Without believable usage the reply is counted by an estimate: input as estimated, output a
    token for four bytes.
    """
    try:
        parsed = loads(body)
    except ValueError:
        raise Broken("its reply is not JSON") from None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("choices"), list):
        raise Broken("its reply is not a chat completion")
    reader = UsageReader()
    reader.see(parsed)
    delivered = any(
        isinstance(choice, dict) and delivers(choice.get("message")) for choice in parsed["choices"]
    )
    usage = reader.usage(delivered=delivered)
    if usage is None:
        usage = Usage(size.input_tokens, 0, max(1, len(body) // 4), is_estimate=True)
    response_id = parsed.get("id")
    return usage, clean(response_id, 200) if isinstance(response_id, str) else ""


def failure_of(
    status: int, headers: Mapping[bytes, bytes], body: bytes, keys: UpstreamKeys
) -> tuple[Ending, Refusal]:
    """What an upstream's error means for the record, and for the client: ``keys`` are not told.

    An upstream that refuses *our* key is our operators' trouble: the client's key is fine, and a
    401 would say otherwise.
    """
    message, kind, code, param = _error_object(body, keys)
    if status in (401, 403):
        ending = Ending(Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_AUTH, 502)
        return ending, UpstreamFailed(
            f"it refuses the gateway's own key ({status})", Cause.UPSTREAM_AUTH
        )
    if status == 429:
        cause, outcome, shown = Cause.UPSTREAM_429, Outcome.UPSTREAM_ERROR, 429
    elif 400 <= status < 500:
        cause, outcome, shown = Cause.UPSTREAM_4XX, Outcome.CLIENT_ERROR, status
    elif 500 <= status < 600:
        cause, outcome, shown = Cause.UPSTREAM_5XX, Outcome.UPSTREAM_ERROR, status
    else:
        cause, outcome, shown = Cause.BROKEN_REPLY, Outcome.UPSTREAM_ERROR, 502
        message = f"The upstream answered {status}, which is no answer."
    empty = "with an empty body" if not body.strip() else "without words"
    refusal = UpstreamRefused(
        shown,
        message or f"The upstream answered {status} {empty}.",
        kind or _kind(shown),
        code,
        param,
        keys.hide(_plain_header(headers, b"retry-after")),
        keys.hide(_plain_header(headers, b"retry-after-ms")),
        cause,
    )
    return Ending(outcome, cause, shown), refusal


def request_id_of(headers: Mapping[bytes, bytes], keys: UpstreamKeys) -> str:
    """The upstream's own name for the request, which its people ask for; empty where it has none.

    As OpenAI, Anthropic and Azure call it.
    """
    for name in (b"x-request-id", b"request-id", b"apim-request-id"):
        told = headers.get(name)
        if told:
            return clean(keys.hide(told.decode("utf-8", "replace")), MAX_REQUEST_ID)
    return ""


def error_words(error: object, keys: UpstreamKeys) -> str:
    """The message in an error of any form that providers give it; empty where it has none."""
    if isinstance(error, UpstreamSaid):
        error = error.message
    return clean_lines(keys.hide(_words(error)), MAX_UPSTREAM_MESSAGE)


def _words(error: object, depth: int = 4) -> str:
    if isinstance(error, str):
        return error
    parts: list[object] = []
    if isinstance(error, dict):
        parts = [error.get(name) for name in ("message", "detail", "msg", "error")]
    elif isinstance(error, list):
        parts = error[:3]
    found = [words for part in parts if depth and (words := _words(part, depth - 1))]
    return "; ".join(found) if isinstance(error, list) else found[0] if found else ""


def _error_object(body: bytes, keys: UpstreamKeys) -> tuple[str, str, str | None, str | None]:
    """Message, type, code and param."""
    try:
        parsed = loads(body)
    except ValueError:
        return error_words(body[: 4 * MAX_CHARS].decode("utf-8", "replace"), keys), "", None, None
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    error = parsed.get("error") if isinstance(parsed, dict) else None
    told: object = error if isinstance(error, dict) else parsed

    def text(name: str) -> str:
        value = told.get(name) if isinstance(told, dict) else None
        return clean(keys.hide(value), 100) if isinstance(value, str) else ""

    return error_words(told, keys), text("type"), text("code") or None, text("param") or None


def _kind(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def _plain_header(headers: Mapping[bytes, bytes], name: bytes) -> str:
    value = headers.get(name, b"").decode("utf-8", "replace")
    return value if value.isascii() and value.isprintable() and len(value) <= 64 else ""


def _common(opened: OpenCall | Call) -> list[Header]:
    return [
        (b"x-request-id", opened.id.encode()),
        (b"x-project-id", opened.project.encode()),
        (b"x-served-model", opened.target.encode("utf-8", "replace")),
        (b"x-fallback-step", b"%d" % opened.fallback_step),
    ]


def reply_headers(call: Call, rates: Iterable[RateLevel]) -> list[Header]:
    """Headers of a whole reply, its cost among them."""
    return [
        (b"content-type", b"application/json"),
        *_common(call),
        (b"x-cost-usd", usd_exact(call.cost_nano_usd).encode()),
        *rate_headers(rates),
    ]


def stream_headers(opened: OpenCall, rates: Iterable[RateLevel]) -> list[Header]:
    """Headers of a stream; its cost is not known yet and comes in a comment at the end."""
    return [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
        *_common(opened),
        *rate_headers(rates),
    ]


_UNITS: Final = {LimitKind.RPM: b"requests", LimitKind.TPM: b"tokens"}
"""The rates that OpenAI's headers have a place for."""


def rate_headers(rates: Iterable[RateLevel]) -> list[Header]:
    """OpenAI's x-ratelimit-* of the project's own rates; ``reset`` is the time to full."""
    headers: list[Header] = []
    for rate in rates:
        unit = _UNITS.get(rate.kind)
        if unit is None:
            continue
        missing = max(0, rate.limit.capacity - rate.level)
        to_full_ms = -(-missing * 60_000 // (rate.limit.per_minute * MICRO))
        headers += (
            (b"x-ratelimit-limit-" + unit, b"%d" % rate.limit.per_minute),
            (b"x-ratelimit-remaining-" + unit, b"%d" % max(0, rate.level // MICRO)),
            (b"x-ratelimit-reset-" + unit, go_duration(to_full_ms).encode()),
        )
    return headers


def go_duration(ms: int) -> str:
    """A duration as Go prints it, which is how OpenAI writes resets: 12ms, 1.5s, 6m0s."""
    if ms < 1_000:
        return f"{ms}ms"
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest / 1_000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{seconds}" if minutes else seconds
