"""The shape of a command: whether it says what its row asks for, and nothing else."""

from typing import Final

from quotadeck.domain.commands import (
    EVERY_PROJECT,
    MAX_OVERRIDE_MS,
    MAX_REASON,
    MAX_SUBJECTS,
    Command,
    Rejected,
)
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs import VERBS, End, Takes, Verb
from quotadeck.domain.verbs.case import rejected
from quotadeck.domain.verbs.priority import CLASSES

MIN_OVERRIDE_MS: Final = 1_000


def malformed(command: Command, now_us: int) -> Rejected | None:
    """What is wrong with the command whatever is in force; None when nothing is."""
    verb = VERBS[command.action]
    if wrong := _subjects_wrong(command, verb):
        return wrong
    if command.field not in (None, field_of(command)):
        return rejected("invalid", "field", action=verb.name, about=verb.field, field=command.field)
    if command.public and not verb.public:
        return rejected("invalid", "public", action=verb.name)
    return (
        _value_wrong(command, verb)
        or _reason_wrong(command, verb)
        or _end_wrong(command, verb, now_us)
    )


def _subjects_wrong(command: Command, verb: Verb) -> Rejected | None:
    for subject in command.each:
        nameless = not subject.name and subject.kind is not SubjectKind.GATEWAY
        if subject.kind not in verb.about or nameless:
            about = tuple(f"{kind}:NAME" for kind in verb.about)
            shown = str(subject)
            return rejected("invalid", "subject", action=verb.name, subject=shown, about=about)
    if command.all_but or command.subject == EVERY_PROJECT:
        return _all_but_wrong(command, verb)
    subjects, count = command.subjects, len(command.subjects)
    if not subjects:
        return None
    if not verb.several:
        return rejected("invalid", "several", action=verb.name, count=count)
    if count > MAX_SUBJECTS:
        return rejected("invalid", "too_many", count=count, most=MAX_SUBJECTS)
    if command.subject != subjects[0] or len(set(subjects)) < count:
        return rejected("invalid", "subjects_twice")
    if command.expected_version is not None:
        return rejected("invalid", "versions", count=count)
    if len(command.expected_versions) not in (0, count):
        return rejected("invalid", "versions", count=count)
    return None


def _all_but_wrong(command: Command, verb: Verb) -> Rejected | None:
    if not verb.of_all:
        return rejected("invalid", "all_but", action=verb.name)
    if command.all_but not in CLASSES:
        return rejected("invalid", "no_class", found=command.all_but, classes=CLASSES)
    if command.subject != EVERY_PROJECT or command.subjects:
        return rejected("invalid", "all_but.subject", subject=str(EVERY_PROJECT))
    return None


def field_of(command: Command) -> str | None:
    """The value that the command is about; for an undo only the log can tell."""
    verb = VERBS.get(command.action)
    return verb.field if verb and verb.field else command.field


def _value_wrong(command: Command, verb: Verb) -> Rejected | None:
    given = command.value is not None and command.value is not verb.sets
    scaled = command.scale_percent is not None or command.needed
    if (verb.takes is Takes.NOTHING and given) or (verb.takes is not Takes.LIMIT and scaled):
        return rejected("invalid", "no_value", action=verb.name)
    return None


def _reason_wrong(command: Command, verb: Verb) -> Rejected | None:
    if len(command.reason) > MAX_REASON:
        return rejected("invalid", "long_reason", length=len(command.reason), most=MAX_REASON)
    if verb.explained and not command.reason_shown:
        return rejected("invalid", "no_reason", action=verb.name)
    return None


def _end_wrong(command: Command, verb: Verb, now_us: int) -> Rejected | None:
    if not command.expires:
        return rejected("invalid", "no_end", action=verb.name) if verb.end is End.NEEDED else None
    if verb.end is End.NEVER:
        return rejected("invalid", "endless", action=verb.name)
    until_us = command.until_us
    if until_us is None:
        if not MIN_OVERRIDE_MS <= (command.for_ms or 0) <= MAX_OVERRIDE_MS:
            return rejected("invalid", "duration", asked=command.for_ms)
    elif command.for_ms is not None:
        return rejected("invalid", "two_ends")
    elif not MIN_OVERRIDE_MS <= (until_us - now_us) // 1_000 <= MAX_OVERRIDE_MS:
        return rejected("invalid", "until", until_us=until_us, now_us=now_us)
    return None
