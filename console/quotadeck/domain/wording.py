"""Values and entries of the command log in words: for the audit, the answers and the events."""

import json
from typing import Final

from quotadeck.domain.commands import Action, Entry, Field, Value
from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import parse_usd, usd_exact
from quotadeck.domain.typed import duration_words

UNLIMITED: Final = "unlimited"
_UNDOES: Final = "undoes cmd_"


def value_text(name: Field, value: Value | None) -> str:
    """A value in force as the audit writes it: ``40``, ``$12.50``, ``paused``, ``unlimited``."""
    if name is Field.PAUSED:
        return "paused" if value else "running"
    if name is Field.TARGET:
        return str(value or "")
    if name is Field.KEY:
        return _key_text(value) if isinstance(value, str) else "none"
    if value is None:
        return UNLIMITED
    return usd_text(int(value)) if name is Field.BUDGET else str(value)


def limit_of_text(name: Field, text: str) -> int | None:
    """The limit that `value_text` wrote as ``text``; None for no limit."""
    if text in ("", UNLIMITED):
        return None
    return parse_usd(text.removeprefix("$")) if name is Field.BUDGET else int(text)


def usd_text(nano: int) -> str:
    """Exact dollars with at least two decimals: ``$12.50``, ``$0.00123``."""
    whole, _, cents = usd_exact(nano).partition(".")
    return f"${whole}.{cents:0<2}"


def undo_reason(undone_id: str) -> str:
    """The reason of an undo that was given none: in the audit it names what it undoes."""
    return f"undoes {undone_id}"


def end_reason(ended_id: str) -> str:
    """The reason of an end's own entry: in the audit it names what ended."""
    return f"the end of {ended_id}"


def command_text(entry: Entry) -> str:
    """An applied command as one line: ``mika: analytics rpm 20 → 40 for 1h "orders import"``."""
    words = [f"{entry.actor}: {_deed(entry)}"]
    if entry.for_ms is not None:
        words.append(f"for {duration_words(entry.for_ms)}")
    elif entry.until_us is not None:
        words.append(f"until {rfc3339(entry.until_us)}")
    if entry.reason and not entry.reason.startswith(_UNDOES):
        words.append(f'"{entry.reason}"')
    return " ".join(words)


def ended_text(end: Entry, override: Entry) -> str:
    """An override that ran out, and what is in force since: ``analytics rpm 40 ended: 20 again``.

    Another override above it may still hold the value; then that one is told.
    """
    assert override.field is not None
    name = override.subject.name
    if override.field is Field.KEY:
        return f"key {name} ended"
    what = f"{override.field} {value_text(override.field, override.value)}"
    again = " again" if end.after != end.before else ""
    pause = override.field is Field.PAUSED
    return f"{name} {'pause' if pause else what} ended: {end.after}{again}"


def _deed(entry: Entry) -> str:
    name = entry.subject.name
    match entry.action:
        case Action.PAUSE:
            return f"{name} paused"
        case Action.RESUME:
            return f"{name} resumed"
        case Action.KEY_ADD:
            return f"key {name} added for {entry.after}"
        case Action.KEY_REVOKE:
            return f"key {name} of {entry.before} revoked"
        case Action.LIMIT | Action.FALLBACK | Action.UNDO | Action.END:
            undo = "undo: " if entry.action is Action.UNDO else ""
            return f"{undo}{name} {entry.field} {entry.before} → {entry.after}"


def _key_text(value: str) -> str:
    facts = json.loads(value)
    label = f" ({facts['label']})" if facts.get("label") else ""
    return ", ".join(facts["projects"]) + label
