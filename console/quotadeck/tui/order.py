"""What is read first: whose state is worst, and what was done beside it."""

from collections.abc import Mapping
from typing import Any, Final

from quotadeck.domain.snapshot import LimitedRow, ProjectRow, RouteRow
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.tui.columns.parts import At
from quotadeck.tui.in_force import in_force
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.present import Present


def rank(row: LimitedRow, routes: Mapping[str, RouteRow], now: Present) -> int:
    """0 is read first; what is paused, changed or forced is read before what is merely well."""
    own = row.state.urgency.rank
    done = row.changes or row.state.kind is StateKind.PAUSED or in_force(row, routes, now).word
    if own == Urgency.CALM.rank and done:
        return Urgency.ATTENTION.rank
    return own


class Order:
    """The reading order of projects: by the columns' own keys, then as they are listed.

    Where the first column is the row's urgency, rows rise at once, and sink only after ``CALM_MS``,
    so that a row at the edge of a limit does not hop. By anything else rows move only every
    ``TURN_MS``: a list that is read stands still. What is known of a row is kept while the row is
    the same object, because most rows are the same from one reading to the next.
    """

    CALM_MS: Final = 15_000
    TURN_MS: Final = 10_000

    def __init__(self, *by: Column[ProjectRow, At], reverse: bool = False) -> None:
        self._urgent = bool(by) and by[0].id == URGENCY
        sorts = [column.sort for column in by if column.sort]
        self._first = sorts[0] if self._urgent and sorts else None
        self._then = sorts[1:] if self._urgent else sorts
        self._reverse = reverse
        self._rows: tuple[ProjectRow, ...] = ()
        self._routes: Mapping[str, RouteRow] = {}
        self._known: dict[str, tuple[ProjectRow, int, tuple[Any, ...]]] = {}
        self._held: dict[str, tuple[int, int]] = {}
        self._sinking = False
        """Whether a row is kept above its rank for a while."""
        self._sorted: tuple[ProjectRow, ...] = ()
        self._key: list[tuple[Any, ...]] = []
        self._turned_ms: int | None = None

    def of(self, rows: tuple[ProjectRow, ...], at: At) -> tuple[ProjectRow, ...]:
        """The rows in reading order."""
        routes = self._routes if at.routes == self._routes else at.routes
        if rows is self._rows and routes is self._routes and not self._sinking:
            now_ms = at.now.now_ms
            self._held = {row_id: (rank, now_ms) for row_id, (rank, _) in self._held.items()}
            return self._sorted
        self._sinking = False
        turn = self._turned_ms is None or at.now.now_ms - self._turned_ms >= self.TURN_MS
        if turn:
            self._turned_ms = at.now.now_ms
        if turn or routes is not self._routes:
            known = {row.id: self._ranked(row, at, None) for row in rows}
        else:
            known = {row.id: self._ranked(row, at, self._known.get(row.id)) for row in rows}
        key = [
            (self._settled(row_id, urgency, at.now.now_ms), *then)
            for row_id, (_, urgency, then) in known.items()
        ]
        if key != self._key or rows is not self._rows:
            order = sorted(range(len(rows)), key=key.__getitem__, reverse=self._reverse)
            self._sorted = tuple(rows[index] for index in order)
        self._rows, self._routes, self._known, self._key = rows, routes, known, key
        return self._sorted

    def _ranked(
        self, row: ProjectRow, at: At, known: tuple[ProjectRow, int, tuple[Any, ...]] | None
    ) -> tuple[ProjectRow, int, tuple[Any, ...]]:
        if known is not None and known[0] is row:
            return known
        urgency = self._first(row, at) if self._first else 0
        then = known[2] if known is not None else tuple(sort(row, at) for sort in self._then)
        return row, urgency, then

    def _settled(self, row_id: str, rank: int, now_ms: int) -> int:
        """The rank a row is sorted by: at least what it had within the last seconds."""
        calm = Urgency.CALM.rank
        held, since_ms = self._held.get(row_id, (calm, 0))
        if not self._urgent or rank == calm == held:
            return rank
        if rank > held and now_ms - since_ms < self.CALM_MS:
            self._sinking = True
            return held
        if rank == calm:
            del self._held[row_id]
        else:
            self._held[row_id] = (rank, now_ms)
        return rank


URGENCY: Final = "why"
"""The column that sorts by how much a row wants to be read."""


def spends(row: ProjectRow, _: At) -> int:
    """What it spends, the most first, in powers of two: rows that spend alike do not take turns."""
    return -row.flow.spent_10m_nano.bit_length()
