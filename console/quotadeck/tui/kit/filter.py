"""The filter of a list as a value: a key gives the next one, and it counts what it hides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.columns import Column
from quotadeck.tui.kit.editor import BLANK, Editor
from quotadeck.tui.kit.fit import cell_len, cut
from quotadeck.tui.kit.foot import May, keys_line, keys_spans
from quotadeck.tui.kit.spans import GAP, Line, Span, crop
from quotadeck.tui.kit.terms import Check, Terms, checks, completed, completions, fuzzy
from quotadeck.words import text

R = TypeVar("R")
V = TypeVar("V")

_BESIDE: Final = 28
"""What is hidden, told beside a filter that is being typed."""


@dataclass(frozen=True, slots=True)
class Narrowed(Generic[R]):
    """What a filter leaves of the rows, and how many it hides, those in trouble apart."""

    rows: Sequence[R]
    hidden: int = 0
    troubles: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """What is typed: texts that are sought in a row's columns, and the ``terms`` of its list.

    All must hold; after ``!`` what is not to hold. A text that stands in no row is sought by its
    letters, anything between them.
    """

    line: Editor = BLANK
    typing: bool = False
    terms: Terms = ()

    @property
    def text(self) -> str:
        return self.line.text

    def do(self, act: Act) -> "Filter":
        """The filter after an action of its own or of the editor."""
        if act.scope == "editor":
            return replace(self, line=self.line.do(act.verb))
        if act.verb == "complete":
            return replace(self, line=Editor.holding(completed(self.text, self.terms)))
        return replace(self, typing=False) if act.verb == "keep" else self.cleared()

    def cleared(self) -> "Filter":
        """Nothing is typed."""
        return replace(self, line=BLANK, typing=False)

    def insert(self, typed: str) -> "Filter":
        """The filter after typing or pasting."""
        return replace(self, line=self.line.insert(typed))

    def of(
        self, rows: Sequence[R], columns: Sequence[Column[R, V]], at: V, grave: Callable[[R], bool]
    ) -> Narrowed[R]:
        """The rows that it leaves, in their order; ``grave`` ones are in trouble."""
        found = checks(self.text, self.terms)
        if not found:
            return Narrowed(rows)
        seeks = [column.seek for column in columns if column.seek]
        texts = [check for check in found if check.holds is None]
        left = [row for row in rows if all(c.holds is None or c.holds(row, at) is c.wanted
                                           for c in found)]  # fmt: skip
        if texts:
            wide = left
            left = [row for row in wide if all(_stands(c.text, row, seeks, at) is c.wanted
                                               for c in texts)]  # fmt: skip
            if not left and any(c.wanted and len(c.text) >= _FUZZY_FROM for c in texts):
                left = [row for row in wide if all(_by_letters(c, row, seeks, at) is c.wanted
                                                   for c in texts)]  # fmt: skip
        troubles = sum(map(grave, rows)) - sum(map(grave, left))
        return Narrowed(left, len(rows) - len(left), troubles)

    def nothing(self, clear: str, width: int) -> Line:
        """What stands where the rows would be; ``clear`` is the key that ends the filter."""
        shown = cut(self.text, width // 4)
        words = text("filter.nothing", text=shown, clear=clear) if self.text else ""
        return crop([Span(f"  {words}", "dim")], width)

    def foot(self, seen: Narrowed[R], place: Place, keys: Keys, may: May, width: int) -> Line:
        """The filter, how much it hides, and the keys beside it as far as they fit."""
        shown = [Span(cut(self.text, width // 4), "strong"), Span(" ", "normal")]
        if self.typing:
            before, under, after = self.line.window(max(8, width - _BESIDE))
            shown = [Span(before, "strong"), Span(under, "chosen"), Span(after, "strong")]
        left = [Span("/", "key"), *shown]
        if seen.hidden:
            hides = text("filter.hides", count=seen.hidden)
            left.append(Span(f" {hides}" + (", " if seen.troubles else ""), "dim"))
        if seen.troubles:
            left.append(Span(text("filter.troubles", count=seen.troubles), "trouble"))
        if self.typing:
            beside = [*self._offered(), *keys_spans(keys.of("filter"))]
        else:
            beside = [
                Span(keys.shown(f"{place}.clear"), "key"),
                Span(f" {text('filter.clear')}  ", "dim"),
            ]
            room = width - sum(cell_len(span.text) for span in (*left, *beside)) - 3
            beside += keys_line(keys.at(place), max(0, room), may)
        return crop([*left, Span("   "), *beside], width)

    def _offered(self) -> list[Span]:
        """What the word that is typed could become; where it is none, what else there is."""
        could = completions(self.text, self.terms)
        if self.text and could:
            return [Span("  ".join(could[:_OFFERED]), "normal"), GAP, GAP]
        said = text("filter.terms" if self.terms else "filter.others")
        return [Span(said, "dim"), GAP, GAP]


def _stands(sought: str, row: R, seeks: Sequence[Callable[[R, V], str]], at: V) -> bool:
    return any(sought in seek(row, at).lower() for seek in seeks)


def _by_letters(check: Check[R, V], row: R, seeks: Sequence[Callable[[R, V], str]], at: V) -> bool:
    """As a text is sought where it stands nowhere: its letters in a row's name."""
    if not check.wanted:
        return _stands(check.text, row, seeks, at)
    return any(fuzzy(check.text, line) for line in seeks[0](row, at).lower().splitlines())


_FUZZY_FROM: Final = 3
_OFFERED: Final = 8
