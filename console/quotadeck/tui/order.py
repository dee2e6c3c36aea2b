"""What is read first: whose state is worst, and what was done beside it."""

from collections.abc import Mapping
from typing import Final

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

    By the first column rows rise at once, and sink only after ``CALM_MS``, so that a row at the
    edge of a limit does not hop. What is known of a row is kept while the row is the same object,
    because most rows are the same from one reading to the next.
    """

    CALM_MS: Final = 15_000

    def __init__(self, *by: Column[ProjectRow, At]) -> None:
        self._sorts = [column.sort for column in by if column.sort]
        self._rows: tuple[ProjectRow, ...] = ()
        self._routes: Mapping[str, RouteRow] = {}
        self._known: dict[str, tuple[ProjectRow, tuple[int, ...]]] = {}
        self._held: dict[str, tuple[int, int]] = {}
        self._sorted: tuple[ProjectRow, ...] = ()
        self._key: list[tuple[int, ...]] = []

    def of(self, rows: tuple[ProjectRow, ...], at: At) -> tuple[ProjectRow, ...]:
        """The rows in reading order."""
        routes = self._routes if at.routes == self._routes else at.routes
        if rows is self._rows and routes is self._routes and not self._held:
            return self._sorted
        if routes is not self._routes:
            self._known.clear()
        known = {row.id: self._ranked(row, at) for row in rows}
        key = [
            (self._settled(row_id, ranks[0], at.now.now_ms), *ranks[1:])
            for row_id, (_, ranks) in known.items()
        ]
        if key != self._key or rows is not self._rows:
            order = sorted(range(len(rows)), key=key.__getitem__)
            self._sorted = tuple(rows[index] for index in order)
        self._rows, self._routes, self._known, self._key = rows, routes, known, key
        return self._sorted

    def _ranked(self, row: ProjectRow, at: At) -> tuple[ProjectRow, tuple[int, ...]]:
        known = self._known.get(row.id)
        if known is not None and known[0] is row:
            return known
        return row, tuple(sort(row, at) for sort in self._sorts)

    def _settled(self, row_id: str, rank: int, now_ms: int) -> int:
        """The rank a row is sorted by: at least what it had within the last seconds."""
        calm = Urgency.CALM.rank
        held, since_ms = self._held.get(row_id, (calm, 0))
        if rank == calm == held:
            return rank
        if rank > held and now_ms - since_ms < self.CALM_MS:
            return held
        if rank == calm:
            del self._held[row_id]
        else:
            self._held[row_id] = (rank, now_ms)
        return rank
