"""Between the admin API's messages and the domain's values.

Texts of a request are cleaned here, where they enter; `messages` cleans those of an answer.
"""

from collections.abc import Sequence

from quotadeck.domain.calls import REFUSAL_CAUSES, Call
from quotadeck.domain.commands import Command, Entry
from quotadeck.domain.days import micros, rfc3339
from quotadeck.domain.limits import Priority
from quotadeck.domain.snapshot import Event
from quotadeck.domain.text import clean
from quotadeck.wire.messages import (
    MAX_VALUE_CHARS,
    AuditRow,
    CallRow,
    CommandRequest,
    EventRow,
    LevelRow,
    RollupRow,
)

_MAX_SUBJECT_CHARS = 300


def command_of(request: CommandRequest) -> Command:
    """What a request asks for. Whether it is a dry run stays with the request."""
    value = request.value
    return Command(
        action=request.action,
        subject=clean(request.subject, _MAX_SUBJECT_CHARS),
        field=request.field,
        value=clean(value, MAX_VALUE_CHARS) if isinstance(value, str) else value,
        scale_percent=request.scale_percent,
        reason=clean(request.reason),
        public=request.public,
        for_ms=request.for_ms,
        until_us=None if request.until is None else micros(request.until),
        idempotency_key=clean(request.idempotency_key),
        expected_version=request.expected_version,
    )


def request_of(command: Command, *, dry_run: bool) -> CommandRequest:
    """The request that asks for a command. Raises pydantic's ValidationError where it may not."""
    return CommandRequest(
        action=command.action,
        subject=command.subject,
        field=command.field,
        value=command.value,
        scale_percent=command.scale_percent,
        reason=command.reason,
        public=command.public,
        for_ms=command.for_ms,
        until=None if command.until_us is None else rfc3339(command.until_us),
        idempotency_key=command.idempotency_key,
        expected_version=command.expected_version,
        dry_run=dry_run,
    )


def audit_row(entry: Entry, *, in_force: bool) -> AuditRow:
    """A line of the audit; ``in_force`` is the fold's to say."""
    return AuditRow(
        seq=entry.seq,
        id=entry.id,
        at=rfc3339(entry.at_us),
        actor=entry.actor,
        role=entry.role,
        origin=entry.origin,
        action=entry.action,
        subject=entry.subject,
        field=entry.field,
        before=entry.before,
        after=entry.after,
        reason=entry.reason,
        public=entry.public,
        until=None if entry.until_us is None else rfc3339(entry.until_us),
        applied=entry.applied,
        error=entry.error,
        in_force=in_force,
        hash=entry.hash,
    )


def call_row(seq: int, call: Call) -> CallRow:
    """A call as the admin API tells it, under its sequence number in the store."""
    return CallRow(
        seq=seq,
        at=rfc3339(call.at_us),
        priority=Priority(call.priority).word,
        **{name: getattr(call, name) for name in _SAME_IN_CALLS},
    )


_SAME_IN_CALLS = tuple(
    name for name in CallRow.model_fields if name not in {"seq", "at", "priority"}
)


def rollup_row(
    *,
    period: str,
    project: str,
    model: str,
    forwarded: int,
    upstream_errors: int,
    client_errors: int,
    unknown: int,
    refused: Sequence[int],
    input_tokens: int,
    cached_tokens: int,
    output_tokens: int,
    cost_nano_usd: int,
    latency: Sequence[int],
) -> RollupRow:
    """Calls summed. ``refused`` are counts in the order of `REFUSAL_CAUSES`; zeros are left out."""
    by_cause = zip(REFUSAL_CAUSES, refused, strict=True)
    return RollupRow(
        period=period,
        project=project,
        model=model,
        forwarded=forwarded,
        upstream_errors=upstream_errors,
        client_errors=client_errors,
        unknown=unknown,
        refused={cause.value: count for cause, count in by_cause if count},
        input_tokens=input_tokens,
        cached_tokens=cached_tokens,
        output_tokens=output_tokens,
        cost_nano_usd=cost_nano_usd,
        latency=tuple(latency),
    )


def level_row(*, at_us: int, bucket: str, least: int, last: int) -> LevelRow:
    """A bucket's slice, the levels in its limit's unit (micro-units, slots, nano-dollars)."""
    return LevelRow(at=rfc3339(at_us), bucket=bucket, least=least, last=last)


def event_row(seq: int, event: Event) -> EventRow:
    """An event under its sequence number in the store."""
    return EventRow(
        seq=seq,
        id=event.id,
        at=rfc3339(event.at_us),
        kind=event.kind,
        subject=event.subject,
        text=event.text,
    )
