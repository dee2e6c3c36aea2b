"""Between the admin API's messages and the domain's values.

Texts of a request are cleaned here, where they enter; `messages` cleans those of an answer.
"""

from quotadeck.domain.commands import Command, Entry
from quotadeck.domain.days import micros, rfc3339
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.wire.messages import MAX_VALUE_CHARS, AuditRow, CommandRequest

_MAX_SUBJECT_CHARS = 300


def command_of(request: CommandRequest) -> Command:
    """What a request asks for. Whether it is a dry run stays with the request."""
    value = request.value
    return Command(
        action=request.action,
        subject=Subject.parse(clean(request.subject, _MAX_SUBJECT_CHARS)),
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
        subject=str(entry.subject),
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
