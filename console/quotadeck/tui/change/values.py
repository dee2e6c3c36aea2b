"""What is typed into a dialog read into values, and a command written as it would be typed."""

import shlex
from datetime import tzinfo
from typing import Final, NamedTuple

from quotadeck.domain.commands import Command
from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import usd_exact
from quotadeck.domain.rules import RULE_OF, is_money
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.typed import TypedWrong, duration_ms, duration_words, instant_us
from quotadeck.domain.verbs import VERBS, End, Takes

STANDING: Final = "permanent"
_UNTIL: Final = "until"


class Lasting(NamedTuple):
    """How long a change lasts, or when it ends; neither for a standing one."""

    for_ms: int | None = None
    until_us: int | None = None


def lasting(typed: str, now_us: int, zone: tzinfo | None) -> Lasting:
    """What ``30m``, ``until 09:00`` (on the screen's clocks) or ``permanent`` says.

    Raises TypedWrong.
    """
    typed, word = typed.strip(), typed.strip().lower()
    if word == STANDING:
        return Lasting()
    if not typed:
        raise TypedWrong("dialog.for.missing", standing=STANDING)
    if word.startswith(_UNTIL):
        return Lasting(until_us=instant_us(typed[len(_UNTIL) :].strip(), now_us, zone))
    return Lasting(for_ms=duration_ms(word.replace(" ", "")))


def as_command_line(command: Command) -> str:
    """The command as it is typed at a shell, from its row."""
    verb = VERBS[command.action]
    kind = command.subject.kind
    names = (subject.name for subject in command.each)
    words = ["quotadeck", verb.line or verb.name.replace("_", "-"), *names]
    if verb.takes is Takes.LIMIT:
        words += [RULE_OF[str(command.field)].name, _typed(command)]
    elif verb.takes is Takes.TARGET:
        words += ["--to", str(command.value)]
    elif verb.takes is Takes.OVERRIDE and command.field:
        rule = RULE_OF.get(command.field)
        words += ["--field", rule.name if rule else command.field]
    elif verb.takes in (Takes.TEXT, Takes.PRIORITY):
        words.append(str(command.value))
    if kind is SubjectKind.MODEL and verb.about[1:]:  # its name could be a project's
        words.append("--model")
    if verb.end is not End.NEVER:
        words += _end(command)
    if command.public:
        words.append("--public")
    line = " ".join(shlex.quote(word) for word in words)
    return f"{line} --reason {_quoted(command.reason)}" if command.reason else line


def _end(command: Command) -> list[str]:
    if command.until_us is not None:
        return ["--until", rfc3339(command.until_us)]
    return ["--for", duration_words(command.for_ms)] if command.for_ms else ["--permanent"]


def _typed(command: Command) -> str:
    if command.scale_percent is not None:
        return f"{command.scale_percent}%"
    if is_money(command.field) and isinstance(command.value, int):
        return usd_exact(command.value)
    return str(command.value)


def _quoted(typed: str) -> str:
    return f'"{typed}"' if not set(typed) & set('"$`\\!') else shlex.quote(typed)
