"""A refusal put into words, for a dialect to shape, and how long it tells to wait."""

from typing import Any, Final, NamedTuple

from quotadeck.dialects.errors.rows import BY_CAUSE, NEVER_RETRY, ROWS, Row
from quotadeck.dialects.errors.waits import MOST_MS, wait_ms_of
from quotadeck.dialects.facts import facts_of
from quotadeck.dialects.head import line, wait_lines
from quotadeck.domain import refusals as r

_RETRY: Final = b"x-should-retry: true\r\n"


class Told(NamedTuple):
    """A refusal in words. ``members`` are facts by which a program knows what it was.

    ``kind`` is the upstream's or OpenAI's type of it; empty: by the status alone. ``head`` are the
    lines that the official SDKs read: ``retry-after``, ``retry-after-ms``, ``x-should-retry``.
    """

    status: int
    kind: str
    code: str | None
    param: str | None
    message: str
    head: bytes
    members: dict[str, Any]


def told(refusal: Exception) -> Told:
    """Any refusal; what is none is a fault of ours."""
    if isinstance(refusal, r.UpstreamRefused):
        return _passed_on(refusal)
    row = _row_of(refusal)
    facts = facts_of(refusal, long=row.long)
    told_ms = getattr(refusal, "wait_ms", None)
    head = _waiting(row.head, row.wait_ms if told_ms is None else told_ms)
    if row.header:
        name, value = row.header
        head += line(name, value.format_map(facts))
    return Told(
        row.status or getattr(refusal, "status", 500),
        row.kind,
        row.code.format_map(facts),
        row.param and row.param.format_map(facts),
        _words(row, refusal).format_map(facts),
        head,
        {
            name: facts[field] if field.endswith("_us") else getattr(refusal, field)
            for name, field in row.told
        },
    )


def _waiting(head: bytes, wait_ms: int | None) -> bytes:
    """Where to retry is useless, or too far away, no wait is told: several clients sleep by it."""
    if NEVER_RETRY in head:
        return head
    return head + (NEVER_RETRY if wait_ms and wait_ms > MOST_MS else wait_lines(wait_ms))


def _passed_on(refusal: r.UpstreamRefused) -> Told:
    """The upstream's own error: what it said, under its own status."""
    waits = (b"retry-after", refusal.retry_after), (b"retry-after-ms", refusal.retry_after_ms)
    wait_ms = wait_ms_of(refusal.retry_after, refusal.retry_after_ms)
    if refusal.should_retry == "false" or (wait_ms or 0) > MOST_MS:
        head = NEVER_RETRY
    else:
        # What is no wait is told to nobody: a client may make of it what it likes.
        told_waits = waits if wait_ms is not None else ()
        head = b"".join([line(name, wait) for name, wait in told_waits if wait])
        head += _RETRY if refusal.should_retry else b""
    return Told(
        refusal.status, refusal.kind, refusal.code, refusal.param, refusal.message, head, {}
    )


def _words(row: Row, refusal: Exception) -> str:
    if isinstance(row.words, str):
        return row.words
    said = [
        one if isinstance(one, str) else one[1]
        for one in row.words
        if isinstance(one, str) or getattr(refusal, one[0])
    ]
    return " ".join(said)


def _row_of(refusal: Exception) -> Row:
    kind = type(refusal)
    way = getattr(refusal, "how", "") or getattr(refusal, "cause", "")
    row = BY_CAUSE.get((kind, way)) or ROWS.get(kind)
    return row or next(ROWS[base] for base in kind.__mro__ if base in ROWS)
