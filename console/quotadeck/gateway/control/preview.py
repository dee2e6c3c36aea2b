"""What a change would have meant for the last minutes: read from the roll-ups, for the preview."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Final

from quotadeck.domain.answers import Estimate
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.change_estimate import (
    WINDOW_MINUTES,
    Minute,
    at_price,
    under_change,
)
from quotadeck.domain.commands import Entry, Field, amount
from quotadeck.domain.days import day_at
from quotadeck.domain.effects import folded, slot_of
from quotadeck.domain.layers import Layers
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.rules import RULE_OF, is_money
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.store import Reader

_MINUTE_US = 60_000_000


_MOST: Final = 32
"""So many subjects of one change are estimated: the time of a preview is bounded."""


async def estimated_all(
    entries: Sequence[Entry], layers: Layers, reader: Reader, catalogue: Catalogue, now_us: int
) -> tuple[Estimate | None, tuple[Notice, ...]]:
    """Of a change of several values the sum, None where one of them cannot be told."""
    if not entries[1:]:
        return await estimated(entries[0], layers, reader, catalogue, now_us)
    if entries[_MOST:]:
        return None, ()
    found = [await estimated(entry, layers, reader, catalogue, now_us) for entry in entries]
    estimates = [estimate for estimate, _ in found if estimate is not None]
    if len(estimates) < len(found):
        return None, ()
    sums = (sum(getattr(one, part.name) for one in estimates) for part in fields(Estimate))
    return replace(Estimate(*sums), minutes=estimates[0].minutes), ()


async def estimated(
    entry: Entry, layers: Layers, reader: Reader, catalogue: Catalogue, now_us: int
) -> tuple[Estimate | None, tuple[Notice, ...]]:
    """The estimate, None where roll-ups cannot tell, and warnings that come from figures.

    ``layers`` are those without the entry.
    """
    subject, name = slot_of(entry)
    was = layers.in_force(subject, name, now_us).value
    becomes = folded(entry, layers).in_force(subject, name, now_us).value
    if name == Field.KEY or (name in RULE_OF and not RULE_OF[name].foreseen):
        return None, ()
    minutes = await _minutes(reader, subject, layers, catalogue, now_us)
    if name == Field.TARGET:
        target = catalogue.targets.get(str(becomes))
        return (at_price(minutes, target.price), ()) if target else (None, ())
    spent_nano, warnings = 0, tuple[Notice, ...]()
    project = catalogue.projects.get(subject.name)
    if is_money(name) and project is not None:
        day = day_at(now_us, project.zone)
        spent_nano = (await reader.spent_on({project.id: day.name}))[project.id]
        if becomes is not None and spent_nano >= amount(becomes):
            warnings = (notice("warning.spent", spent_nano=spent_nano, until_us=day.end_us),)
    told = under_change(minutes, subject.kind, name, was, becomes, spent_nano)
    return told, warnings


async def _minutes(
    reader: Reader, subject: Subject, layers: Layers, catalogue: Catalogue, now_us: int
) -> list[Minute]:
    """The subject's last minutes, the present one included as far as it has come."""
    this_us = now_us - now_us % _MINUTE_US
    starts_us = [this_us - ago * _MINUTE_US for ago in range(WINDOW_MINUTES)]
    kind, name = subject
    if kind is SubjectKind.PROJECT:
        rows = await reader.minutes(starts_us, project=name)
    else:
        models = [name] if kind is SubjectKind.MODEL else _served(name, layers, catalogue, now_us)
        rows = await reader.minutes(starts_us, models=models) if models else []
    seconds = max(1, (now_us - this_us) // 1_000_000)
    return [
        replace(minute, seconds=seconds) if start_us == this_us else minute
        for start_us, minute in rows
    ]


def _served(target: str, layers: Layers, catalogue: Catalogue, now_us: int) -> Sequence[str]:
    """The models that this target serves now."""
    return [
        model
        for model in catalogue.routes
        if layers.in_force(Subject.model(model), Field.TARGET, now_us).value == target
    ]
