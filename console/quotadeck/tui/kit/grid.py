"""A list with a cursor and a window: 3 rows or 10,000, only those in the window are drawn."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, Protocol, TypeVar

from quotadeck.tui.kit.columns import Layout, Seen
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.spans import Line
from quotadeck.tui.themes import Theme


class HasId(Protocol):
    """What a grid needs to know of a row."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=HasId)
V = TypeVar("V", bound=Seen)


class Grid(Lines, Generic[R, V]):
    """Rows of which one is chosen and some are marked.

    The cursor and the marks stay on their rows, wherever those move to.
    """

    def __init__(self, theme: Theme, *, id: str) -> None:  # noqa: A002 textual's word
        super().__init__(theme, id=id)
        self.rows: Sequence[R] = ()
        self.active = True
        self._head: Sequence[Line] = ()
        self._tail = False
        self._kept: dict[str, tuple[object, Line]] = {}
        """The lines in the window, each with what it was drawn from."""
        self._top = 0
        self._at = 0
        self._chosen_id: str | None = None
        self._marks: set[str] = set()

    @property
    def page(self) -> int:
        """How many rows the window holds."""
        return max(1, self.height - len(self._head) - self._tail)

    @property
    def chosen(self) -> R | None:
        """The row under the cursor."""
        return self.rows[self._at] if self.rows else None

    @property
    def marked(self) -> tuple[R, ...]:
        """The marked rows that are in the list, in its order."""
        return tuple(row for row in self.rows if row.id in self._marks)

    def chosen_text(self) -> str:
        """The row under the cursor as it is drawn, without the blanks around it."""
        lines, at = self.text(), len(self._head) + self._at - self._top
        return lines[at].strip() if self.rows and at < len(lines) else ""

    @property
    def seen(self) -> Sequence[R]:
        """The rows in the window, as it was last painted."""
        return self.rows[self._top : self._top + self.page] if self.height else ()

    @property
    def marks(self) -> int:
        """How many rows are marked, shown or not."""
        return len(self._marks)

    @property
    def index(self) -> int:
        """The position of the cursor."""
        return self._at

    @property
    def place(self) -> str:
        """``12/1000``: where in the list the cursor is."""
        return f"{self._at + 1}/{len(self.rows)}" if self.rows else "0/0"

    def hold(self, rows: Sequence[R]) -> None:
        """New rows, in order: what is chosen is one of them at once, drawn or not.

        A cursor that nobody moved yet stays on the first row.
        """
        moved = rows is not self.rows
        self.rows = rows
        if moved and self._chosen_id is not None and not self._still_there():
            found = next((i for i, row in enumerate(rows) if row.id == self._chosen_id), None)
            self._at = self._at if found is None else found
        self._at = max(0, min(self._at, len(rows) - 1))

    def _still_there(self) -> bool:
        return self._at < len(self.rows) and self.rows[self._at].id == self._chosen_id

    def move(self, by: int) -> None:
        """Move the cursor by so many rows, at most to the ends; it is seen when the page draws."""
        self._at = max(0, min(self._at + by, len(self.rows) - 1))
        self.pin()

    def pin(self) -> None:
        """Stay on the chosen row from now on, though nobody moved the cursor."""
        chosen = self.chosen
        self._chosen_id = chosen.id if chosen else None

    def loosen(self) -> None:
        """To the first row, and stay there, whichever it is."""
        self._chosen_id, self._at = None, 0

    def start(self) -> None:
        """The cursor to the first row, as if nobody had moved it yet."""
        self._at, self._top, self._chosen_id = 0, 0, None

    def mark(self) -> None:
        """Mark the chosen row, or take its mark away; it is seen when the page draws."""
        if self.chosen is not None:
            self._marks ^= {self.chosen.id}

    def mark_all(self) -> None:
        """Mark every row that is shown."""
        self._marks |= {row.id for row in self.rows}

    def mark_none(self) -> None:
        self._marks = set()

    def mark_others(self) -> None:
        """Of the rows that are shown, those that are not marked are, and the others are not."""
        self._marks ^= {row.id for row in self.rows}

    def forget(self, known: AbstractSet[str]) -> None:
        """Keep the marks of those rows alone: the others are no longer there."""
        self._marks &= known

    def paint(
        self,
        layout: Layout[R, V],
        at: V,
        *,
        titled: bool = False,
        by: tuple[str, str] = ("", ""),
        empty: Line = (),
        more: Callable[[Sequence[R], Sequence[R]], Line] | None = None,
    ) -> None:
        """Draw the window around the cursor; ``empty`` stands where there are no rows.

        ``by`` is the column by which they are sorted, and the sign of that.

        Where not all rows fit, ``more`` says in a line below them which are above and which below.
        """
        self._head = (layout.head(*by),) if titled else ()
        if not self.height:
            self.show([])
            return
        self._tail = more is not None and len(self.rows) > self.height - len(self._head)
        page = self.page
        self._top = max(0, min(self._top, len(self.rows) - page))
        if self._at < self._top:
            self._top = self._at
        elif self._at >= self._top + page:
            self._top = self._at - page + 1
        window = self.rows[self._top : self._top + page]
        stamp = getattr(at, "stamp", None)
        kept: dict[str, tuple[object, Line]] = {}
        lines: list[Line] = []
        for index, row in enumerate(window, self._top):
            chosen, marked = self.active and index == self._at, row.id in self._marks
            before = self._kept.get(row.id)
            of = (row, layout, chosen, marked, stamp(row)) if stamp else None
            if of is not None and before is not None and before[0] == of:
                line = before[1]
            else:
                seen = at.picked(chosen=chosen, marked=marked) if chosen or marked else at
                line = layout.line(row, seen)
            kept[row.id] = (of, line)
            lines.append(line)
        self._kept = kept
        if self._tail and more:
            lines.append(more(self.rows[: self._top], self.rows[self._top + page :]))
        self.show([*self._head, *(lines or [empty])])
