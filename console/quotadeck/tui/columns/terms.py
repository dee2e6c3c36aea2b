"""What the overview's filter can compare, a term a row."""

from collections.abc import Iterable
from typing import Final

from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.snapshot import ProjectRow, used_on
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.tui.columns.parts import At
from quotadeck.tui.columns.shared import asked, hourly
from quotadeck.tui.columns.use import share, tightest
from quotadeck.tui.in_force import forced_route
from quotadeck.tui.kit.terms import Term
from quotadeck.words import text

_Term = Term[ProjectRow, At]


def _states(row: ProjectRow, _: At) -> Iterable[str]:
    """All that holds, by the names of the kinds and as they are said."""
    held = (row.state, *row.state.others)
    kinds = {one.kind for one in held} | ({StateKind.PAUSED} if row.paused else set())
    return {str(kind).replace("_", "-") for kind in kinds} | {
        text(f"name.{kind}") for kind in kinds if kind is StateKind.CUT_OFF
    }


def _causes(row: ProjectRow, _: At) -> Iterable[str]:
    """What refuses it or fails, or what it is near, as it is named and as it is said."""
    causes = {one.cause for one in (row.state, *row.state.others) if one.cause}
    return {text("word.field", field=cause) for cause in causes} | causes


def _is(row: ProjectRow, at: At) -> Iterable[str]:
    if row.state.urgency is Urgency.TROUBLE:
        yield "trouble"
    if row.changes:
        yield "changed"
    if forced_route(row, at.routes):
        yield "forced"
    if not (row.flow.requests_60s or row.flow.refused_60s or row.flow.in_flight):
        yield "idle"


TERMS: Final[tuple[_Term, ...]] = (
    _Term("state", words=_states, choices=tuple(
        str(kind).replace("_", "-") for kind in StateKind if kind is not StateKind.OTHER
    )),
    _Term("by", words=_causes, choices=("rpm", "tpm", "slots", "budget", Cause.UPSTREAM_429,
                                        Cause.UPSTREAM_5XX, Cause.TIMEOUT)),
    _Term("is", words=_is, choices=("trouble", "changed", "forced", "idle")),
    _Term("priority", words=lambda row, _: (row.priority,), choices=("high", "medium", "low")),
    _Term("model", words=lambda row, _: (model.lower() for model in row.models)),
    _Term("err", lambda row, _: _percent(row.flow.failed_60s, row.flow.ended_60s)),
    _Term("ref", lambda row, _: row.flow.refused_60s),
    _Term("ask", lambda row, _: asked(row)),
    _Term("rpm", lambda row, _: used_on(row, Field.RPM)),
    _Term("tpm", lambda row, _: used_on(row, Field.TPM)),
    _Term("slots", lambda row, _: used_on(row, Field.CONCURRENCY)),
    _Term("spend", lambda row, at: hourly(row, at) / NANO_PER_USD),
    _Term("today", lambda row, _: row.budget.spent_nano / NANO_PER_USD),
    _Term("use", lambda row, _: 100 * share(limit) if (limit := tightest(row)) else None),
    _Term("p95", lambda row, _: None if row.flow.p95_ms is None else row.flow.p95_ms / 1_000),
)  # fmt: skip
"""Numbers in the units in which they are shown: per cent, a minute, dollars an hour, seconds."""


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
