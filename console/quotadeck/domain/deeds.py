"""What is told of a command in force, and of its end: a kind with facts, for events and lines."""

from collections.abc import Sequence
from typing import Final

from quotadeck.domain.commands import Action, Entry, Field, value_facts
from quotadeck.domain.notice import Fact, Notice, notice

NAMED: Final = 4
"""So many subjects of a change are told by name."""
_ENDED: Final = {Field.KEY: "override.key_ended", Field.PAUSED: "override.pause_ended"}


def change_notice(entries: Sequence[Entry]) -> Notice:
    """An applied change; one of several values names the first few, and how many more there are."""
    entry = entries[0]
    if not entries[1:]:
        return command_notice(entry)
    return notice(
        "command.group",
        actor=entry.actor,
        action=entry.action,
        group=entry.group,
        for_ms=entry.for_ms,
        until_us=entry.until_us if entry.for_ms is None else None,
        reason=entry.reason,
        field=entry.field,
        **_named(entries),
    )


def command_notice(entry: Entry) -> Notice:
    """An applied command: ``mika: analytics rpm 20 → 40 for 1h "orders import"``."""
    if entry.action == Action.NOTE:
        name = entry.subject.name or None
        return notice("note", actor=entry.actor, name=name, text=str(entry.value))
    told_as_end = entry.for_ms is None or entry.action == Action.EXTEND
    return notice(
        f"command.{entry.action}",
        actor=entry.actor,
        name=entry.subject.name,
        for_ms=None if told_as_end else entry.for_ms,
        until_us=entry.until_us if told_as_end else None,
        reason=entry.reason,
        **value_facts(entry.field, before=entry.before, after=entry.after),
    )


def _named(entries: Sequence[Entry]) -> dict[str, Fact]:
    names = tuple(dict.fromkeys(entry.subject.name for entry in entries))
    return {"names": names[:NAMED], "more": len(names) - NAMED if names[NAMED:] else None}


def ends_notice(ends: Sequence[Entry], overrides: Sequence[Entry]) -> Notice:
    """Overrides of one change that ran out together."""
    override = overrides[0]
    if not ends[1:]:
        return end_notice(ends[0], override)
    facts = _named(overrides)
    return notice("override.group_ended", group=override.group, field=override.field, **facts)


def end_notice(end: Entry, override: Entry) -> Notice:
    """An override that ran out, and what is in force since: ``analytics rpm 40 ended: 20 again``.

    Another override above it may still hold the value; then that one is told.
    """
    kind = next((kind for field, kind in _ENDED.items() if field == override.field), "")
    still = "_still" if end.after == end.before and override.field != Field.KEY else ""
    facts = value_facts(override.field, value=override.value, after=end.after)
    return notice(f"{kind or 'override.ended'}{still}", name=override.subject.name, **facts)
