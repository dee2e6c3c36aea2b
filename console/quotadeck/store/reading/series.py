# ruff: noqa: S608 - the SQL is put together from our own names alone
"""What passed of projects, models and the gateway, step by step, from the roll-ups."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from quotadeck.domain.ids import least_id
from quotadeck.domain.series import Passed, SeriesPage, Window, recorded, series, window
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.store.events import ALIVE, told_of
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.sqlite.retention import Keep
from quotadeck.store.sqlite.tables import HOUR, MINUTE

MINUTES_US: Final = Keep().minutes_us
STARTS: Final = ("gateway.started", "gateway.restarted")
_SUMS: Final = (
    "SUM(forwarded), SUM(upstream_errors), SUM(input_tokens) + SUM(output_tokens), "
    "SUM(cost_nano_usd)"
)
_STARTED: Final = "SELECT at_us, kind, facts FROM events WHERE source_id = ? AND kind IN (?, ?)"
_BY: Final = {
    "project": ("r.project", ", json_each(?3) AS asked", "AND r.project = asked.value"),
    "model": ("r.model", "", "AND r.model IN (SELECT value FROM json_each(?3))"),
    "gateway": ("''", "", ""),
}
"""What a sum is of, by the kind of subject; which are listed; which rows are theirs."""

Found = dict[str, dict[int, Passed]]
"""By a subject's name and the start of a step."""


class SeriesOf(ReadConnection):
    async def series(
        self, subjects: Sequence[Subject], *, minutes: int, until_us: int | None, now_us: int
    ) -> SeriesPage:
        """The last so many whole minutes before an instant, by default now, of each subject.

        They are hours where they begin over 48 h ago. Of a kind that is not in `WITH_SERIES`
        nothing is recorded. A step is None where the ledger had not begun, the gateway was down
        for all of it, or which is to come.
        """
        until_us = now_us if until_us is None else until_us
        span = window(minutes, until_us, now_us - MINUTES_US)
        away = await self._away(span.start_us, span.end_us)
        # The step that is under way is recorded, as far as it is.
        blank = recorded(span, self.epoch * 1_000, now_us, away)
        passed = {
            SubjectKind.PROJECT: await self._passed("project", span, _named(subjects, "project")),
            SubjectKind.MODEL: await self._passed("model", span, _named(subjects, "model")),
            SubjectKind.GATEWAY: await self._passed("gateway", span, _named(subjects, "gateway")),
        }
        nothing = (None,) * span.steps
        rows = tuple(
            series(subject, span, blank, passed[subject.kind].get(subject.name, {}))
            if subject.kind in passed
            else series(subject, span, nothing, {})
            for subject in subjects
        )
        covered = span.steps * span.step_us // MINUTE.length_us
        return SeriesPage(span.start_us, covered, span.step_us // 1_000, rows)

    async def _passed(self, name: str, span: Window, names: Sequence[str]) -> Found:
        found: Found = {}
        if not names:
            return found
        per = MINUTE if span.step_us == MINUTE.length_us else HOUR
        for one, start_us, *sums in await self._summed(
            f"rollups_{per.name}", per.column, name, _SUMS, span, names
        ):
            found.setdefault(one, {})[start_us] = Passed(*sums)
        for one, start_us, count in await self._summed(
            f"refusals_{per.name}", per.column, name, "SUM(count)", span, names
        ):
            steps = found.setdefault(one, {})
            steps[start_us] = steps.get(start_us, Passed())._replace(refused=count)
        return found

    async def _summed(
        self, table: str, column: str, name: str, sums: str, span: Window, names: Sequence[str]
    ) -> list[Any]:
        """(name, start of a step, sums). A step and a project is a place in the table's key."""
        steps, asked = orjson.dumps(span.starts_us).decode(), orjson.dumps(names).decode()
        values: list[object] = [steps, self.source]
        one, listed, of_them = _BY[name]
        if of_them:
            values.append(asked)
        return await self._rows(
            f"SELECT {one}, r.{column}, {sums} FROM json_each(?1) AS step{listed} "
            f"CROSS JOIN {table} AS r ON r.source_id = ?2 AND r.{column} = step.value {of_them} "
            "GROUP BY 1, 2",
            tuple(values),
        )

    async def _away(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """From when to when the gateway was down, where a start within or behind has told."""
        low, high = least_id("evt", start_us), least_id("evt", end_us)
        of = (self.source, *STARTS)
        within = await self._rows(f"{_STARTED} AND id BETWEEN ? AND ?", (*of, low, high))
        behind = await self._rows(f"{_STARTED} AND id > ? ORDER BY id LIMIT 1", (*of, high))
        return list(_downtimes([*within, *behind]))


def _downtimes(rows: Iterable[Any]) -> Iterable[tuple[int, int]]:
    for at_us, kind, facts in rows:
        alive_us = told_of(kind, facts).facts.get(ALIVE)
        if isinstance(alive_us, int):
            yield alive_us, at_us


def _named(subjects: Sequence[Subject], kind: str) -> list[str]:
    return [subject.name for subject in subjects if subject.kind == kind]
