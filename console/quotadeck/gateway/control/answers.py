"""Entries of the command log as answers, and a repeated request told from a different one."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from quotadeck.domain.answers import CommandAnswer, Part
from quotadeck.domain.commands import Action, Actor, Command, Entry, Rejected, value_facts
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.shape import field_of
from quotadeck.domain.verbs import VERBS
from quotadeck.domain.verbs.case import as_asked
from quotadeck.domain.verbs.limit import scaled

_HELD_TOLD: Final = 3
_DIGEST_CHARS: Final = 20


def answer_of(entries: Sequence[Entry], above: Sequence[Entry]) -> CommandAnswer:
    """What is said of a change in the log: the same each time, whenever it is asked.

    ``above`` are the overrides that its entries name as standing above them.
    """
    entry = entries[0]
    return CommandAnswer(
        applied=entry.applied,
        subject=entry.subject,
        field=entry.field,
        command_id=entry.id,
        seq=entry.seq,
        before=entry.before,
        after=entry.after,
        until_us=entry.until_us if entry.applied else None,
        then=entry.then,
        refused=entry.refused,
        warnings=tuple(map(_held, above[:_HELD_TOLD])),
        parts=tuple(map(_part, entries)) if entries[1:] else (),
    )


def _part(entry: Entry) -> Part:
    return Part(
        entry.subject,
        entry.field,
        entry.id,
        entry.seq,
        entry.before,
        entry.after,
        entry.until_us,
        entry.then,
    )


def _held(above: Entry) -> Notice:
    """What a standing change does not change although one may expect it to."""
    facts = value_facts(above.field, value=above.value)
    return notice("warning.held", actor=above.actor, until_us=above.until_us, **facts)


def rejection(command: Command, rejected: Rejected) -> CommandAnswer:
    """What is said of a refusal that stands in no log."""
    return CommandAnswer(
        applied=False, subject=command.subject, field=command.field, refused=rejected
    )


def refused_entry(command: Command, actor: Actor, rejected: Rejected, at_us: int) -> Entry:
    """A refused command as the audit keeps it: as asked, without effect."""
    asked = as_asked(command, actor, field_of(command), at_us)
    return replace(asked, applied=False, refused=rejected, asked=digest(command))


def digest(command: Command) -> str:
    """What is asked, in a few characters: the same command, sent again, has the same."""
    verb, value = VERBS.get(command.action), command.value
    if verb and verb.sets is not None:
        value = None  # that one or none
    elif isinstance(value, ProjectKey):
        value = value.sha256
    said = (
        str(command.action),
        tuple(map(str, command.each)),
        str(field_of(command)),
        value,
        command.scale_percent,
        command.reason_shown,
        command.public,
        command.for_ms,
        command.until_us,
        command.all_but,
        command.needed,
    )
    return sha256(repr(said).encode(errors="backslashreplace")).hexdigest()[:_DIGEST_CHARS]


def same_request(entry: Entry, undone_id: str, command: Command, actor: Actor) -> bool:
    """Whether this command is the one that the entry, its change's first, came from.

    One that an older version wrote has no digest. Then a scale is compared by what it comes to on
    the entry's own ``before``; of a refused one the log does not keep it. ``undone_id`` is the id
    of what an undo took out.
    """
    if entry.asked:
        return entry.actor == actor.name and entry.asked == digest(command)
    same = (
        entry.actor == actor.name
        and entry.action == command.action
        and not command.subjects
        and entry.public == command.public
        and entry.reason == command.reason_shown
        and _end(entry) == (command.for_ms, command.until_us)
    )
    if not same:
        return False
    if entry.action == Action.UNDO and entry.applied:
        return command.subject.name == undone_id
    return (
        entry.subject == command.subject
        and entry.field == field_of(command)
        and _same_value(entry, command)
    )


def _same_value(entry: Entry, command: Command) -> bool:
    if entry.action == Action.PAUSE:
        return True
    if isinstance(entry.value, ProjectKey) and isinstance(command.value, ProjectKey):
        return entry.value.sha256 == command.value.sha256
    if command.scale_percent is None:
        return entry.value == command.value_shown
    if not entry.applied:
        return True
    was = entry.before
    return isinstance(was, int) and scaled(was, command.scale_percent) == entry.value


def _end(entry: Entry) -> tuple[int | None, int | None]:
    """How the end was asked for: as a duration, or as an instant."""
    return entry.for_ms, entry.until_us if entry.for_ms is None else None
