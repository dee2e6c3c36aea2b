# ruff: noqa: S608 - the SQL is put together from our own names alone
"""What some hours summed up to by project: what is usual at this hour of the day."""

from collections.abc import Sequence
from typing import Final

import orjson

from quotadeck.domain.usual import Usual, usual_of
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.sqlite.tables import LATENCY_COLUMNS

A_SLICE: Final = 50
"""Projects that one question asks for: 14 hours of each are some milliseconds."""
_SUMS: Final = ", ".join(f"SUM({name})" for name in LATENCY_COLUMNS)


class Usuals(ReadConnection):
    async def usual(self, hours_us: Sequence[int], projects: Sequence[str]) -> dict[str, Usual]:
        """By project, of the hours that began at those instants; without who has too few."""
        found = {}
        for start in range(0, len(projects), A_SLICE):
            rows = await self._rows(
                f"SELECT project, COUNT(DISTINCT hour_us), SUM(cost_nano_usd), {_SUMS} "
                "FROM rollups_hour WHERE source_id = ? "
                "AND hour_us IN (SELECT value FROM json_each(?)) "
                "AND project IN (SELECT value FROM json_each(?)) GROUP BY project",
                (
                    self.source,
                    orjson.dumps(list(hours_us)).decode(),
                    orjson.dumps(projects[start : start + A_SLICE]).decode(),
                ),
            )
            for project, days, nano, *latencies in rows:
                if usual := usual_of(days, nano, latencies):
                    found[project] = usual
        return found
