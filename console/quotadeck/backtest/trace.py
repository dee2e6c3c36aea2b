"""From the ledger's records to the requests that are replayed, in the order in which they came."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from quotadeck.admission.size import Size
from quotadeck.backtest.asked import Request, Spent, Trace, UnderWay
from quotadeck.backtest.records import COLUMNS, Records
from quotadeck.backtest.sharing import Sharing
from quotadeck.backtest.terms import Terms
from quotadeck.backtest.usual import Usual, usual_of
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


assert len(Row._fields) == len(COLUMNS)


def read(
    records: Records,
    terms: Terms,
    shared: Sharing,
    span_us: tuple[int, int],
    share: float,
    open_calls: Sequence[UnderWay] = (),
) -> Trace:
    """What came of the projects in a time, and is on record or open now; ``share`` as of `Records`.

    It begins where the levels were last written down before that time.
    """
    (projects, buckets), (since_us, until_us) = shared, span_us
    levels = records.levels(since_us, buckets)
    newest_us = max((level.at_us for level in levels), default=0)
    begin_us = newest_us if newest_us > since_us - _SAME_RECORD_US else since_us
    open_calls = [one for one in open_calls if one.project in projects]
    known = {one[:2] for one in open_calls}
    calls = records.calls(begin_us, projects, share)
    if known:  # it may have ended between the question and now
        calls = (row for row in calls if row[:2] not in known)
    requests, under_way, rows = _told(calls, begin_us)
    kinds = {(row.project, row.model) for row in rows}
    kinds |= {(one.project, one.model) for one in open_calls}
    usual = usual_of(kinds, (*requests, *under_way))
    for one in open_calls:
        into = requests if one.at_us > begin_us else under_way
        into.append(_still_open(one, usual[one.project, one.model]))
    for row in rows:
        kind = usual.get((row.project, row.model), _NO_USUAL)
        requests += _refused(row, kind, terms.serving(row.model))
    requests.sort(key=itemgetter(0))
    settled, spent = _spent(records, terms, projects, (begin_us, until_us), (*requests, *under_way))
    end = next((at for at, one in enumerate(reversed(requests)) if one.at_us <= until_us), 0)
    del requests[len(requests) - end :]
    return Trace(begin_us, since_us, until_us, requests, under_way, levels, spent, settled)


def _told(
    rows: Iterable[tuple[Any, ...]], begin_us: int
) -> tuple[list[Request], list[Request], list[Row]]:
    """Requests that were admitted, those of them that had been before, and refusals to spread."""
    requests: list[Request] = []
    under_way: list[Request] = []
    refused: list[Row] = []
    # Once a call: what can be done in one step is.
    for row in rows:
        at_us, project, model, key_id, client_id, retry, asked_in, asked_out, held = row[:9]
        used_in, used_out, cost, cached, written, fees, ms, target, outcome, cause = row[9:19]
        if outcome == _REFUSED:
            if at_us > begin_us:
                refused.append(Row._make(row))
            continue
        if at_us > begin_us:
            into = requests
        elif at_us + ms * 1_000 > begin_us:
            into = under_way
        else:
            continue
        failed = outcome == _FAILED
        into.append(
            Request(
                at_us,
                project,
                model,
                key_id,
                client_id,
                retry,
                Size(asked_in, asked_out, held, False),
                Used(used_in, used_out, cost),
                cached,
                written,
                fees,
                ms * 1_000,
                target,
                True,
                False,
                False,
                failed and cause in _NEVER_SENT,
                failed,
            )
        )
    return requests, under_way, refused


def _still_open(one: UnderWay, usual: Usual) -> Request:
    """It ends behind all that is replayed."""
    size = Size(one.estimated_input, one.estimated_output, one.held_nano_usd, False)
    used = usual.used(size)
    return Request(*one[:6], size, used, 0, 0, 0, _FOR_EVER_US, one.target, True, running=True)


_FOR_EVER_US: Final = 1 << 60
_REFUSED: Final = Outcome.REFUSED.value
_FAILED: Final = Outcome.UPSTREAM_ERROR.value


def _refused(row: Row, kind: Usual, target: str) -> Iterator[Request]:
    """A run's requests came evenly spread, each of its mean size."""
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
    instants_us: tuple[int, int],
    since: Sequence[Request],
) -> tuple[Spent, Spent]:
    """What is settled, of the days of the beginning and the end; and what was at the beginning:
    all of that day, less what came since."""
    days: dict[str, Day] = {}
    names = set[str]()
    for project in projects:
        if plan := terms.project(project):
            first, last = (day_at(at_us, plan.project.zone) for at_us in instants_us)
            days[project] = first
            names |= {first.name, last.name}
    settled = records.spent(names, projects)
    left = {project: settled.get(project, {}).get(day.name, 0) for project, day in days.items()}
    for one in since:
        day = days.get(one.project)
        if one.admitted and not one.running and day and day.start_us <= one.at_us < day.end_us:
            left[one.project] -= one.used.cost_nano
    return settled, {project: {days[project].name: max(0, n)} for project, n in left.items()}
