"""From the ledger's records to the requests that are replayed, in the order in which they came."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from quotadeck.admission.size import Size
from quotadeck.backtest.asked import Request, Trace
from quotadeck.backtest.records import COLUMNS, Records
from quotadeck.backtest.terms import Terms
from quotadeck.backtest.usual import Kind, Usual, usual_of
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.days import Day, day_at
from quotadeck.domain.limits import MICRO
from quotadeck.domain.rules import LimitKind, Used, bucket_of

_NEVER_SENT: Final = frozenset({Cause.UNREACHABLE, Cause.UNRECORDED})
_NO_USUAL: Final = Usual()
_SAME_RECORD_US: Final = 60_000_000
"""Levels older than this before a start are of buckets that stood still, or of a gateway that did.
"""


class Row(NamedTuple):
    """A record, its fields as in `COLUMNS`."""

    at_us: int
    project: str
    model: str
    key_id: str
    client_id: str
    retry: int
    estimated_input: int
    estimated_output: int
    held_nano: int
    input_tokens: int
    output_tokens: int
    cost_nano: int
    cached_tokens: int
    cache_write_tokens: int
    fees_nano: int
    total_ms: int
    target: str
    outcome: str
    cause: str
    count: int  # type: ignore[assignment]  # a tuple's own way to count is not wanted
    binding: str
    wait_ms: int | None
    first_us: int | None
    last_us: int | None
    keys: int | None
    asked_sum: int | None

    @property
    def ended_us(self) -> int:
        return self.at_us + self.total_ms * 1_000


assert len(Row._fields) == len(COLUMNS)
_kind_and_figures: Final = itemgetter(
    *map(
        Row._fields.index,
        (
            *("project", "model", "estimated_input", "estimated_output", "held_nano"),
            *("input_tokens", "output_tokens", "cost_nano", "total_ms"),
        ),
    )
)


def read(
    records: Records,
    terms: Terms,
    projects: Collection[str],
    buckets: Collection[str],
    since_us: int,
    until_us: int,
    share: float,
) -> Trace:
    """What came of the projects. ``buckets`` are those of rates; the rest as in `Records.calls`.

    It begins where the levels were last written down before ``since_us``.
    """
    levels = records.levels(since_us, buckets)
    newest_us = max((level.at_us for level in levels), default=0)
    begin_us = newest_us if newest_us > since_us - _SAME_RECORD_US else since_us
    rows = [Row._make(row) for row in records.calls(begin_us, projects, share)]
    served = (row for row in rows if row.outcome == Outcome.OK)
    usual = usual_of(map(_kind_and_figures, served))
    requests: list[Request] = []
    under_way: list[Request] = []
    for row in rows:
        if row.at_us > begin_us:
            requests += _requests(row, usual, terms)
        elif row.outcome != Outcome.REFUSED and row.ended_us > begin_us:
            under_way.append(_served(row, usual))
    requests.sort(key=itemgetter(0))
    end = next((at for at, one in enumerate(reversed(requests)) if one.at_us <= until_us), 0)
    del requests[len(requests) - end :]
    spent = _spent(records, terms, projects, begin_us, (*requests, *under_way))
    return Trace(begin_us, since_us, until_us, requests, under_way, levels, spent)


def _requests(row: Row, usual: Mapping[Kind, Usual], terms: Terms) -> Iterable[Request]:
    if row.outcome == Outcome.REFUSED:
        return _refused(row, usual, terms.serving(row.model))
    return (_served(row, usual),)


def _served(row: Row, usual: Mapping[Kind, Usual]) -> Request:
    size = Size(row.estimated_input, row.estimated_output, row.held_nano, False)
    took_us = row.total_ms * 1_000
    failed = row.outcome == Outcome.UPSTREAM_ERROR
    if row.outcome == Outcome.UNKNOWN and not took_us:
        took_us = usual.get((row.project, row.model), _NO_USUAL).took_us
    return Request(
        row.at_us,
        row.project,
        row.model,
        row.key_id,
        row.client_id,
        row.retry,
        size,
        Used(row.input_tokens, row.output_tokens, row.cost_nano),
        row.cached_tokens,
        row.cache_write_tokens,
        row.fees_nano,
        took_us,
        row.target,
        True,
        unspent=failed and row.cause in _NEVER_SENT,
        failed=failed,
    )


def _refused(row: Row, usual: Mapping[Kind, Usual], target: str) -> Iterator[Request]:
    """A run's requests came evenly spread, each of its mean size."""
    kind = usual.get((row.project, row.model), _NO_USUAL)
    unsized = not row.held_nano and not row.estimated_input
    size = kind.size if unsized else _mean(row)
    counted = row.first_us is not None
    first_us, last_us = row.first_us or row.at_us, row.last_us or row.at_us
    for number in range(row.count):
        yield Request(
            first_us + (last_us - first_us) * number // max(1, row.count - 1),
            row.project,
            row.model,
            row.key_id,
            "" if number else row.client_id,
            row.retry,
            size,
            kind.used(size),
            0,
            0,
            0,
            kind.took_us,
            target,
            False,
            counted,
            unsized,
            wait_ms=row.wait_ms or 0,
        )


def _mean(row: Row) -> Size:
    """The record tells its first one's size, and what all asked of the bucket that refused them."""
    tokens, held = row.estimated_input + row.estimated_output, row.held_nano
    own = Size(row.estimated_input, row.estimated_output, held, False)
    if not row.asked_sum or not row.binding:
        return own
    kind = bucket_of(row.binding)[1]
    if kind == LimitKind.TPM and tokens:
        mean = row.asked_sum // (row.count * MICRO)
        return _scaled(own, mean, tokens)
    if kind == LimitKind.BUDGET and held:
        return _scaled(own, row.asked_sum // row.count, held)
    return own


def _scaled(own: Size, by: int, of: int) -> Size:
    if by == of:
        return own
    figures = own.input_tokens * by // of, own.output_tokens * by // of, own.bound_nano * by // of
    return Size(*figures, own.bound_is_estimate)


def _spent(
    records: Records,
    terms: Terms,
    projects: Collection[str],
    begin_us: int,
    since: Sequence[Request],
) -> dict[str, dict[str, int]]:
    """What was settled by ``begin_us``, by project and day: all of it, less what came since."""
    days: dict[str, Day] = {}
    for project in projects:
        if plan := terms.project(project):
            days[project] = day_at(begin_us, plan.project.zone)
    told = records.spent({day.name for day in days.values()}, projects)
    left = {project: told.get(project, {}).get(day.name, 0) for project, day in days.items()}
    for one in since:
        day = days.get(one.project)
        if one.admitted and day and day.start_us <= one.at_us < day.end_us:
            left[one.project] -= one.used.cost_nano
    return {project: {days[project].name: max(0, nano)} for project, nano in left.items()}
