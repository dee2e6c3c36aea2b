"""What is typed into a dialog read into values, and a command written as it would be typed."""

import shlex
from datetime import tzinfo
from typing import Final, NamedTuple

from quotadeck.domain.commands import Command
from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import usd_exact
from quotadeck.domain.rules import is_money
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.typed import TypedWrong, duration_ms, duration_words, instant_us
from quotadeck.domain.verbs import VERBS, End, Takes, Verb

STANDING: Final = "permanent"


class Lasting(NamedTuple):
    """How long a change lasts, or when it ends; neither for a standing one."""

    for_ms: int | None = None
    until_us: int | None = None


def lasting(text: str, now_us: int, zone: tzinfo | None) -> Lasting:
    """What ``30m``, ``until 09:00`` (on the screen's clocks) or ``permanent`` says.

    Raises TypedWrong.
    """
    typed = text.strip().lower()
    if typed == STANDING:
        return Lasting()
    if not typed:
        raise TypedWrong(f"for how long? 30m, 2h30m, until 09:00, or {STANDING}")
    until = typed.removeprefix("until")
    if until != typed:
        return Lasting(until_us=instant_us(until.strip(), now_us, zone))
    return Lasting(for_ms=duration_ms(typed.replace(" ", "")))


def as_command_line(command: Command) -> str:
    """The command as it is typed at a shell."""
    verb, (kind, name) = VERBS[command.action], command.subject
    words = [verb.line or verb.name, name, *_typed(verb, command)]
    if kind is SubjectKind.MODEL and verb.about[1:]:
        words.append("--model")
    if verb.end is End.USUAL:
        words += _end(command)
    if command.public:
        words.append("--public")
    line = " ".join(["quotadeck", *(shlex.quote(word) for word in words)])
    return f"{line} --reason {_quoted(command.reason)}" if command.reason else line


def _end(command: Command) -> list[str]:
    if command.until_us is not None:
        return ["--until", rfc3339(command.until_us)]
    return ["--for", duration_words(command.for_ms)] if command.for_ms else ["--permanent"]


def _typed(verb: Verb, command: Command) -> list[str]:
    match verb.takes:
        case Takes.LIMIT:
            return [str(command.field), _limit(command)]
        case Takes.TARGET:
            return ["--to", str(command.value)]
        case Takes.TEXT:
            return [str(command.value)]
        case _:
            return []


def _limit(command: Command) -> str:
    if command.scale_percent is not None:
        return f"{command.scale_percent}%"
    if is_money(command.field) and isinstance(command.value, int):
        return usd_exact(command.value)
    return str(command.value)


def _quoted(text: str) -> str:
    return f'"{text}"' if not set(text) & set('"$`\\!') else shlex.quote(text)
