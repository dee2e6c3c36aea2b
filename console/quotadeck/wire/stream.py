"""The stream's encoding: a whole snapshot first, then only the cells that changed.

Three events, JSON each (arrays of rows, columns named once):

- ``snapshot``: ``{format, step, now_ms, at_us, columns: {class: [name, …]}, rows: {table:
  [row, …]}}``, a row being a list of cells in the order of its class's columns. That of a past
  instant has ``past``, such a row, too.
- ``changes``: ``{step, now_ms, at_us, tables: {table: {order?, cells}}}``; ``order`` is the new
  list of rows, each the place of a row before or a whole new row; ``cells`` are
  ``[place, column, value, column, value, …]`` on top of that.
- ``heartbeat``: ``{now_ms, at_us}``

``step`` counts the changes, so that a missed one is an error and never a wrong screen. Columns,
tables and events that a reader does not know are passed over.
"""

import gc
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter, is_
from typing import Any, Final, TypeVar

import orjson

from quotadeck.domain.notice import Notice
from quotadeck.domain.snapshot import (
    Change,
    Event,
    Level,
    LimitReading,
    Past,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    Vitals,
)
from quotadeck.domain.state import Held
from quotadeck.wire.cells import Cells, UnreadableCell, cells_of, columns_of, reader

FORMAT: Final = 1
"""Of the snapshot event; another number only for what a reader of this one could not pass over."""
SNAPSHOT: Final = "snapshot"
CHANGES: Final = "changes"
HEARTBEAT: Final = "heartbeat"


_A_SLICE: Final = 100
"""Rows encoded before others get a turn: well under a millisecond."""

T = TypeVar("T")
Work = Generator[None, None, T]
"""Work in slices: it yields where others may have a turn, and returns its result."""
_Kept = dict[str, tuple[Any, bytes]]
"""By a row's key, the row and its encoding."""


class StreamDamaged(ValueError):
    """The stream cannot be followed any further; connecting anew gives a whole snapshot."""


class StreamNewer(StreamDamaged):
    """The sender's stream has a format that only a newer version reads."""


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
_INNER: Final = (LimitReading, Level, Change, Held, Notice, Past)
_CELLS_OF: Final = {
    cls: cells_of(cls) for cls in (*(table.row for table in _TABLES.values()), *_INNER)
}
_COLUMNS: Final = {cls.__name__: columns_of(cls) for cls in _CELLS_OF}


class Encoder:
    """One encoding for all readers: `changes` each second, `full` for who comes new.

    Both are work that yields where others may have a turn, and returns the event's data. What it
    costs is told by the rows that are other objects than before: each row is encoded once.
    """

    def __init__(self) -> None:
        self._last: Snapshot | None = None
        self._step = 0
        self._kept: dict[str, _Kept] = {name: {} for name in _TABLES}

    def full(self, snapshot: Snapshot) -> Work[bytes]:
        """The data of a ``snapshot`` event.

        A reader can follow from it if it is the one last given to `changes`; any other is a
        reading by itself.
        """
        step = self._step if snapshot is self._last else None
        return self._full(snapshot, step)

    def _full(self, snapshot: Snapshot, step: int | None) -> Work[bytes]:
        head: dict[str, Any] = {"format": FORMAT, "step": step, **_instant(snapshot)}
        head["columns"] = _COLUMNS
        if snapshot.past is not None:
            head["past"] = snapshot.past
        pieces = [_dump(head)[:-1], b',"rows":']
        for at, (name, table) in enumerate(_TABLES.items()):
            known, kept = self._kept[name], _Kept()
            rows = table.rows_of(snapshot)
            pieces.append(b'%b"%b":[' % (b"," if at else b"{", name.encode()))
            for start in range(0, len(rows), _A_SLICE):
                encoded = []
                for row in rows[start : start + _A_SLICE]:
                    key = table.key(row)
                    one = known.get(key)
                    if one is None or one[0] is not row:
                        one = (row, _compact(_dump(_CELLS_OF[table.row](row))))
                    kept[key] = one
                    encoded.append(one[1])
                pieces += (b"," if start else b"", b",".join(encoded))
                yield
            self._kept[name] = kept
            pieces.append(b"]")
        pieces.append(b"}}")
        return b"".join(pieces)

    def changes(self, snapshot: Snapshot) -> Work[bytes | None]:
        """The data of a ``changes`` event since the snapshot before; None when nothing changed.

        The first one is nothing but what is followed from.
        """
        deltas: list[bytes] = []
        if self._last is not None:
            for name, table in _TABLES.items():
                old, new = table.rows_of(self._last), table.rows_of(snapshot)
                if delta := (yield from _delta(table, old, new)):
                    deltas.append(b'"%b":{%b}' % (name.encode(), delta))
        self._last = snapshot
        if not deltas:
            return None
        self._step += 1
        head = _dump({"step": self._step, **_instant(snapshot)})
        return b'%b,"tables":{%b}}' % (head[:-1], b",".join(deltas))

    def forget(self) -> Work[None]:
        """Let go of the rows that were encoded, which takes its time, too."""
        for kept in self._kept.values():
            while kept:
                for _ in range(min(_A_SLICE, len(kept))):
                    kept.popitem()
                yield

    def rest(self) -> None:
        """Nobody follows any more: the next changes are none."""
        self._last = None

    def heartbeat(self, snapshot: Snapshot) -> bytes:
        """The data of a ``heartbeat`` event: the instants alone."""
        return _dump(_instant(snapshot))


