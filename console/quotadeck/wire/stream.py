"""The stream's encoding: a whole snapshot first, then only the cells that changed.

Three events, JSON each (arrays of rows, columns named once):

- ``snapshot``: ``{step, now_ms, at_us, columns: {class: [name, …]}, rows: {table: [row, …]}}``,
  a row being a list of cells in the order of its class's columns.
- ``changes``: ``{step, now_ms, at_us, tables: {table: {order?, cells}}}``; ``order`` is the new
  list of rows, each the place of a row before or a whole new row; ``cells`` are
  ``[place, column, value, column, value, …]`` on top of that.
- ``heartbeat``: ``{now_ms, at_us}``

``step`` counts the changes, so that a missed one is an error and never a wrong screen. Columns,
tables and events that a reader does not know are passed over.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

import orjson

from quotadeck.domain.snapshot import (
    Change,
    Event,
    Level,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    Vitals,
)
from quotadeck.domain.state import Held
from quotadeck.wire.cells import Cells, Unreadable, cells_of, columns_of, reader

SNAPSHOT: Final = "snapshot"
CHANGES: Final = "changes"
HEARTBEAT: Final = "heartbeat"


class StreamDamaged(ValueError):
    """The stream cannot be followed any further; connecting anew gives a whole snapshot."""


@dataclass(frozen=True, slots=True)
class _Table:
    rows_of: Callable[[Snapshot], tuple[Any, ...]]
    row: type[Any]
    key: Callable[[Any], str]


_TABLES: Final[Mapping[str, _Table]] = {
    "vitals": _Table(lambda s: (s.vitals,), Vitals, attrgetter("source_id")),
    "projects": _Table(lambda s: s.projects, ProjectRow, attrgetter("id")),
    "targets": _Table(lambda s: s.targets, TargetRow, attrgetter("id")),
    "routes": _Table(lambda s: s.routes, RouteRow, attrgetter("id")),
    "events": _Table(lambda s: s.events, Event, attrgetter("id")),
}
_CELLS_OF: Final = {
    cls: cells_of(cls) for cls in (*(table.row for table in _TABLES.values()), Level, Change, Held)
}
_COLUMNS: Final = {cls.__name__: columns_of(cls) for cls in _CELLS_OF}


class Encoder:
    """One encoding for all readers: `changes` each second, `full` for who comes new."""

    def __init__(self) -> None:
        self._last: Snapshot | None = None
        self._step = 0

    def full(self, snapshot: Snapshot) -> bytes:
        """The data of a ``snapshot`` event.

        A reader can follow from it if it is the one last given to `changes` (or the encoder's
        first); any other is a reading by itself.
        """
        if self._last is None:
            self._last = snapshot
        rows = {
            name: list(map(_CELLS_OF[table.row], table.rows_of(snapshot)))
            for name, table in _TABLES.items()
        }
        step = self._step if snapshot is self._last else None
        return _dump({"step": step, **_instant(snapshot), "columns": _COLUMNS, "rows": rows})

    def changes(self, snapshot: Snapshot) -> bytes | None:
        """The data of a ``changes`` event since the snapshot before; None when nothing changed."""
        last, self._last = self._last, snapshot
        if last is None:
            return None
        deltas = {
            name: _delta(table, table.rows_of(last), table.rows_of(snapshot))
            for name, table in _TABLES.items()
        }
        tables = {name: delta for name, delta in deltas.items() if delta}
        if not tables:
            return None
        self._step += 1
        return _dump({"step": self._step, **_instant(snapshot), "tables": tables})

    def heartbeat(self, snapshot: Snapshot) -> bytes:
        """The data of a ``heartbeat`` event: the instants alone."""
        return _dump(_instant(snapshot))


def _delta(table: _Table, old: Sequence[Any], new: Sequence[Any]) -> dict[str, Any] | None:
    before = {table.key(row): at for at, row in enumerate(old)}
    cells_in = _CELLS_OF[table.row]
    order: list[int | tuple[Any, ...]] = []
    changed: list[list[Any]] = []
    for place, row in enumerate(new):
        at = before.get(table.key(row))
        if at is None:
            order.append(cells_in(row))
            continue
        order.append(at)
        # Untouched rows are the same objects, which makes a second without change nearly free.
        if (was := old[at]) is row or was == row:
            continue
        cells: list[Any] = [place]
        pairs = zip(cells_in(was), cells_in(row), strict=True)
        for column, (one, other) in enumerate(pairs):
            if one != other:
                cells += (column, other)
        changed.append(cells)
    delta: dict[str, Any] = {"cells": changed} if changed else {}
    if order != list(range(len(old))):
        delta["order"] = order
    return delta or None


class Decoder:
    """Follows one connection's events; after StreamDamaged a new one is needed."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._step: int | None = None
        self._raw: dict[str, list[Cells]] = {}
        self._values: dict[str, list[Any]] = {}
        self._read: dict[str, Callable[[Cells], Any]] = {}

    def apply(self, event: str, data: bytes) -> Snapshot:
        """The snapshot after an event. Raises StreamDamaged for what cannot be understood."""
        try:
            message = orjson.loads(data)
            if event == SNAPSHOT:
                self._start(message)
            elif event == CHANGES:
                self._change(message)
            elif event == HEARTBEAT:
                now_ms, at_us = _instants(message)
                self._snapshot = replace(self._so_far(), now_ms=now_ms, at_us=at_us)
            return self._so_far()
        except Unreadable as error:
            raise StreamDamaged(f"{event}: {error}") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise StreamDamaged(f"{event} does not read as it should") from None

    def _start(self, message: Any) -> None:
        columns = message["columns"]
        self._step = message["step"]
        self._read = {name: reader(table.row, columns) for name, table in _TABLES.items()}
        self._raw = {name: message["rows"][name] for name in _TABLES}
        self._values = {name: list(map(self._read[name], rows)) for name, rows in self._raw.items()}
        self._seen(message)

    def _change(self, message: Any) -> None:
        if self._step is None or message["step"] != self._step + 1:
            raise Unreadable(f"step {message['step']} does not follow {self._step}")
        self._step += 1
        for name, delta in message["tables"].items():
            if name in _TABLES:
                self._change_table(name, delta)
        self._seen(message)

    def _change_table(self, name: str, delta: Any) -> None:
        raw, values, read = self._raw[name], self._values[name], self._read[name]
        if "order" in delta:
            order = delta["order"]
            values = [read(at) if isinstance(at, list) else values[at] for at in order]
            raw = [at if isinstance(at, list) else raw[at] for at in order]
        for place, *pairs in delta.get("cells", ()):
            cells = list(raw[place])
            for column, value in zip(pairs[::2], pairs[1::2], strict=True):
                cells[column] = value
            raw[place], values[place] = cells, read(cells)
        self._raw[name], self._values[name] = raw, values

    def _seen(self, message: Any) -> None:
        now_ms, at_us = _instants(message)
        rows: dict[str, Any] = {name: tuple(rows) for name, rows in self._values.items()}
        (vitals,) = rows.pop("vitals")
        self._snapshot = Snapshot(now_ms=now_ms, at_us=at_us, vitals=vitals, **rows)

    def _so_far(self) -> Snapshot:
        if self._snapshot is None:
            raise Unreadable("it came before the first snapshot")
        return self._snapshot


def _instants(message: Any) -> tuple[int, int]:
    now_ms, at_us = message["now_ms"], message["at_us"]
    if type(now_ms) is not int or type(at_us) is not int:
        raise Unreadable("its instants are no integers")
    return now_ms, at_us


def _instant(snapshot: Snapshot) -> dict[str, int]:
    return {"now_ms": snapshot.now_ms, "at_us": snapshot.at_us}


def _dump(message: Mapping[str, Any]) -> bytes:
    return orjson.dumps(message, default=_inner, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _inner(value: Any) -> tuple[Any, ...]:
    """A dataclass in a cell, which would otherwise travel as an object with all its names."""
    return _CELLS_OF[type(value)](value)
