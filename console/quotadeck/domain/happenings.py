"""What happened, of whatever kind, in one list: alarms and their ends, commands with what they did,
incidents of upstreams, notes. Put together from the three things that are on record of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from quotadeck.domain.answers import AuditRow
from quotadeck.domain.commands import Action
from quotadeck.domain.report import Alarm
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject


class HappeningKind(StrEnum):
    """What kind of thing it is."""

    ALARM = "alarm"
    ENDED = "ended"
    """An alarm's end."""
    CHANGE = "change"
    REFUSED = "refused"
    """A command that was refused."""
    RAN_OUT = "ran_out"
    """An override's end."""
    EFFECT = "effect"
    NOTE = "note"
    INCIDENT = "incident"
    """Any other event: a budget's step, an upstream's trouble, the gateway's own."""


_EFFECT: Final = "effect"
_NOTE: Final = "note"
_COMMAND: Final = "command."
"""Events of what stands in the command log, too, and is told from there."""
_OVERRIDE: Final = "override."


@dataclass(frozen=True, slots=True)
class Happening:
    """One of them; of what it is made tells its kind.

    ``entries`` are those of one change, the first of them first; ``effects`` are what was measured
    of it.
    """

    id: str
    at_us: int
    kind: HappeningKind
    subject: Subject
    alarm: Alarm | None = None
    event: Event | None = None
    entries: tuple[AuditRow, ...] = ()
    effects: tuple[Event, ...] = ()


class Span(NamedTuple):
    """From an instant on, and before another."""

    since_us: int
    until_us: int

    def holds(self, at_us: int) -> bool:
        return self.since_us <= at_us < self.until_us


def happenings(
    span: Span,
    alarms: Iterable[Alarm],
    entries: Iterable[AuditRow],
    events: Iterable[Event],
) -> list[Happening]:
    """All of the span, the newest first; an effect stands with its change, where that is there."""
    events = [event for event in events if span.holds(event.at_us)]
    changes = _changes(row for row in entries if span.holds(row.entry.at_us))
    known = {row.entry.id for change in changes for row in change.entries}
    effects: dict[str, list[Event]] = {}
    told: list[Happening] = []
    for event in events:
        of = _command_of(event)
        if of in known:
            effects.setdefault(of, []).append(event)
        elif (kind := _kind_of(event)) is not None:
            told.append(
                Happening(event.id, event.at_us, kind, Subject.parse(event.subject), event=event)
            )
    told += [replace(change, effects=tuple(_of_all(change.entries, effects))) for change in changes]
    told += [one for alarm in alarms for one in _ends_of(alarm) if span.holds(one.at_us)]
    # Of two at one instant, what was done stands above what it answers, always in one order.
    return sorted(told, key=lambda one: (one.at_us, one.id), reverse=True)


def _command_of(event: Event) -> str:
    return str(event.told.facts.get("command", "")) if event.told.kind == _EFFECT else ""


def _kind_of(event: Event) -> HappeningKind | None:
    kind = event.told.kind
    if kind.startswith(_COMMAND):
        return None
    if kind.startswith(_OVERRIDE):
        return HappeningKind.RAN_OUT
    return {_EFFECT: HappeningKind.EFFECT, _NOTE: HappeningKind.NOTE}.get(
        kind, HappeningKind.INCIDENT
    )


def _changes(rows: Iterable[AuditRow]) -> list[Happening]:
    """Entries of one change are one; ends that were reached are told by their events."""
    groups: dict[str, list[AuditRow]] = {}
    for row in rows:
        if row.entry.action != Action.END:
            groups.setdefault(row.entry.group or row.entry.id, []).append(row)
    return [_change(sorted(group, key=lambda row: row.entry.seq)) for group in groups.values()]


def _change(rows: Sequence[AuditRow]) -> Happening:
    entry = rows[0].entry
    kind = HappeningKind.REFUSED if entry.refused else HappeningKind.CHANGE
    return Happening(entry.id, entry.at_us, kind, entry.subject, entries=tuple(rows))


def _of_all(rows: Iterable[AuditRow], effects: dict[str, list[Event]]) -> Iterable[Event]:
    return (event for row in rows for event in effects.get(row.entry.id, ()))


def _ends_of(alarm: Alarm) -> Iterable[Happening]:
    about = f"{alarm.subject} {alarm.kind} {alarm.cause}"
    kind = HappeningKind.ALARM
    yield Happening(f"! {about} {alarm.began_us}", alarm.began_us, kind, alarm.subject, alarm)
    if alarm.ended_us is not None:
        kind = HappeningKind.ENDED
        yield Happening(f"✓ {about} {alarm.ended_us}", alarm.ended_us, kind, alarm.subject, alarm)