def _delta(table: _Table, old: Sequence[Any], new: Sequence[Any]) -> Work[bytes]:
    """What is new in a table; empty where nothing is."""
    key, cells_in = table.key, _CELLS_OF[table.row]
    # Untouched rows are the same objects: ten thousand of them are looked at in 0.2 ms.
    places = [at for at, same in enumerate(map(is_, old, new)) if not same]
    if len(old) == len(new) and all(key(old[at]) == key(new[at]) for at in places):
        changed = [(at, old[at], new[at]) for at in places]
        parts = []
    else:
        before = {key(row): at for at, row in enumerate(old)}
        found = [before.get(key(row)) for row in new]
        order = [cells_in(new[at]) if was is None else was for at, was in enumerate(found)]
        changed = [(at, old[was], new[at]) for at, was in enumerate(found) if was is not None]
        parts = [b'"order":' + _dump(order)]
    slices: list[bytes] = []
    for start in range(0, len(changed), _A_SLICE):
        cells = [
            [at, *_differences(cells_in(was), cells_in(row))]
            for at, was, row in changed[start : start + _A_SLICE]
            if was is not row
        ]
        if cells := [one for one in cells if len(one) > 1]:
            slices.append(_dump(cells)[1:-1])
        yield
    if slices:
        parts.append(b'"cells":[%b]' % b",".join(slices))
    return b",".join(parts)


def _differences(old: Cells, new: Cells) -> list[Any]:
    """Columns and their new values, one after the other."""
    found: list[Any] = []
    for column, (one, other) in enumerate(zip(old, new, strict=True)):
        if one != other:
            found += (column, other)
    return found


class Decoder:
    """Follows one connection's events; after StreamDamaged a new one is needed."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._step: int | None = None
        self._raw: dict[str, list[Cells]] = {}
        self._values: dict[str, list[Any]] = {}
        self._read: dict[str, Callable[[Cells], Any]] = {}
        self._past: Past | None = None

    def apply(self, event: str, data: bytes) -> Snapshot:
        """The snapshot after an event. Raises StreamDamaged for what cannot be understood."""
        try:
            if event == SNAPSHOT:
                with uncollected():
                    self._start(_readable(orjson.loads(data)))
            elif event == CHANGES:
                self._change(orjson.loads(data))
            elif event == HEARTBEAT:
                now_ms, at_us = _instants(orjson.loads(data))
                self._snapshot = replace(self._so_far(), now_ms=now_ms, at_us=at_us)
            return self._so_far()
        except StreamNewer:
            raise
        except UnreadableCell as error:
            raise StreamDamaged(f"{event}: {error}") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise StreamDamaged(f"{event} does not read as it should") from None

    def _start(self, message: Any) -> None:
        columns = message["columns"]
        self._step = message["step"]
        self._read = {name: reader(table.row, columns) for name, table in _TABLES.items()}
        self._raw = {name: message["rows"][name] for name in _TABLES}
        self._values = {name: list(map(self._read[name], rows)) for name, rows in self._raw.items()}
        past = message.get("past")
        self._past = None if past is None else reader(Past, columns)(past)
        self._seen(message)

    def _change(self, message: Any) -> None:
        if self._step is None or message["step"] != self._step + 1:
            raise UnreadableCell(f"step {message['step']} does not follow {self._step}")
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
        self._snapshot = Snapshot(
            now_ms=now_ms, at_us=at_us, vitals=vitals, past=self._past, **rows
        )

    def _so_far(self) -> Snapshot:
        if self._snapshot is None:
            raise UnreadableCell("it came before the first snapshot")
        return self._snapshot


@contextmanager
def uncollected() -> Iterator[None]:
    """What a snapshot is made into stays, or is gone when it was sent: looking through it for
    garbage meanwhile, over and over, would take as long as making it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _readable(message: Any) -> Any:
    sent = message.get("format", FORMAT)
    if type(sent) is not int:
        raise UnreadableCell("its format is no integer")
    if sent > FORMAT:
        raise StreamNewer(f"a stream of format {sent}, where this version reads up to {FORMAT}")
    return message


def _instants(message: Any) -> tuple[int, int]:
    now_ms, at_us = message["now_ms"], message["at_us"]
    if type(now_ms) is not int or type(at_us) is not int:
        raise UnreadableCell("its instants are no integers")
    return now_ms, at_us


def _instant(snapshot: Snapshot) -> dict[str, int]:
    return {"now_ms": snapshot.now_ms, "at_us": snapshot.at_us}


def _dump(message: Any) -> bytes:
    return orjson.dumps(message, default=_inner, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _compact(encoded: bytes) -> bytes:
    """The same bytes in a block of their own size.

    orjson's own keeps the room that it was written in, 4 or 8 KB for a row of 300 bytes.
    """
    return bytes(memoryview(encoded))


def _inner(value: Any) -> tuple[Any, ...]:
    """A dataclass in a cell, which would otherwise travel as an object with all its names."""
    return _CELLS_OF[type(value)](value)
