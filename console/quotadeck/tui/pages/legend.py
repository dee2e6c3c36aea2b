"""How to read each page: its signs, each with the kind of its sentence, and its columns."""

from collections.abc import Sequence
from typing import Any, Final

from quotadeck.domain.notice import Notice, notice
from quotadeck.tui.columns.calls import CALLS
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.columns import Column
from quotadeck.words import say, text

Entry = tuple[str | Notice, str]
"""A sign, or what words one; and the kind of its sentence."""


def _columns(columns: Sequence[Column[Any, Any]]) -> tuple[Entry, ...]:
    return tuple(
        (notice(f"title.{column.titles[-1]}"), f"column.{column.id}")
        for column in columns
        if column.titles
    )


_LEGEND: Final[dict[Place, tuple[Entry, ...]]] = {
    "overview": (
        ("▸ ! ~ ‖", "read.marks"),
        ("3m −42m", "read.times"),
        (notice("state.cleared_short", kind="storm", ago_ms=40_000), "read.cleared"),
        ("3 of 9", "read.counts"),
        (notice("state.unserved"), "read.unserved"),
        (notice("state.cut_off"), "read.cut_off"),
        (notice("state.storm", times=9), "read.storm"),
        (notice("state.failing", share="26%"), "read.failing"),
        (notice("state.recovering"), "read.recovering"),
        (notice("state.spent"), "read.spent"),
        (notice("state.rejected"), "read.rejected"),
        (notice("state.throttled"), "read.throttled"),
        (notice("state.slow", ratio=4), "read.slow"),
        (notice("state.spending", ratio=4), "read.spending"),
        ("rpm 85%", "read.near"),
        ("rpm 54/m", "read.refuses"),
        ("↘ ✎", "read.in_force"),
        ("H L", "read.priority"),
        (notice("sign.bar"), "read.bar"),
        *_columns(PROJECTS),
        (notice("totals.hour", figure="$"), "read.hourly"),
        ("● ◌ ✗", "read.link"),
        ("░░░", "read.late"),
        (notice("sign.gateway"), "read.gateway"),
    ),
    "project": (("≤9", "read.most"),),
    "calls": (("▸", "read.chosen"), *_columns(CALLS)),
    "timeline": (("! ✓ » « ✗ ⚑ ~", "read.happenings"), ("▁▃█", "read.strip")),
    "audit": (("▸ ● ✗ …", "read.entry"), ("#5", "read.place")),
}


def legend(place: Place) -> list[tuple[str, str]]:
    """Each sign of a page, and what it tells."""
    return [
        (sign if isinstance(sign, str) else say(sign), text(kind))
        for sign, kind in _LEGEND.get(place, ())
    ]
