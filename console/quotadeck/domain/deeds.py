"""What is told of a command in force, and of its end: a kind with facts, for events and lines."""

from typing import Final

from quotadeck.domain.commands import Entry, Field, value_facts
from quotadeck.domain.notice import Notice, notice

_ENDED: Final = {Field.KEY: "override.key_ended", Field.PAUSED: "override.pause_ended"}


def command_notice(entry: Entry) -> Notice:
    """An applied command: ``mika: analytics rpm 20 → 40 for 1h "orders import"``."""
    return notice(
        f"command.{entry.action}",
        actor=entry.actor,
        name=entry.subject.name,
        for_ms=entry.for_ms,
        until_us=entry.until_us if entry.for_ms is None else None,
        reason=entry.reason,
        **value_facts(entry.field, before=entry.before, after=entry.after),
    )


def end_notice(end: Entry, override: Entry) -> Notice:
    """An override that ran out, and what is in force since: ``analytics rpm 40 ended: 20 again``.

    Another override above it may still hold the value; then that one is told.
    """
    kind = next((kind for field, kind in _ENDED.items() if field == override.field), "")
    still = "_still" if end.after == end.before and override.field != Field.KEY else ""
    facts = value_facts(override.field, value=override.value, after=end.after)
    return notice(f"{kind or 'override.ended'}{still}", name=override.subject.name, **facts)
