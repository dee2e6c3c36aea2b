# ruff: noqa: S608 - the SQL is put together from our own names alone
"""What passed around an instant, what was spent by then, what held: for the picture of the past.

Calls lie in the order of their ends, levels and events in that of their instants, so that the place
of an instant among them is found by halving, without an index: some twenty looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from quotadeck.domain.cause import NOT_THE_UPSTREAMS
from quotadeck.domain.history import StateSpan
from quotadeck.domain.latency import BOUNDS_MS
from quotadeck.domain.passed import (
    MINUTE_US,
    MODELS_US,
    SPENT_US,
    LastRefused,
    Lately,
    Passed,
    Took,
)
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import SubjectKind
from quotadeck.store.events import told_of
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.sqlite.tables import LATENCY_COLUMNS, UNPRICED, Per

ENDED: Final = "coalesce(last_us, at_us + total_ms * 1000)"
"""When a call ended; of counted refusals, when the last of them came."""
_BEGAN: Final = "coalesce(last_us, at_us)"

_NOT_THEIRS: Final = ", ".join(f"'{cause}'" for cause in sorted(NOT_THE_UPSTREAMS))
FAILED: Final = (
    "CASE WHEN outcome = 'upstream_error' THEN 1 "
    f"ELSE outcome = 'unknown' AND cause NOT IN ({_NOT_THEIRS}) END"
)
_WELL: Final = (
    f"CASE WHEN cause IN ({_NOT_THEIRS}) THEN 0 ELSE outcome IN ('ok', 'client_error') END"
)
_FRESH: Final = f"{_BEGAN} > ?3 AND model <> ''"
_NAMED: Final = "hex(model)"
"""A model's name may hold what parts a list."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a table an instant lies: behind the row before ``seq``. ``oldest`` is its first."""

    oldest: int
    seq: int


class Totals(NamedTuple):
    """Sums of one period, project and model, and the latencies by column."""

    period_us: int
    project: str
    model: str
    forwarded: int
    failed: int
    invalid: int
    input_tokens: int
    output_tokens: int
    cost_nano: int
    latency: tuple[int, ...]


