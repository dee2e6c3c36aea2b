"""What is typed into a dialog read into values, and a command written as it would be typed."""

import shlex
from datetime import tzinfo
from typing import Final, NamedTuple

from quotadeck.domain.commands import LASTING, Action, Command, Field
from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import usd_exact
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.typed import TypedWrong, duration_ms, duration_words, instant_us

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
    kind, name = command.subject
    words = {
        Action.LIMIT: ["limit", name, str(command.field), _typed(command)],
        Action.FALLBACK: ["route", name, "--to", str(command.value)],
        Action.UNDO: ["undo", name],
    }.get(command.action, [command.action.value, name])
    if kind is SubjectKind.MODEL and command.action in (Action.PAUSE, Action.RESUME):
        words.append("--model")
    if command.action in LASTING:
        words += _end(command)
    if command.public:
        words.append("--public")
    line = " ".join(["quotadeck", *(shlex.quote(word) for word in words)])
    return f"{line} --reason {_quoted(command.reason)}" if command.reason else line


def _end(command: Command) -> list[str]:
    if command.until_us is not None:
        return ["--until", rfc3339(command.until_us)]
    return ["--for", duration_words(command.for_ms)] if command.for_ms else ["--permanent"]


def _typed(command: Command) -> str:
    if command.scale_percent is not None:
        return f"{command.scale_percent}%"
    if command.field is Field.BUDGET and isinstance(command.value, int):
        return usd_exact(command.value)
    return str(command.value)


def _quoted(text: str) -> str:
    return f'"{text}"' if not set(text) & set('"$`\\!') else shlex.quote(text)
