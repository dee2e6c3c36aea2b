# ruff: noqa: S608 - the SQL is put together from our own names alone
"""Sums of calls: by minute, hour and day, of a project, of all time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from quotadeck.domain.history import Rollup, Total
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.sqlite.tables import (
    COUNT_COLUMNS,
    DAY,
    LATENCY_COLUMNS,
    PERIODS,
    SUM_COLUMNS,
)

_BEFORE_LATENCY: Final = 2 + len(SUM_COLUMNS) - len(LATENCY_COLUMNS)


class Rollups(ReadConnection):
    async def rollups(
        self,
        *,
        per: str,
        after: int = 0,
        limit: int = 1000,
        project: str = "",
        model: str = "",
        since_us: int | None = None,
    ) -> list[Rollup]:
        """Roll-ups changed after a cursor, in that order.

        ``per`` is minute, hour or day; ``since_us`` is not for days.
        """
        column = PERIODS[per].column
        where = ["r.source_id = ?", "change > ?"]
        values: list[object] = [self.source, after]
        if since_us is not None and PERIODS[per].length_us:
            where.append(f"{column} >= ?")
            values.append(since_us)
        for name, value in (("project", project), ("model", model)):
            if value:
                where.append(f"{name} = ?")
                values.append(value)
        rows = await self._rows(
            f"SELECT change, {column}, project, model, {', '.join(SUM_COLUMNS)}, "
            f"(SELECT json_group_object(cause, count) FROM refusals_{per} AS f "
            f"WHERE f.source_id = r.source_id AND f.{column} = r.{column} "
            "AND f.project = r.project AND f.model = r.model) "
            f"FROM rollups_{per} AS r WHERE {' AND '.join(where)} ORDER BY change LIMIT ?",
            (*values, limit),
        )
        return [_rollup(row, dated=column == DAY.column) for row in rows]

    async def spent_on(self, days: Mapping[str, str]) -> dict[str, int]:
        """For each project's local day: the nano-dollars that its day roll-ups sum to."""
        rows = await self._rows(
            "SELECT r.project, SUM(r.cost_nano_usd) FROM json_each(?) AS asked "
            "CROSS JOIN rollups_day AS r ON r.source_id = ? AND r.day = asked.value "
            "AND r.project = asked.key GROUP BY r.project",
            (orjson.dumps(dict(days)).decode(), self.source),
        )
        return dict.fromkeys(days, 0) | dict(rows)

    async def spent_after(self, day: str) -> dict[str, dict[str, int]]:
        """What was spent on each later local day, in nano-dollars by project and day."""
        rows = await self._rows(
            "SELECT project, day, SUM(cost_nano_usd) FROM rollups_day "
            "WHERE source_id = ? AND day > ? GROUP BY project, day",
            (self.source, day),
        )
        spent: dict[str, dict[str, int]] = {}
        for project, name, nano in rows:
            spent.setdefault(project, {})[name] = nano
        return spent

    async def totals(self) -> dict[str, Total]:
        """By project, since the ledger began."""
        sums = ", ".join(f"SUM({name})" for name in (*COUNT_COLUMNS, "cost_nano_usd"))
        rows = await self._rows(
            f"SELECT project, {sums} FROM rollups_day WHERE source_id = ? GROUP BY project",
            (self.source,),
        )
        refused: dict[str, dict[str, int]] = {}
        for project, cause, count in await self._rows(
            "SELECT project, cause, SUM(count) FROM refusals_day "
            "WHERE source_id = ? GROUP BY project, cause",
            (self.source,),
        ):
            refused.setdefault(project, {})[cause] = count
        return {row[0]: Total(*[*row, refused.get(row[0], {})]) for row in rows}


def _rollup(row: Sequence[Any], *, dated: bool) -> Rollup:
    """From change, period, project, model, the sums, and the refusals as JSON."""
    seq, period, *sums, refused = row
    at_us, day = (None, period) if dated else (period, None)
    latency = tuple(sums[_BEFORE_LATENCY:])
    return Rollup(seq, at_us, day, *[*sums[:_BEFORE_LATENCY], latency, orjson.loads(refused)])
