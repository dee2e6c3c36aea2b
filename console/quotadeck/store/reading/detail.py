# ruff: noqa: S608 - the SQL is put together from our own names alone
"""One project's last quarter of an hour, taken apart: a few milliseconds, however long the ledger.

Minutes and hours are looked up one by one by their key, and of the calls only the newest are read.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.detail import (
    SINCE_MINUTES,
    WINDOW_MINUTES,
    Caller,
    CauseFound,
    ModelUse,
    ProjectDetail,
)
from quotadeck.domain.latency import quantile_ms
from quotadeck.store.journal.call_record import COLUMNS, call_of_row
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.sqlite.tables import HOUR, LATENCY_COLUMNS, MINUTE, UNPRICED

LOOKED_AT: Final = 5_000
"""So many of the newest calls and counted runs tell of keys and failures."""
MOST: Final = 20
"""Models, causes and keys that are told, each: the commonest."""
_DAYS: Final = 7
_DAY_US: Final = 24 * HOUR.length_us
_SUMMED: Final = ("forwarded", "upstream_errors", "cost_nano_usd", *LATENCY_COLUMNS)
_FAULTS: Final = (Outcome.UPSTREAM_ERROR, Outcome.CLIENT_ERROR, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Calls of one kind among the newest, and how many."""

    key_id: str
    model: str
    target: str
    outcome: str
    cause: str
    count: int
    retried: int
    first_us: int
    last_us: int
    unpriced: int
    newest: int | None
    """The cursor of the newest with a record of its own."""


class Detail(ReadConnection):
    async def project_detail(self, project: str, at_us: int) -> ProjectDetail:
        """What passed of it in the present minute and the fourteen before."""
        this_us = at_us - at_us % MINUTE.length_us
        starts = [this_us - ago * MINUTE.length_us for ago in range(SINCE_MINUTES)]
        since_us = starts[WINDOW_MINUTES - 1]
        sums = await self._of_starts(
            "rollups_minute",
            MINUTE.column,
            ("model",),
            _SUMMED,
            starts[:WINDOW_MINUTES],
            project,
        )
        refused = await self._of_starts(
            "refusals_minute",
            MINUTE.column,
            ("cause", "model", "r.minute_us"),
            ("count",),
            starts,
            project,
        )
        looked_us, kinds = await self._newest(project, since_us)
        examples = await self._examples(kinds)
        return ProjectDetail(
            project=project,
            at_us=at_us,
            since_us=since_us,
            calls_since_us=looked_us,
            models=_models(sums, refused, kinds, since_us),
            causes=_causes(refused, kinds, examples, since_us, starts[-1]),
            callers=_callers(kinds),
            usual_hour_nano=await self._usual(project, at_us),
        )

    async def _of_starts(
        self,
        table: str,
        column: str,
        by: Sequence[str],
        summed: Sequence[str],
        starts: Sequence[int],
        project: str,
    ) -> list[Any]:
        group, sums = ", ".join(by), ", ".join(f"SUM({name})" for name in summed)
        return await self._rows(
            f"SELECT {group}, {sums} FROM json_each(?) AS asked CROSS JOIN {table} AS r "
            f"ON r.source_id = ? AND r.{column} = asked.value AND project = ? GROUP BY {group}",
            (orjson.dumps(list(starts)).decode(), self.source, project),
        )

    async def _newest(self, project: str, since_us: int) -> tuple[int, list[_Kind]]:
        """Since when the newest calls were looked at, and the kinds of them since then."""
        newest = (
            "SELECT seq, id, at_us, key_id, model, target, outcome, cause, count, retry, "
            f"last_us, ({UNPRICED}) AS unpriced "
            "FROM calls WHERE project = ? AND source_id = ? ORDER BY seq DESC LIMIT ?"
        )
        values = (project, self.source, LOOKED_AT)
        rows = await self._rows(
            "SELECT key_id, model, target, outcome, cause, SUM(count), "
            "SUM(CASE WHEN retry > 0 THEN count ELSE 0 END), MIN(at_us), "
            "MAX(coalesce(last_us, at_us)), SUM(unpriced), "
            "MAX(CASE WHEN last_us IS NULL THEN seq END) "
            f"FROM ({newest}) WHERE at_us >= ? GROUP BY key_id, model, target, outcome, cause",
            (*values, since_us),
        )
        edge = await self._rows(
            "SELECT at_us FROM calls WHERE project = ? AND source_id = ? "
            "ORDER BY seq DESC LIMIT 1 OFFSET ?",
            (project, self.source, LOOKED_AT - 1),
        )
        looked_us = max(since_us, edge[0][0]) if edge else since_us
        return looked_us, [_Kind(*row) for row in rows]

    async def _examples(self, kinds: Sequence[_Kind]) -> dict[int, Call]:
        """The newest call of each kind that did not go well, by its cursor."""
        bad = [kind for kind in kinds if kind.outcome != Outcome.OK and kind.newest is not None]
        wanted = sorted((kind.newest or 0 for kind in bad), reverse=True)[: 4 * MOST]
        rows = await self._rows(
            f"SELECT seq, {', '.join(COLUMNS)} FROM calls "
            "WHERE seq IN (SELECT value FROM json_each(?))",
            (orjson.dumps(wanted).decode(),),
        )
        return {row[0]: call_of_row(row[1:]) for row in rows}

    async def _usual(self, project: str, at_us: int) -> tuple[int, ...]:
        this_us = at_us - at_us % HOUR.length_us
        first = await self._rows(
            "SELECT MIN(hour_us) FROM rollups_hour WHERE source_id = ?", (self.source,)
        )
        began_us = first[0][0]
        hours = [this_us - day * _DAY_US for day in range(1, _DAYS + 1)]
        # The hour in which the ledger began is no whole one.
        hours = [hour for hour in hours if began_us is not None and hour > began_us]
        found = dict(
            await self._of_starts(
                "rollups_hour",
                HOUR.column,
                ("r.hour_us",),
                ("cost_nano_usd",),
                hours,
                project,
            )
        )
        return tuple(found.get(hour, 0) for hour in hours)


