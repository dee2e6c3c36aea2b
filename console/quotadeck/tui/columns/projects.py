"""The projects: a column is a row of the table."""

from typing import Final

from quotadeck.domain.commands import Field
from quotadeck.domain.money import usd_short
from quotadeck.domain.snapshot import ProjectRow
from quotadeck.tui.columns import shared
from quotadeck.tui.columns.parts import At, name_role
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.fit import fit, fit_middle
from quotadeck.tui.kit.spans import Span
from quotadeck.tui.order import spends

_Column = Column[ProjectRow, At]

_PRIORITIES: Final = {"high": (0, "H"), "medium": (1, " "), "low": (2, "L")}


def _today(row: ProjectRow, _: At) -> str:
    spent, limit_nano = usd_short(row.budget.spent_nano), row.budget.limit_nano
    return spent if limit_nano is None else f"{spent}/{usd_short(limit_nano).removeprefix('$')}"


NAME: Final = _Column(
    "name", lambda row, _: row.id, name_role,
    lambda row, at, cells: (Span(fit(fit_middle(row.id, cells), cells), name_role(row, at)),),
    sort=lambda row, _: row.id,
    seek=lambda row, _: f"{row.id}\n{row.name}", titles=("project",),
    cells=12, steps=((7, 4), (15, 8)), gap=False,
)  # fmt: skip
PRIORITY: Final = _Column(
    "priority", lambda row, _: _PRIORITIES.get(row.priority, (1, " "))[1],
    lambda row, _: "key" if row.priority == "high" else "dim",
    sort=lambda row, _: _PRIORITIES.get(row.priority, (1, " "))[0], cells=1,
)  # fmt: skip
TODAY: Final = _Column(
    "today", _today, lambda row, at: at.quiet("normal" if row.budget.spent_nano else "dim"),
    sort=lambda row, _: -row.budget.spent_nano, titles=("today/budget",),
    steps=((14, 12),), right=True,
)  # fmt: skip

SPENDING: Final = _Column("spending", lambda *_: "", sort=spends)

PROJECTS: Final[tuple[_Column, ...]] = (
    shared.MARK,
    shared.CURSOR,
    NAME,
    PRIORITY,
    shared.WHY,
    shared.SPARK,
    shared.USE,
    shared.NEXT,
    shared.REFUSED,
    shared.COST,
    shared.FAILED,
    shared.P95,
    shared.ASKED,
    TODAY,
    shared.rate(Field.RPM, 19),
    shared.rate(Field.TPM, 20),
    shared.IN_FLIGHT,
)
"""From left to right. 30 cells hold who and why, 60 the tightest limit and what comes next, 80 the
last minutes; wider ones more of the sentence, then figures."""
