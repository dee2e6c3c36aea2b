"""What a change would have meant for the real calls of the last minutes, for the preview."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from quotadeck.domain.commands import Entry, Field, Value
from quotadeck.domain.effects import folded, slot_of
from quotadeck.domain.estimate import Estimate
from quotadeck.domain.layers import Layer, Layers
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.rules import LIMIT_FIELDS, is_money
from quotadeck.domain.subject import SubjectKind
from quotadeck.gateway.control.replayer import Replayer

_A_SLICE: Final = 100
"""Subjects looked at before the event loop gets a turn: a millisecond."""
_REPLAYED: Final = frozenset({Field.PAUSED, Field.TARGET, Field.PRIORITY, *LIMIT_FIELDS})
"""What bears on whether a request is admitted, or what it costs."""
_OF_LATE_US: Final = 17 * 60_000_000
"""Longer than what is replayed."""

Values = dict[str, dict[str, Value | None]]


async def estimated(
    entries: Sequence[Entry], layers: Layers, replayer: Replayer, now_us: int
) -> tuple[Estimate | None, tuple[Notice, ...]]:
    """The estimate of entries that are one change; without it, the notice that says why.

    ``layers`` are those without the entries. None, and no notice, of what no call can tell.
    """
    after: Values = {}
    for number, entry in enumerate(entries, 1):
        if entry.field not in _REPLAYED:
            return None, ()
        subject, name = slot_of(entry)
        value = folded(entry, layers).in_force(subject, name, now_us).value
        after.setdefault(str(subject), {})[name] = value
        if number % _A_SLICE == 0:
            await asyncio.sleep(0)
    before = await values_in_force(layers, now_us)
    told = await replayer.ask(before, after, _changed_of_late(layers, now_us), now_us)
    if told.estimate is None:
        return None, (notice("warning.no_figures", why=f"warning.no_figures.{told.why}"),)
    return told.estimate, tuple(_warnings(told.estimate, entries))


async def values_in_force(layers: Layers, now_us: int) -> Values:
    """All that is in force in the place of what the file says."""
    found: Values = {}
    for number, (subject, names) in enumerate(layers.fields.items(), 1):
        if subject.kind is not SubjectKind.KEY:
            in_force = {name: layers.in_force(subject, name, now_us) for name in names}
            values: dict[str, Value | None] = {
                name: each.value for name, each in in_force.items() if each.layer is not Layer.FILE
            }
            if values:
                found[str(subject)] = values
        if number % _A_SLICE == 0:
            await asyncio.sleep(0)
    return found


def _changed_of_late(layers: Layers, now_us: int) -> Mapping[str, int]:
    """When what is in force on a subject was changed last, of the last minutes."""
    found: dict[str, int] = {}
    for entry in reversed(list(layers.by_seq.values())):
        if entry.at_us < now_us - _OF_LATE_US:
            break
        if entry.subject.kind is not SubjectKind.KEY:
            found.setdefault(str(entry.subject), entry.at_us)
    return found


def _warnings(estimate: Estimate, entries: Sequence[Entry]) -> Sequence[Notice]:
    money = estimate.money
    if money is None or not any(is_money(entry.field) for entry in entries):
        return ()
    if money.limit_after_nano is None or money.spent_nano < money.limit_after_nano:
        return ()
    return (notice("warning.spent", spent_nano=money.spent_nano, until_us=money.ends_us),)
