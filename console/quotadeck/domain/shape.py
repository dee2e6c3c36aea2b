"""The shape of a command: what each action is about, what it takes and what it needs."""

from collections.abc import Mapping
from typing import Final

from quotadeck.domain.commands import (
    LASTING,
    MAX_OVERRIDE_MS,
    MAX_REASON,
    Action,
    Command,
    Field,
)
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.text import clean

MIN_OVERRIDE_MS: Final = 1_000

KINDS: Final[Mapping[Action, tuple[SubjectKind, ...]]] = {
    Action.PAUSE: (SubjectKind.PROJECT, SubjectKind.MODEL),
    Action.RESUME: (SubjectKind.PROJECT, SubjectKind.MODEL),
    Action.LIMIT: (SubjectKind.PROJECT, SubjectKind.TARGET),
    Action.FALLBACK: (SubjectKind.MODEL,),
    Action.UNDO: (SubjectKind.COMMAND,),
    Action.KEY_ADD: (SubjectKind.KEY,),
    Action.KEY_REVOKE: (SubjectKind.KEY,),
    Action.END: (),
}
"""The kinds of subject that each action can be about."""

_VALUED: Final = frozenset({Action.LIMIT, Action.FALLBACK, Action.KEY_ADD})
_MAY_EXPIRE: Final = LASTING | {Action.KEY_ADD}
_EXPLAINED: Final = LASTING | {Action.KEY_REVOKE}
"""Ways back and new keys (they carry a label) may go without a reason; the rest may not."""


def malformed(command: Command) -> str:
    """What is wrong with the command whatever is in force; empty when nothing is."""
    action, subject = command.action, command.subject
    if subject.kind not in KINDS[action] or not subject.name:
        kinds = " or ".join(f"{kind}:NAME" for kind in KINDS[action])
        return f"{action} is about {kinds}, not {clean(str(subject), 80)!r}"
    about = field_of(command)
    if command.field is not None and command.field is not about:
        return f"{action} sets {about}, not {command.field}: leave the field out"
    if command.public and action is not Action.PAUSE:
        return f"only a pause has a public reason, not {action}: leave `public` out"
    return _value_wrong(command) or _reason_wrong(command) or _duration_wrong(command)


def field_of(command: Command) -> Field | None:
    """The value that the command is about; for an undo only the log can tell."""
    match command.action:
        case Action.PAUSE | Action.RESUME:
            return Field.PAUSED
        case Action.FALLBACK:
            return Field.TARGET
        case Action.KEY_ADD | Action.KEY_REVOKE:
            return Field.KEY
        case Action.LIMIT | Action.UNDO | Action.END:
            return command.field


def reason_of(command: Command) -> str:
    """The reason, made safe to show."""
    return clean(command.reason, MAX_REASON).strip()


def _value_wrong(command: Command) -> str:
    action, value = command.action, command.value
    takes_none = action not in _VALUED and not (action is Action.PAUSE and value is True)
    if (value is not None and takes_none) or (
        command.scale_percent is not None and action is not Action.LIMIT
    ):
        return f"{action} takes no value: leave it out"
    return ""


def _reason_wrong(command: Command) -> str:
    if len(command.reason) > MAX_REASON:
        return f"the reason has {len(command.reason)} characters: write at most {MAX_REASON}"
    if command.action in _EXPLAINED and not reason_of(command):
        return f"{command.action} needs a reason: say why, for those who read it later"
    return ""


def _duration_wrong(command: Command) -> str:
    if not command.expires:
        return ""
    if command.action not in _MAY_EXPIRE:
        return f"{command.action} does not end by itself: leave the duration out"
    if command.for_ms is None:
        return ""
    if command.until_us is not None:
        return "an end is a duration or an instant: give one of the two"
    if not MIN_OVERRIDE_MS <= command.for_ms <= MAX_OVERRIDE_MS:
        return f"{command.for_ms} ms is not between one second and 31 days"
    return ""