class Around(ReadConnection):
    async def place(self, at_us: int, table: str = "calls", when: str = ENDED) -> Place:
        """The first row that is later than the instant; of our own names alone."""
        later = (
            f"coalesce((SELECT {when} FROM {table} WHERE seq >= (lo + hi) / 2 AND source_id = ?2 "
            "ORDER BY seq LIMIT 1) > ?1, 1)"
        )
        rows = await self._rows(
            "WITH RECURSIVE halves(lo, hi) AS ("
            f"SELECT coalesce((SELECT min(seq) FROM {table}), 1), "
            f"coalesce((SELECT max(seq) FROM {table}), 0) + 1 UNION ALL "
            f"SELECT CASE WHEN {later} THEN lo ELSE (lo + hi) / 2 + 1 END, "
            f"CASE WHEN {later} THEN (lo + hi) / 2 ELSE hi END FROM halves WHERE lo < hi) "
            f"SELECT lo, (SELECT min(seq) FROM {table}) FROM halves WHERE lo >= hi",
            (at_us, self.source),
        )
        seq, oldest = rows[0]
        return Place(oldest or seq, seq)

    async def ended_us(self, seq: int) -> int | None:
        """When the first call from there on ended."""
        rows = await self._rows(
            f"SELECT {ENDED} FROM calls WHERE seq >= ? AND source_id = ? ORDER BY seq LIMIT 1",
            (seq, self.source),
        )
        return rows[0][0] if rows else None

    async def passed(
        self, at_us: int, first: int, behind: int, *, booked_since_us: int
    ) -> list[Passed]:
        """Sums of the calls between two places that ended in the minute, or had not ended then.

        ``booked_nano`` is what those cost that began at ``booked_since_us`` or later and had ended,
        less what those cost that began before and had not: for the sums have them already.
        """
        began, ended = f"{_BEGAN} > ?2 AND {_BEGAN} <= ?1", f"{ENDED} > ?2 AND {ENDED} <= ?1"
        flying = f"at_us <= ?1 AND {ENDED} > ?1 AND outcome <> 'refused'"
        rows = await self._rows(
            "SELECT project, target, model, outcome, cause, binding, "
            f"{_sum('count', began)}, {_sum('count', ended)}, "
            f"{_sum('input_tokens', ended)}, {_sum('output_tokens', ended)}, "
            f"{_sum('cost_nano_usd', ended)}, "
            f"{_sum('1', flying)}, {_sum('held_nano_usd', flying)}, "
            f"{_sum('cost_nano_usd', f'at_us >= ?3 AND {ENDED} <= ?1')} - "
            f"{_sum('cost_nano_usd', f'at_us < ?3 AND {ENDED} > ?1')} "
            "FROM calls NOT INDEXED WHERE seq >= ?4 AND seq < ?5 AND source_id = ?6 "
            f"AND at_us <= ?1 AND {ENDED} > ?2 "
            "GROUP BY project, target, model, outcome, cause, binding",
            (at_us, at_us - MINUTE_US, booked_since_us, first, behind, self.source),
        )
        return [Passed(*row) for row in rows]

    async def lately(self, at_us: int, first: int, behind: int) -> list[Lately]:
        """By project, by target and by model, of the calls between two places."""
        values = (at_us, at_us - SPENT_US, at_us - MODELS_US, first, behind, self.source)
        since = f"{ENDED} > ?2 AND {ENDED} <= ?1"
        found = []
        for kind, asked in (
            (SubjectKind.PROJECT, f"group_concat(DISTINCT {_NAMED}) FILTER (WHERE {_FRESH})"),
            (SubjectKind.TARGET, "''"),
            (SubjectKind.MODEL, "''"),
        ):
            rows = await self._rows(
                f"SELECT {kind.value}, {_sum('cost_nano_usd', since)}, "
                f"coalesce(max({ENDED}) FILTER (WHERE {since} AND {FAILED}), 0), "
                f"coalesce(max({ENDED}) FILTER (WHERE {since} AND {_WELL}), 0), "
                f"coalesce({asked}, '') FROM calls NOT INDEXED WHERE seq >= ?4 AND seq < ?5 "
                f"AND source_id = ?6 AND at_us <= ?1 AND ?3 GROUP BY {kind.value}",
                values,
            )
            found += [Lately(kind, *row[:4])._replace(models=_names(row[4])) for row in rows]
        return found

    async def last_refused(self, at_us: int, first: int, behind: int) -> list[LastRefused]:
        """Of the calls between two places, by project, model, cause and binding bucket."""
        rows = await self._rows(
            f"SELECT project, model, cause, binding, max({_BEGAN}) FROM calls NOT INDEXED "
            "WHERE seq >= ? AND seq < ? AND source_id = ? AND outcome = 'refused' "
            f"AND {_BEGAN} > ? AND {_BEGAN} <= ? GROUP BY project, model, cause, binding",
            (first, behind, self.source, at_us - SPENT_US, at_us),
        )
        return [LastRefused(*row) for row in rows]

    async def took(self, at_us: int, first: int, behind: int) -> list[Took]:
        """Of the calls that ended between two places, in the five minutes before the instant."""
        of = (
            "FROM calls NOT INDEXED WHERE seq >= ? AND seq < ? AND source_id = ? "
            f"AND outcome <> 'refused' AND {ENDED} > ? AND {ENDED} <= ? GROUP BY"
        )
        values = (first, behind, self.source, at_us - MODELS_US, at_us)
        rows = await self._rows(f"SELECT project, group_concat(total_ms) {of} project", values)
        found = [
            Took(SubjectKind.PROJECT, name, ms=tuple(map(int, _split(ms)))) for name, ms in rows
        ]
        rows = await self._rows(f"SELECT target, {COLUMN} AS at, COUNT(*) {of} target, at", values)
        found += [Took(SubjectKind.TARGET, name, {at: count}) for name, at, count in rows]
        return found

    async def totals_of(self, per: Per, since_us: int, until_us: int) -> list[Totals]:
        """The sums of the periods that begin between two instants."""
        rows = await self._rows(
            f"SELECT {per.column}, project, model, forwarded, upstream_errors + unknown, "
            "client_errors, input_tokens, output_tokens, cost_nano_usd, "
            f"{', '.join(LATENCY_COLUMNS)} FROM rollups_{per.name} "
            f"WHERE source_id = ? AND {per.column} >= ? AND {per.column} < ?",
            (self.source, since_us, until_us),
        )
        return [Totals(*[*row[:9], row[9:]]) for row in rows]

    async def refusals_of(self, per: Per, at_us: int) -> list[tuple[str, str, str, int]]:
        """(project, model, cause, how many) of the period that begins at the instant."""
        return await self._rows(
            f"SELECT project, model, cause, count FROM refusals_{per.name} "
            f"WHERE source_id = ? AND {per.column} = ?",
            (self.source, at_us),
        )

    async def spent_between(self, per: Per, since_us: int, until_us: int) -> dict[str, int]:
        """Nano-dollars by project, of the calls that began in the periods between two instants."""
        if since_us >= until_us:
            return {}
        return dict(
            await self._rows(
                f"SELECT project, SUM(cost_nano_usd) FROM rollups_{per.name} "
                f"WHERE source_id = ? AND {per.column} >= ? AND {per.column} < ? GROUP BY project",
                (self.source, since_us, until_us),
            )
        )

    async def spent_of_calls(
        self, first: int, behind: int, since_us: int, until_us: int
    ) -> dict[str, int]:
        """The same from the calls between two places, where sums of minutes are gone."""
        return dict(
            await self._rows(
                "SELECT project, SUM(cost_nano_usd) FROM calls NOT INDEXED WHERE seq >= ? "
                "AND seq < ? AND source_id = ? AND at_us >= ? AND at_us < ? GROUP BY project",
                (first, behind, self.source, since_us, until_us),
            )
        )

    async def unpriced_calls(
        self, first: int, behind: int, since_us: int, until_us: int
    ) -> list[tuple[str, str, int]]:
        """(project, model, how many) of the calls whose price nobody knows."""
        return await self._rows(
            "SELECT project, model, COUNT(*) FROM calls NOT INDEXED WHERE seq >= ? AND seq < ? "
            f"AND {UNPRICED} AND source_id = ? AND at_us >= ? AND at_us < ? "
            "GROUP BY project, model",
            (first, behind, self.source, since_us, until_us),
        )

    async def states_around(self, at_us: int, since_us: int) -> list[StateSpan]:
        """The states that held at the instant, and those left since another before it.

        One that went on under another cause has its first beginning.
        """
        names = "subject, kind, cause, entered_us, left_us, facts, left_facts"
        rows = await self._rows(
            f"WITH RECURSIVE held AS (SELECT seq, {names} FROM states "
            "WHERE left_us > ?2 AND entered_us <= ?1 AND source_id = ?3), "
            "begun(seq, subject, kind, entered_us) AS ("
            "SELECT seq, subject, kind, entered_us FROM held UNION "
            "SELECT begun.seq, s.subject, s.kind, s.entered_us FROM begun JOIN states AS s "
            "ON s.subject = begun.subject AND s.kind = begun.kind "
            "AND s.entered_us < begun.entered_us AND s.left_us >= begun.entered_us "
            "AND s.source_id = ?3) "
            "SELECT subject, kind, cause, "
            "(SELECT min(entered_us) FROM begun WHERE begun.seq = held.seq), left_us, facts, "
            "left_facts FROM held ORDER BY entered_us",
            (at_us, since_us, self.source),
        )
        return [StateSpan(*row[:5], *map(orjson.loads, row[5:])) for row in rows]

    async def levels_before(self, at_us: int) -> list[tuple[str, int, int]]:
        """(bucket, level, when) of the last sample of each bucket, in its limit's unit.

        As they are in the table: there may be tens of thousands.
        """
        return await self._rows(
            "SELECT key, last, at_us FROM buckets JOIN levels ON levels.seq = ("
            "SELECT seq FROM levels WHERE bucket = buckets.id AND at_us <= ? "
            "ORDER BY at_us DESC LIMIT 1) WHERE buckets.source_id = ?",
            (at_us, self.source),
        )

    async def events_before(self, at_us: int, last: int) -> list[Event]:
        """The newest up to the instant, the newest first."""
        behind = await self.place(at_us, "events", "at_us")
        rows = await self._rows(
            "SELECT id, at_us, kind, subject, facts FROM events "
            "WHERE source_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            (self.source, behind.seq, last),
        )
        return [
            Event(name, at, subject, told_of(kind, facts))
            for name, at, kind, subject, facts in rows
        ]

    async def starts(self, after: int) -> list[tuple[int, int, int | None]]:
        """(cursor, when, when the one before was seen alive last) of each start after a cursor."""
        return await self._rows(
            "SELECT seq, at_us, CASE WHEN json_valid(facts) "
            "THEN json_extract(facts, '$.alive_us') END FROM events WHERE source_id = ? "
            "AND seq > ? AND kind IN ('gateway.started', 'gateway.restarted') ORDER BY seq",
            (self.source, after),
        )

    async def file_layer_at(self, at_us: int) -> tuple[int, str] | None:
        """The number and the hash of what the file said at an instant."""
        rows = await self._rows(
            "SELECT seq, hash FROM catalogues WHERE source_id = ? AND at_us <= ? "
            "ORDER BY at_us DESC LIMIT 1",
            (self.source, at_us),
        )
        return rows[0] if rows else None

    async def file_layer_parts(self, seq: int) -> list[tuple[str, str, Any]]:
        """What the file said, in parts, as `catalogue_of` reads it: (kind, name, JSON)."""
        return await self._rows(
            "SELECT '', top.key, json_quote(top.value) FROM catalogues, "
            "json_each(CAST(body AS TEXT)) AS top WHERE seq = ?1 AND top.type <> 'object' "
            "UNION ALL SELECT top.key, part.key, part.value FROM catalogues, "
            "json_each(CAST(body AS TEXT)) AS top, json_each(top.value) AS part "
            "WHERE seq = ?1 AND top.type = 'object' AND part.type = 'object'",
            (seq,),
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(bytes.fromhex(one).decode(errors="replace") for one in _split(text))


def _split(text: str) -> list[str]:
    return text.split(",") if text else []


def _sum(what: str, condition: str) -> str:
    return f"coalesce(SUM({what}) FILTER (WHERE {condition}), 0)"


def _column(bounds: Sequence[float], low: int = 0) -> str:
    """The histogram's column of a call, by halving."""
    if not bounds:
        return str(low)
    middle = len(bounds) // 2
    return (
        f"CASE WHEN total_ms <= {bounds[middle]} THEN {_column(bounds[:middle], low)} "
        f"ELSE {_column(bounds[middle + 1 :], low + middle + 1)} END"
    )


COLUMN: Final = _column(BOUNDS_MS)
