"""Columns as data: what a column is stands in a row of a table; here it gets cells and is drawn.

Widths follow from importance. Every column has the width that a narrow terminal leaves it; what a
wider one has to give is handed out in steps, in the order of their numbers, and a step that several
columns share is for all of them or for none. On a terminal that is narrower still whole numbers go:
``$0.7`` for ``$0.72`` and ``/1`` for ``/1M`` are other numbers.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.spans import GAP, Line, Span, crop
from quotadeck.tui.time.gaps import is_lacking
from quotadeck.words import has, text
from quotadeck.words.numbers import NONE


class Seen(Protocol):
    """What rows are seen at: the same for all of them, but for the cursor and the marks."""

    def picked(self, *, chosen: bool, marked: bool) -> Self:
        """The same for a row that is chosen, or marked."""
        ...


R = TypeVar("R", contravariant=True)
V = TypeVar("V", contravariant=True)


def _normal(_row: object, _at: object) -> str:
    return "normal"


@dataclass(frozen=True)
class Column(Generic[R, V]):
    """A column of rows R, which are seen at a V: the present, and whether the row is chosen.

    ``value`` is what the row says here, ``style`` the role that it is drawn in; ``draw`` makes the
    spans, exactly as wide as it is told, where a text in a role is not all. ``sort`` gives what the
    rows are put in order by, the least first.
    """

    id: str
    value: Callable[[R, V], str]
    style: Callable[[R, V], str] = _normal
    draw: Callable[[R, V, int], Sequence[Span]] | None = None
    sort: Callable[[R, V], Any] | None = None
    seek: Callable[[R, V], str] | None = None
    """What a filter looks for its text in; None where it does not look."""
    titles: tuple[str, ...] = ()
    """The first that fits stands over it; what it tells is the sentence ``column.ID``."""
    cells: int = 0
    """The least width. A column of none is not shown before a step gives it cells."""
    steps: tuple[tuple[int, int], ...] = ()
    """The numbers of its steps, each with the cells that it gives."""
    share: int = 0
    """Has at least one cell of so many of the line."""
    rest: bool = False
    """Takes what all the steps left over; of several that are shown, the last."""
    right: bool = False
    """A number: aligned right, and shown whole or not at all."""
    gap: bool = True
    """A blank stands before it."""
    gives: int = 0
    """Of the width that it has above, so many cells are another's here."""

    def drawn(self, row: R, at: V, cells: int) -> Sequence[Span]:
        """The row's spans, as wide as asked; a dash where it was not recorded."""
        lacks = getattr(getattr(at, "now", None), "lacks", ())
        if lacks and is_lacking(self.id, lacks):
            return (Span(fit(NONE, cells, right=self.right), "dim"),)
        if self.draw is not None:
            return self.draw(row, at, cells)
        return (Span(fit(self.value(row, at), cells, right=self.right), self.style(row, at)),)


@dataclass(frozen=True, slots=True)
class Layout(Generic[R, V]):
    """The columns that are shown on lines of ``width`` cells, and the width of each."""

    columns: tuple[tuple[Column[R, V], int], ...]
    width: int
    reached: int
    """The number of the last step that there was room for."""

    def cells(self, column_id: str) -> int:
        """The width of a column; 0 where it is not shown."""
        return next((cells for column, cells in self.columns if column.id == column_id), 0)

    def head(self, by: str = "", sign: str = "") -> Line:
        """The titles; that of the column ``by`` which the rows are sorted has the ``sign``."""
        line: list[Span] = []
        for column, cells in self.columns:
            (title,) = _title(column, cells)
            sorts = column.id == by
            if column.gap:
                line.append(Span(sign, "key") if sorts and sign and column.right else GAP)
            if sorts and sign and not column.right and title.text.endswith(" "):
                bare = title.text.rstrip()
                rest = " " * (cells - cell_len(bare) - 2)
                line += [Span(bare, "dim"), Span(f" {sign}{rest}", "key")]
            else:
                line.append(title)
        return tuple(line) if _total(self.columns) == self.width else crop(line, self.width)

    def line(self, row: R, at: V) -> Line:
        """A row."""
        return self._line([column.drawn(row, at, cells) for column, cells in self.columns])

    def _line(self, parts: Sequence[Sequence[Span]]) -> Line:
        line: list[Span] = []
        for (column, _), spans in zip(self.columns, parts, strict=True):
            line += (GAP, *spans) if column.gap else spans
        return tuple(line) if _total(self.columns) == self.width else crop(line, self.width)


def laid_out(
    columns: Sequence[Column[R, V]], width: int, beside: Layout[Any, V] | None = None
) -> Layout[R, V]:
    """The columns on a terminal of ``width`` cells.

    ``beside`` is the layout of a table above it: both reach the same step, and columns of one id
    are as wide below as above.
    """
    reached = beside.reached if beside else _reached(columns, width)
    above = {column.id: cells for column, cells in beside.columns} if beside else {}
    sizes = [
        (
            column,
            above.get(column.id, column.gives) - column.gives or _cells(column, reached, width),
        )
        for column in columns
        if column.cells or any(step <= reached for step, _ in column.steps)
    ]
    while _total(sizes) > width and sizes[-1][0].right:
        sizes.pop()
    spare = width - _total(sizes)
    takes = [at for at, (column, _) in enumerate(sizes) if column.rest and column.id not in above]
    if takes and spare > 0 and width >= _least(columns):
        column, cells = sizes[takes[-1]]
        sizes[takes[-1]] = (column, cells + spare)
    return Layout(tuple(sizes), width, reached)


def _title(column: Column[Any, Any], cells: int) -> tuple[Span]:
    titles = [_said(title) for title in column.titles] or [""]
    title = next((title for title in titles if cell_len(title) <= cells), titles[-1])
    return (Span(fit(title, cells, right=column.right), "dim"),)


def _said(title: str) -> str:
    kind = f"title.{title}"
    return text(kind) if has(kind) else title


def _total(sizes: Sequence[tuple[Column[Any, Any], int]]) -> int:
    return sum(cells + column.gap for column, cells in sizes)


def _least(columns: Sequence[Column[Any, Any]]) -> int:
    return sum(column.cells + column.gap for column in columns if column.cells)


def _cells(column: Column[Any, Any], reached: int, width: int) -> int:
    cells = column.cells + sum(cells for step, cells in column.steps if step <= reached)
    return max(cells, width // column.share) if column.share else cells


def _reached(columns: Sequence[Column[Any, Any]], width: int) -> int:
    """The last step that there is room for; none after one that there is none for."""
    costs: Counter[int] = Counter()
    for column in columns:
        for place, (step, cells) in enumerate(column.steps):
            costs[step] += cells + (column.gap and not column.cells and not place)
    spare, reached = width - _least(columns), 0
    for step in sorted(costs):
        spare -= costs[step]
        if spare < 0:
            break
        reached = step
    return reached
