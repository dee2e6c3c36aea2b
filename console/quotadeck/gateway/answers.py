"""Entries of the command log as answers, and a repeated request told from a different one."""

import json
from typing import Final

from quotadeck.domain.commands import Action, Actor, Command, Entry
from quotadeck.domain.days import rfc3339
from quotadeck.domain.decide import Rejected, scaled, slot_of, until_us
from quotadeck.domain.shape import field_of, reason_of
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.domain.wording import limit_of_text, undo_reason, value_text
from quotadeck.wire.messages import CommandAnswer

UNRECORDED: Final = "unrecorded"
"""The error code of a loosening command that could not be written to the log."""

MAX_REFUSED_VALUE_CHARS: Final = 500
"""What the audit keeps of a value that was refused."""


def answer_of(entry: Entry, above: Entry | None) -> CommandAnswer:
    """What is said of an entry in the log: the same each time, whenever it is asked.

    ``above`` is the override that the entry names as standing above it.
    """
    if not entry.applied:
        code, _, words = entry.error.partition(": ")
        return CommandAnswer(
            applied=False,
            command_id=entry.id,
            seq=entry.seq,
            subject=str(entry.subject),
            field=entry.field,
            error=words,
            error_code=code,
        )
    return CommandAnswer(
        applied=True,
        command_id=entry.id,
        seq=entry.seq,
        subject=str(entry.subject),
        field=entry.field,
        before=entry.before,
        after=entry.after,
        until=None if entry.until_us is None else rfc3339(entry.until_us),
        then=entry.then,
        warnings=() if above is None else (_held(above),),
    )


def _held(above: Entry) -> str:
    """What a standing change does not change although one may expect it to."""
    name = slot_of(above)[1]
    held = f"{value_text(name, above.value)} until {rfc3339(above.until_us or 0)}"
    return f"{above.actor}'s override stays in force above this: {held}"


def rejection(command: Command, rejected: Rejected) -> CommandAnswer:
    """What is said of a refusal that stands in no log."""
    return CommandAnswer(
        applied=False,
        subject=clean(str(command.subject)),
        field=command.field,
        error=rejected.text,
        error_code=rejected.code,
    )


def refused_entry(command: Command, actor: Actor, rejected: Rejected, at_us: int) -> Entry:
    """A refused command as the audit keeps it: as asked, cleaned, without effect."""
    value = command.value
    return Entry(
        seq=0,
        id="",
        at_us=at_us,
        actor=actor.name,
        role=actor.role,
        origin=actor.origin,
        action=command.action,
        subject=_cleaned(command.subject),
        field=field_of(command),
        value=clean(value, MAX_REFUSED_VALUE_CHARS) if isinstance(value, str) else value,
        before="",
        after="",
        reason=reason_of(command),
        public=command.public,
        until_us=until_us(command, at_us),
        ends=(),
        applied=False,
        error=f"{rejected.code}: {rejected.text}",
        idempotency_key=command.idempotency_key,
        for_ms=command.for_ms,
    )


def _cleaned(subject: Subject) -> Subject:
    return Subject(subject.kind, clean(subject.name))


def same_request(entry: Entry, undone_id: str, command: Command, actor: Actor) -> bool:
    """Whether this command is the one that the entry came from.

    A scale is compared by what it comes to on the entry's own ``before``; of a refused one the
    log does not keep it. ``undone_id`` is the id of what an undo took out.
    """
    same = (
        entry.actor == actor.name
        and entry.action is command.action
        and entry.public == command.public
        and _end(entry) == (command.for_ms, command.until_us)
    )
    if not same:
        return False
    reason = reason_of(command)
    if entry.action is Action.UNDO and entry.applied:
        return command.subject == Subject.command(undone_id) and (
            entry.reason == (reason or undo_reason(undone_id))
        )
    return (
        entry.subject == _cleaned(command.subject)
        and entry.field is field_of(command)
        and entry.reason == reason
        and _same_value(entry, command)
    )


def _same_value(entry: Entry, command: Command) -> bool:
    value = command.value
    if entry.action is Action.PAUSE:
        return True
    if entry.action is Action.KEY_ADD and entry.applied:
        return json.loads(str(entry.value))["sha256"] in str(value)
    if command.scale_percent is None:
        return entry.value == (
            clean(value, MAX_REFUSED_VALUE_CHARS) if isinstance(value, str) else value
        )
    if not entry.applied or entry.field is None:
        return True
    was = limit_of_text(entry.field, entry.before)
    return was is not None and scaled(was, command.scale_percent) == entry.value


def _end(entry: Entry) -> tuple[int | None, int | None]:
    """How the end was asked for: as a duration, or as an instant."""
    return entry.for_ms, entry.until_us if entry.for_ms is None else None
