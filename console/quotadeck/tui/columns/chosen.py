"""Which columns are shown in which order, and by which the rows are sorted: what the user chose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.snapshot import ProjectRow
from quotadeck.domain.text import clean
from quotadeck.tui.columns import shared
from quotadeck.tui.columns.parts import At
from quotadeck.tui.columns.projects import NAME, PROJECTS, SPENDING, TODAY
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.order import Order

ProjectColumn = Column[ProjectRow, At]

ALWAYS: Final = ("mark", "cursor", "name", "priority")
"""These say whose row it is, and stand first."""
CHOICES: Final = {column.id: column for column in PROJECTS if column.id not in ALWAYS}
"""The columns that can be chosen, by their ids, in their usual order."""
SORTS: Final[dict[str, ProjectColumn]] = {
    column.id: column
    for column in (
        shared.WHY, shared.COST, shared.REFUSED, shared.ASKED, shared.USE, shared.FAILED,
        shared.P95, TODAY, shared.NEXT, NAME,
    )
}  # fmt: skip
"""What rows can be sorted by, in the order in which a key goes through them."""
BY_URGENCY: Final = shared.WHY.id


@dataclass(frozen=True, slots=True)
class Chosen:
    """``columns`` are ids of CHOICES, none for the usual ones; ``sort`` is one of SORTS."""

    columns: tuple[str, ...] = ()
    sort: str = BY_URGENCY
    reverse: bool = False

    @property
    def table(self) -> Sequence[ProjectColumn]:
        """The columns as they are shown; the last of a wide line takes what is left."""
        if not self.columns:
            return PROJECTS
        first = [column for column in PROJECTS if column.id in ALWAYS]
        chosen = [CHOICES[one] for one in self.columns if one in CHOICES]
        if not any(column.rest for column in chosen):
            first = [replace(one, rest=True) if one.id == "name" else one for one in first]
        return [*first, *chosen]

    @property
    def order(self) -> Order:
        """By urgency rows follow by what they spend, by anything else by their urgency."""
        behind = (SPENDING,) if self.sort == BY_URGENCY else (shared.WHY,)
        return Order(SORTS[self.sort], *behind, reverse=self.reverse)

    def next_sort(self) -> "Chosen":
        """Sorted by what comes next, the greatest or the worst first."""
        ids = list(SORTS)
        return replace(self, sort=ids[(ids.index(self.sort) + 1) % len(ids)], reverse=False)

    def turned(self) -> "Chosen":
        return replace(self, reverse=not self.reverse)


USUAL: Final = Chosen()


def chosen_of(columns: Sequence[str], sort: str) -> tuple[Chosen, tuple[Notice, ...]]:
    """What the settings ask for, and what of it there is not; ``-`` before ``sort`` turns it."""
    problems = [
        notice("settings.column", typed=clean(one, 40), known=tuple(CHOICES))
        for one in columns
        if one not in CHOICES
    ]
    by, reverse = sort.removeprefix("-"), sort.startswith("-")
    if sort and by not in SORTS:
        problems.append(notice("settings.sort", typed=clean(by, 40), known=tuple(SORTS)))
        by, reverse = "", False
    known = tuple(dict.fromkeys(one for one in columns if one in CHOICES))
    return Chosen(known, by or BY_URGENCY, reverse), tuple(problems)
