"""The columns that projects and targets have alike, as wide in the one table as in the other."""

from collections.abc import Sequence
from typing import Final

from quotadeck.domain.commands import Field
from quotadeck.domain.money import usd_short
from quotadeck.domain.snapshot import Flow, LimitedRow, ProjectRow, limit_on, used_on
from quotadeck.domain.state import StateKind
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.tui.columns.next import next_of, next_spans, next_text
from quotadeck.tui.columns.parts import At, mark, mark_role, state_word, urgency_role
from quotadeck.tui.columns.use import amounts, share, tightest, use_spans
from quotadeck.tui.columns.why import why_spans
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.spans import Span
from quotadeck.tui.kit.spark import spark
from quotadeck.tui.order import rank
from quotadeck.tui.present import counted_minute_us
from quotadeck.words.numbers import NONE, latency, percent, short, three

AnyColumn = Column[LimitedRow, At]

FAR_US: Final = 1 << 62
"""After everything that has an instant."""


def _failed_role(row: LimitedRow, at: At) -> str:
    if not row.flow.failed_60s:
        return "dim"
    failing = row.state.held(StateKind.FAILING)
    return at.quiet(failing.urgency.value if failing else "normal")


MARK: Final = AnyColumn("mark", mark, mark_role, cells=1, gap=False)
CURSOR: Final = AnyColumn(
    "cursor", lambda _, at: "▸" if at.chosen else "•" if at.marked else " ",
    lambda _, at: "key" if at.chosen or at.marked else "normal", cells=1, gap=False,
)  # fmt: skip
WHY: Final = AnyColumn(
    "why", state_word, lambda row, at: at.quiet(urgency_role(row)), why_spans,
    sort=lambda row, at: rank(row, at.routes, at.now),
    seek=state_word, titles=("why.long", "why.mid", "why"), cells=13,
    steps=((3, 6), (5, 4), (6, 10), (13, 12)), rest=True,
)  # fmt: skip
SPARK: Final = AnyColumn(
    "minutes", lambda *_: "", draw=lambda row, at, cells: minutes_of(row, at, cells),
    titles=("minutes.long", "minutes"), steps=((4, 15),),
)  # fmt: skip
USE: Final = AnyColumn(
    "use", lambda row, _: "/".join(amounts(limit)) if (limit := tightest(row)) else NONE,
    draw=use_spans, sort=lambda row, _: -share(limit) if (limit := tightest(row)) else 0.0,
    titles=("use",), steps=((1, 12), (18, 6)), right=True,
)  # fmt: skip
NEXT: Final = AnyColumn(
    "next", next_text, draw=next_spans,
    sort=lambda row, at: coming.at_us if (coming := next_of(row, at)) else FAR_US,
    titles=("next",), steps=((2, 10), (17, 4)), right=True,
)  # fmt: skip
REFUSED: Final = AnyColumn(
    "refused", lambda row, _: three(row.flow.refused_60s) if row.flow.refused_60s else "·",
    lambda row, at: at.quiet("attention" if row.flow.refused_60s else "dim"),
    sort=lambda row, _: -row.flow.refused_60s, titles=("ref/m",), steps=((8, 5),), right=True,
)  # fmt: skip
COST: Final = AnyColumn(
    "cost", lambda row, at: hourly_told(row.flow, at) or "·",
    lambda row, at: at.quiet(hourly_role(row.flow)),
    sort=lambda row, _: -row.flow.spent_60s_nano, titles=("$/h",), steps=((9, 6),), right=True,
)  # fmt: skip
FAILED: Final = AnyColumn(
    "failed", lambda row, _: percent(row.flow.failed_60s, row.flow.ended_60s), _failed_role,
    sort=lambda row, _: -row.flow.failed_60s, titles=("fail/m",), steps=((10, 6),), right=True,
)  # fmt: skip
P95: Final = AnyColumn(
    "p95", lambda row, _: latency(row.flow.p95_ms),
    lambda row, at: at.quiet("dim" if row.flow.p95_ms is None else "normal"),
    sort=lambda row, _: -(row.flow.p95_ms or 0), titles=("p95",), steps=((11, 4),), right=True,
)  # fmt: skip
ASKED: Final = AnyColumn(
    "asked", lambda row, _: three(asked(row)) if asked(row) else "·",
    lambda row, at: at.quiet("normal" if asked(row) else "dim"),
    sort=lambda row, _: -asked(row), titles=("ask/m",), steps=((12, 5),), right=True,
)  # fmt: skip
IN_FLIGHT: Final = AnyColumn(
    "in_flight", lambda row, _: short(row.flow.in_flight) if row.flow.in_flight else "·",
    lambda row, at: at.quiet("normal" if row.flow.in_flight else "dim"),
    sort=lambda row, _: -row.flow.in_flight, titles=("now",), steps=((16, 4),), right=True,
)  # fmt: skip
"""The steps' numbers are those of all columns of `columns.projects`."""


def rate(field: Field, step: int) -> AnyColumn:
    """What was taken of a limit a minute in the last 60 s, with the limit."""

    def told(row: LimitedRow, _: At) -> str:
        limit, taken = limit_on(row, field), short(used_on(row, field))
        return f"{taken}/{short(limit.limit)}" if limit else taken

    return AnyColumn(
        field.value, told, lambda row, at: at.quiet("normal" if used_on(row, field) else "dim"),
        sort=lambda row, _: -used_on(row, field), titles=(field.value,), steps=((step, 9),),
        right=True,
    )  # fmt: skip


def minutes_of(row: LimitedRow, at: At, cells: int) -> Sequence[Span]:
    """What was asked of a row in each of the last minutes."""
    kind = SubjectKind.PROJECT if isinstance(row, ProjectRow) else SubjectKind.TARGET
    limit = limit_on(row, Field.RPM)
    return passed_of(Subject(kind, row.id), limit.limit if limit else 0, at, cells)


def passed_of(subject: Subject, top: int, at: At, cells: int) -> Sequence[Span]:
    """What was asked in each of the last minutes, up to ``top``; 0: to its own greatest.

    Blank where it is not known.
    """
    passed = at.series.get(str(subject))
    if passed is None:
        return [Span(" " * cells)]
    return spark(
        passed.asked, cells, top, role=at.quiet("normal"), refused=passed.refused,
        asked=passed.asked,
    )  # fmt: skip


def asked(row: LimitedRow) -> int:
    """What came in the last 60 s: admitted and refused."""
    return asked_of(row.flow)


def asked_of(flow: Flow) -> int:
    """As `asked`, of what passed."""
    return flow.requests_60s + flow.refused_60s


def hourly(row: LimitedRow, at: At) -> int:
    """What an hour of the last minute's spend would cost, in nano-dollars."""
    return hourly_of(row.flow, at)


def hourly_told(flow: Flow, at: At) -> str:
    """As `hourly_of`, for people: with a question mark where calls of unknown price are not in it;
    empty where nothing was spent."""
    told = usd_short(hourly_of(flow, at)) if flow.spent_60s_nano else ""
    return f"{told}?" if flow.unpriced_60s else told


def hourly_role(flow: Flow) -> str:
    return "attention" if flow.unpriced_60s else "normal" if flow.spent_60s_nano else "dim"


def hourly_of(flow: Flow, at: At) -> int:
    """As `hourly`, of what passed."""
    return flow.spent_60s_nano * 3_600_000_000 // counted_minute_us(at.now)
