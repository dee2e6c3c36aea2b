"""What passed of a subject, step by step: the figures under a sparkline.

A step is a whole minute, or a whole hour of what is too old for minutes. A call stands in the step
in which it arrived, and is counted when it has ended: the newest steps may still grow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from quotadeck.domain.subject import Subject, SubjectKind

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
WITH_SERIES: Final = (SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.GATEWAY)
"""What roll-ups are summed by; a target's calls are not."""

Cells = tuple[int | None, ...]
"""A figure a step, the oldest first; None where nothing can have been recorded."""


@dataclass(frozen=True, slots=True)
class Series:
    """What passed of one subject. ``asked`` is what came: what was refused and what was ended.

    ``failed`` is what of ``ended`` failed by the upstream; ``tokens`` are input and output,
    ``cost_nano`` is nano-dollars.
    """

    subject: Subject
    asked: Cells
    refused: Cells
    failed: Cells
    ended: Cells
    tokens: Cells
    cost_nano: Cells


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """A series a subject, in the order asked; all have their first step at ``start_us``."""

    start_us: int
    minutes: int
    """Covered by all steps together."""
    step_ms: int
    """A minute or an hour."""
    rows: tuple[Series, ...]

    @property
    def step_us(self) -> int:
        return self.step_ms * 1_000


class Window(NamedTuple):
    """So many whole steps from an instant on."""

    start_us: int
    step_us: int
    steps: int

    @property
    def end_us(self) -> int:
        return self.start_us + self.steps * self.step_us

    @property
    def starts_us(self) -> list[int]:
        return list(range(self.start_us, self.end_us, self.step_us))


class Passed(NamedTuple):
    """What the roll-ups of one step sum to."""

    ended: int = 0
    failed: int = 0
    tokens: int = 0
    cost_nano: int = 0
    refused: int = 0


def window(minutes: int, until_us: int, minutes_from_us: int) -> Window:
    """The last so many whole minutes before an instant.

    Where they begin before ``minutes_from_us``, from which on minutes are kept, they are whole
    hours, and cover no less.
    """
    end_us = until_us - until_us % MINUTE_US
    start_us = end_us - minutes * MINUTE_US
    if start_us >= minutes_from_us:
        return Window(start_us, MINUTE_US, minutes)
    start_us -= start_us % HOUR_US
    return Window(start_us, HOUR_US, -((start_us - end_us) // HOUR_US))


def recorded(span: Window, since_us: int, until_us: int, away: Iterable[tuple[int, int]]) -> Cells:
    """A 0 a step, None where nothing was recorded of any part of it.

    That is before ``since_us``, from ``until_us`` on, and in the (from, to) of ``away``.
    """
    nothing = [(0, since_us), (until_us, span.end_us), *away]
    ends = ((start_us, start_us + span.step_us) for start_us in span.starts_us)
    return tuple(
        None if any(low <= start and end <= high for low, high in nothing) else 0
        for start, end in ends
    )


def series(subject: Subject, span: Window, blank: Cells, passed: Mapping[int, Passed]) -> Series:
    """Of a subject, from what passed by the start of a step; what was recorded stands anyhow."""
    cells: list[tuple[int | None, ...]] = []
    for start_us, empty in zip(span.starts_us, blank, strict=True):
        found = passed.get(start_us)
        if found is None:
            cells.append((empty,) * 6)
            continue
        asked = found.ended + found.refused
        cells.append(
            (asked, found.refused, found.failed, found.ended, found.tokens, found.cost_nano)
        )
    columns = zip(*cells, strict=True) if cells else [()] * 6
    return Series(subject, *columns)