def _models(
    sums: Sequence[Any], refused: Sequence[Any], kinds: Sequence[_Kind], since_us: int
) -> tuple[ModelUse, ...]:
    turned_away = Counter[str]()
    for _, model, minute_us, count in refused:
        if minute_us >= since_us:
            turned_away[model] += count
    served: dict[str, Counter[str]] = {}
    for kind in kinds:
        if kind.target:
            served.setdefault(kind.model, Counter())[kind.target] += kind.count
    unpriced = Counter[str]()
    for kind in kinds:
        unpriced[kind.model] += kind.unpriced
    known = {model: (forwarded, *rest) for model, forwarded, *rest in sums}
    uses = []
    for model in {**known, **turned_away}:
        forwarded, failed, cost, *latency = known.get(model, (0, 0, 0))
        uses.append(
            ModelUse(
                model=model,
                targets=tuple(name for name, _ in served.get(model, Counter()).most_common(MOST)),
                asked=forwarded + turned_away[model],
                refused=turned_away[model],
                forwarded=forwarded,
                failed=failed,
                cost_nano=cost,
                p95_ms=quantile_ms(latency, 0.95),
                unpriced=unpriced[model],
            )
        )
    return tuple(sorted(uses, key=lambda use: (-use.asked, use.model))[:MOST])


def _causes(
    refused: Sequence[Any],
    kinds: Sequence[_Kind],
    examples: dict[int, Call],
    since_us: int,
    earliest_us: int,
) -> tuple[CauseFound, ...]:
    """Refusals as the minutes count them, failures as the newest calls do."""
    minutes: dict[str, Counter[int]] = {}
    for cause, _, minute_us, count in refused:
        minutes.setdefault(cause, Counter())[minute_us] += count
    found: dict[tuple[str, str], list[_Kind]] = {}
    for kind in kinds:
        if kind.outcome != Outcome.OK:
            found.setdefault((kind.outcome, kind.cause), []).append(kind)
    told = []
    for cause, by_minute in minutes.items():
        count = sum(many for minute, many in by_minute.items() if minute >= since_us)
        if count:
            like = found.get((Outcome.REFUSED, cause), [])
            last_us = max((kind.last_us for kind in like), default=max(by_minute))
            began_us = _began(by_minute, earliest_us)
            told.append(_cause(Outcome.REFUSED, cause, count, began_us, last_us, like, examples))
    for (outcome, cause), like in found.items():
        if outcome in _FAULTS:
            count = sum(kind.count for kind in like)
            first_us = min(kind.first_us for kind in like)
            last_us = max(kind.last_us for kind in like)
            told.append(_cause(outcome, cause, count, first_us, last_us, like, examples))
    return tuple(sorted(told, key=lambda one: (-one.count, one.cause))[:MOST])


def _began(minutes: Counter[int], earliest_us: int) -> int | None:
    """The first of the minutes without a gap up to the last; a minute may be missing between."""
    began = max(minutes)
    while any((near := began - ago * MINUTE.length_us) in minutes for ago in (1, 2)):
        began = near
    return began if began > earliest_us + MINUTE.length_us else None


def _cause(
    outcome: str,
    cause: str,
    count: int,
    since_us: int | None,
    last_us: int,
    like: Sequence[_Kind],
    examples: dict[int, Call],
) -> CauseFound:
    newest = max((kind.newest for kind in like if kind.newest in examples), default=None)
    if newest is None:
        return CauseFound(outcome, cause, count, since_us, last_us)
    call = examples[newest]
    gate = call.gates[0] if call.gates else None
    return CauseFound(
        outcome,
        cause,
        count,
        since_us,
        last_us,
        call.id,
        call.binding,
        gate.limit if gate else None,
        gate.asked if gate else None,
        gate.level if gate else None,
    )


def _callers(kinds: Sequence[_Kind]) -> tuple[Caller, ...]:
    keys: dict[str, list[_Kind]] = {}
    for kind in kinds:
        keys.setdefault(kind.key_id, []).append(kind)
    callers = [
        Caller(
            key_id,
            sum(kind.count for kind in of),
            sum(kind.count for kind in of if kind.outcome == Outcome.REFUSED),
            sum(kind.retried for kind in of),
        )
        for key_id, of in keys.items()
    ]
    return tuple(sorted(callers, key=lambda one: (-one.asked, one.key_id))[:MOST])
