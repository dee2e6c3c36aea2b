"""How to read each page: its signs, each with the kind of its sentence, and its columns."""

from collections.abc import Sequence
from typing import Any, Final

from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.columns import Column
from quotadeck.words import text


def _columns(columns: Sequence[Column[Any, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((column.titles[-1], f"column.{column.id}") for column in columns if column.titles)


_LEGEND: Final[dict[Place, tuple[tuple[str, str], ...]]] = {
    "overview": (
        ("▸ ! ~ ‖", "read.marks"),
        ("3m −42m", "read.times"),
        ("✓storm 40s", "read.cleared"),
        ("3 of 9", "read.counts"),
        ("unserved", "read.unserved"),
        ("cut off", "read.cut_off"),
        ("storm ×9", "read.storm"),
        ("fails 26%", "read.failing"),
        ("recovering", "read.recovering"),
        ("spent", "read.spent"),
        ("rejected", "read.rejected"),
        ("throttled", "read.throttled"),
        ("rpm 85%", "read.near"),
        ("↘ ✎", "read.in_force"),
        ("H L", "read.priority"),
        ("bar", "read.bar"),
        *_columns(PROJECTS),
        ("$/h now", "read.hourly"),
        ("● ◌ ✗", "read.link"),
        ("░░░", "read.late"),
        ("gw", "read.gateway"),
    ),
    "audit": (("▸ ● ✗", "read.entry"), ("#5", "read.place")),
}


def legend(place: Place) -> list[tuple[str, str]]:
    """Each sign of a page, and what it tells."""
    return [(sign, text(kind)) for sign, kind in _LEGEND.get(place, ())]
