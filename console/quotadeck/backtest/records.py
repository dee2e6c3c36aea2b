# ruff: noqa: S608 - the SQL is put together from our own names alone
"""What the ledger has of the last minutes, read for a replay. It blocks: see `worker`."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import orjson

from quotadeck.backtest.asked import Level
from quotadeck.domain.cause import Cause
from quotadeck.domain.rules import RULE_BY_CAUSE

MINUTE_US: Final = 60_000_000
REPLAYED: Final = frozenset({Cause.PAUSED, *RULE_BY_CAUSE})
"""Causes of refusals that another limit or pause might have let through."""
_GATEWAYS_OWN: Final = "SELECT id FROM sources ORDER BY id LIMIT 1"
_BUSY_S: Final = 0.2
_LATE_US: Final = 10_000_000
"""By how much a record may come later into the ledger than its call ended."""
_FEW: Final = 0.3
"""Up to this share of all calls they are found one by one, and beyond it all are looked through."""

COLUMNS: Final = (
    *("at_us", "project", "model", "key_id", "client_request_id", "retry", "estimated_input"),
    *("estimated_output", "held_nano_usd", "input_tokens", "output_tokens", "cost_nano_usd"),
    *("cached_tokens", "cache_write_tokens", "fees_nano_usd", "total_ms", "target", "outcome"),
    *("cause", "count", "binding", "wait_ms", "first_us", "last_us", "keys", "asked_sum"),
)
_CAUSES: Final = ", ".join(f"'{cause}'" for cause in sorted(REPLAYED))


class Records:
    """A ledger's, by SQLite's address of it for reading. Its methods raise sqlite3.Error.

    What the package `quotadeck.store` loads would double how long the process takes to start.
    """

    def __init__(self, uri: str) -> None:
        self._db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_S)
        self._db.execute("PRAGMA query_only = 1")
        self._db.text_factory = _text
        self._source: int = self._db.execute(_GATEWAYS_OWN).fetchone()[0]
        self._file: tuple[str, Any] = "", {}

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def one_picture(self) -> Iterator[None]:
        """All that is read within is of one instant."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def file(self) -> Mapping[str, Any]:
        """What the config file says, as recorded last; empty where that never was."""
        found = self._db.execute(
            "SELECT hash, at_us FROM catalogues WHERE source_id = ? ORDER BY seq DESC LIMIT 1",
            (self._source,),
        ).fetchone()
        if found is None:
            return {}
        digest, at_us = found
        if digest != self._file[0]:
            (body,) = self._db.execute(
                "SELECT body FROM catalogues WHERE source_id = ? AND at_us = ?",
                (self._source, at_us),
            ).fetchone()
            self._file = digest, orjson.loads(body)
        content: Mapping[str, Any] = self._file[1]
        return content

    def began_us(self) -> int:
        """When the first call came that is on record; 0 without any."""
        row = self._db.execute("SELECT at_us FROM calls ORDER BY seq LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def callers(self, since_us: int) -> list[tuple[str, str]]:
        """(project, model) of all that came since a minute's start."""
        return self._db.execute(
            "SELECT DISTINCT project, model FROM rollups_minute "
            "WHERE source_id = ? AND minute_us >= ? AND project <> ''",
            (self._source, since_us),
        ).fetchall()

    def came(self, since_us: int, projects: Collection[str] | None) -> dict[int, int]:
        """How many requests came, by the start of their minute; of some projects, or of all."""
        only, named = ("", []) if projects is None else (_AMONG, [_list(projects)])
        counts: dict[int, int] = {}
        for table, counted in (
            ("rollups_minute", "forwarded"),
            ("refusals_minute", f"count) FILTER (WHERE cause IN ({_CAUSES})"),
        ):
            rows = self._db.execute(
                f"SELECT minute_us, SUM({counted}) FROM {table} "
                f"WHERE source_id = ? AND minute_us >= ? {only} GROUP BY minute_us",
                (self._source, since_us, *named),
            )
            for minute_us, count in rows:
                counts[minute_us] = counts.get(minute_us, 0) + (count or 0)
        return counts

    def calls(
        self, ended_after_us: int, projects: Collection[str], share: float
    ) -> Iterator[tuple[Any, ...]]:
        """The `COLUMNS` of the projects' calls that ended after an instant, as they ended.

        ``share`` is how much of all that came is theirs. Some that ended before may be among them.
        """
        index = "INDEXED BY calls_of_project" if share < _FEW else "NOT INDEXED"
        rows = self._db.execute(
            f"SELECT {', '.join(COLUMNS)} FROM calls {index} "
            f"WHERE source_id = ? AND seq >= ? {_AMONG} "
            f"AND (outcome <> 'refused' OR cause IN ({_CAUSES}))",
            (self._source, self._first(ended_after_us - _LATE_US), _list(projects)),
        )
        rows.arraysize = 4_096
        while some := rows.fetchmany():
            yield from some

    def _first(self, ended_us: int) -> int:
        """About the first record of what ended at an instant or later: they come as they end."""
        ends = "SELECT min(seq), max(seq) FROM calls"
        low, high = (end or 0 for end in self._db.execute(ends).fetchone())
        while low < high:
            middle = (low + high) // 2
            row = self._db.execute(
                "SELECT at_us + total_ms * 1000 FROM calls "
                "WHERE seq > ? AND outcome <> 'unknown' ORDER BY seq LIMIT 1",
                (middle,),
            ).fetchone()
            if row is None or row[0] >= ended_us:
                high = middle
            else:
                low = middle + 1
        return int(low)

    def levels(self, at_us: int, buckets: Collection[str]) -> list[Level]:
        """The last level of each bucket at or before an instant, where there is one."""
        rows = self._db.execute(
            "SELECT key, at_us, last, limit_then FROM buckets JOIN levels ON levels.seq = ("
            "SELECT seq FROM levels WHERE bucket = buckets.id AND at_us <= ? "
            "ORDER BY at_us DESC LIMIT 1) "
            "WHERE buckets.source_id = ? AND key IN (SELECT value FROM json_each(?))",
            (at_us, self._source, _list(buckets)),
        )
        return [Level(*row) for row in rows]

    def least(self, since_us: int, buckets: Collection[str]) -> dict[str, int]:
        """The least level of each bucket since an instant, where any was written down."""
        rows = self._db.execute(
            "SELECT key, (SELECT min(least) FROM levels "
            "WHERE bucket = buckets.id AND at_us >= ?) AS lowest FROM buckets "
            "WHERE source_id = ? AND key IN (SELECT value FROM json_each(?)) "
            "AND lowest IS NOT NULL",
            (since_us, self._source, _list(buckets)),
        )
        return dict(rows.fetchall())

    def refusing(self, since_us: int, causes: Collection[str]) -> set[str]:
        """Models of which any was refused with one of the causes since a minute's start."""
        rows = self._db.execute(
            "SELECT DISTINCT model FROM refusals_minute WHERE source_id = ? AND minute_us >= ? "
            "AND cause IN (SELECT value FROM json_each(?))",
            (self._source, since_us, _list(causes)),
        )
        return {model for (model,) in rows}

    def spent(self, days: Collection[str], projects: Collection[str]) -> dict[str, dict[str, int]]:
        """Nano-dollars by project and day (ISO)."""
        rows = self._db.execute(
            "SELECT project, day, SUM(cost_nano_usd) FROM rollups_day WHERE source_id = ? "
            f"AND day IN (SELECT value FROM json_each(?)) {_AMONG} GROUP BY project, day",
            (self._source, _list(days), _list(projects)),
        )
        found: dict[str, dict[str, int]] = {}
        for project, day, nano in rows:
            found.setdefault(project, {})[day] = nano
        return found


_AMONG: Final = "AND project IN (SELECT value FROM json_each(?))"


def _list(values: Collection[str]) -> str:
    return orjson.dumps(list(values)).decode()


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
