"""What a change brought about: what passed in the minute before it, and in the one after. Figures,
no verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from quotadeck.domain.commands import Action, Entry
from quotadeck.domain.effects import NO_GATES
from quotadeck.domain.latency import COLUMNS, quantile_ms
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.subject import Subject, SubjectKind

MINUTE_US: Final = 60_000_000
_NAMED: Final = 3
_MEASURED: Final = (SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.TARGET)


@dataclass(slots=True)
class Side:
    """A minute of the subjects that were changed; calls count when they end.

    ``others_refused`` is of all other subjects together.
    """

    ended: int = 0
    refused: int = 0
    failed: int = 0
    """Of ``ended``, the upstream's fault."""
    cost_nano: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * COLUMNS)
    others_refused: int = 0

    @property
    def asked(self) -> int:
        return self.ended + self.refused


@dataclass(frozen=True, slots=True)
class Effect:
    before: Side
    after: Side


@dataclass(frozen=True, slots=True)
class Measured:
    """A change to be measured: the id of its first entry, its subjects, when it took effect."""

    id: str
    subjects: tuple[Subject, ...]
    at_us: int


def measured(entries: Sequence[Entry], at_us: int) -> Measured | None:
    """What is to be measured of a change; None where it lets pass neither more nor less."""
    subjects = dict.fromkeys(
        entry.subject
        for entry in entries
        if entry.subject.kind in _MEASURED and _is_felt(entry) and not entry.idle
    )
    return Measured(entries[0].id, tuple(subjects), at_us) if subjects else None


def _is_felt(entry: Entry) -> bool:
    # One whose value is the same before and after only moves an end.
    same = entry.action in (Action.EXTEND, Action.PERMANENT)
    return not same and entry.field not in (NO_GATES - {"priority"})


def effect_notice(of: Measured, found: Effect) -> Notice:
    """``effect on analytics: refused 54/min → 0/min, …``; ``before_…`` and ``after_…`` are sums of
    a minute each."""
    before, after = found.before, found.after
    return notice(
        "effect",
        **_of(of),
        asked_before=before.asked,
        asked_after=after.asked,
        refused_before=before.refused,
        refused_after=after.refused,
        failed_before=before.failed,
        failed_after=after.failed,
        before_nano=before.cost_nano,
        after_nano=after.cost_nano,
        p95_before_ms=quantile_ms(before.latency, 0.95),
        p95_after_ms=quantile_ms(after.latency, 0.95),
        others_before=before.others_refused,
        others_after=after.others_refused,
    )


def unmeasured_notice(of: Measured, why: str) -> Notice:
    """``why`` is ``restart``, ``clock``, ``store`` or ``many``."""
    return notice("effect.unmeasured", **_of(of), why=why)


def _of(of: Measured) -> dict[str, str | int | tuple[str, ...] | None]:
    names = tuple(subject.name for subject in of.subjects)
    more = len(names) - _NAMED
    return {"command": of.id, "names": names[:_NAMED], "more": more if more > 0 else None}
