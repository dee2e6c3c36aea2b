"""What is typed into a dialog read into values, and a command written as it would be typed."""

import shlex
from typing import Final

from quotadeck.domain.commands import LASTING, Action, Command, Field
from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import usd_exact
from quotadeck.domain.typed import TypedWrong, duration_ms, duration_words
from quotadeck.domain.wording import bare

STANDING: Final = "permanent"


def lasting_ms(text: str) -> int | None:
    """Milliseconds of ``30m`` or ``2h30m``; None for ``permanent``. Raises TypedWrong."""
    typed = text.replace(" ", "").lower()
    if typed == STANDING:
        return None
    if not typed:
        raise TypedWrong(f"for how long? 30m, 2h30m, or {STANDING}")
    return duration_ms(typed)


def as_command_line(command: Command) -> str:
    """The command as it is typed at a shell."""
    kind, name = command.subject.partition(":")[0], bare(command.subject)
    words = {
        Action.LIMIT: ["limit", name, str(command.field), _typed(command)],
        Action.FALLBACK: ["route", name, "--to", str(command.value)],
        Action.UNDO: ["undo", name],
    }.get(command.action, [command.action.value, name])
    if kind == "model" and command.action in (Action.PAUSE, Action.RESUME):
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
