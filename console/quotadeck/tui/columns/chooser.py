"""The small dialog that chooses columns and their order."""

from collections.abc import Callable
from dataclasses import replace

from quotadeck.tui.columns.chosen import CHOICES, Chosen
from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.foot import keys_spans
from quotadeck.tui.kit.modal import Modal
from quotadeck.tui.kit.moves import Moves
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.words import text

_LEAST = 40


class Chooser(Moves, Modal):
    """Columns with a tick, the shown ones first and in their order; ``done`` takes what it came to.

    It is told None where nothing was chosen. ``copy`` puts a text on the clipboard.
    """

    def __init__(
        self,
        context: Context,
        chosen: Chosen,
        done: Callable[[Chosen | None], None],
        copy: Callable[[str], None],
    ) -> None:
        super().__init__(context.theme)
        self._keys = context.keys
        self._chosen = chosen
        self._done = done
        self._copy = copy
        shown = [one for one in chosen.columns if one in CHOICES] or list(CHOICES)
        self._ids = [*shown, *(one for one in CHOICES if one not in shown)]
        self._ticked = set(shown)
        self._at = 0
        self._top = 0

    @property
    def place(self) -> Place:
        return "columns"

    @property
    def window(self) -> int:
        return max(1, self._room - 3)

    @property
    def _room(self) -> int:
        return min(len(self._ids) + 3, self.app.size.height - 2)

    def do(self, act: Act) -> None:
        getattr(self, f"do_{act.verb}")()

    def move(self, by: int) -> None:
        self._at = max(0, min(self._at + by, len(self._ids) - 1))
        self.draw()

    def do_tick(self) -> None:
        self._ticked ^= {self._ids[self._at]}
        self.move(1)

    def do_earlier(self) -> None:
        self._carry(-1)

    def do_later(self) -> None:
        self._carry(1)

    def _carry(self, by: int) -> None:
        to = max(0, min(self._at + by, len(self._ids) - 1))
        self._ids.insert(to, self._ids.pop(self._at))
        self.move(to - self._at)

    def do_usual(self) -> None:
        self._ids, self._ticked = list(CHOICES), set(CHOICES)
        self.draw()

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(one for one in self._ids if one in self._ticked)

    def do_copy(self) -> None:
        """Copy the line that keeps them, for console.toml."""
        self._copy("columns = [" + ", ".join(f'"{one}"' for one in self._columns) + "]")

    def do_apply(self) -> None:
        columns = self._columns
        usual = columns == tuple(CHOICES) or not columns
        self._done(replace(self._chosen, columns=() if usual else columns))

    def do_leave(self) -> None:
        self._done(None)

    def draw(self) -> None:
        size = self.app.size
        width, height = min(76, size.width), self._room
        self._top = max(min(self._top, self._at), self._at - self.window + 1)
        shown = self._ids[self._top : self._top + self.window]
        lines = [_edge(text("columns.title"), width), *(self._line(one, width) for one in shown)]
        keys = keys_spans(self._keys.of("columns"))
        lines.append(crop([Span("│ ", "dim"), *crop(keys, width - 4), Span(" │", "dim")], width))
        lines.append((Span("└" + "─" * (width - 2) + "┘", "dim"),))
        self.styles.width, self.styles.height = width, len(lines)
        self.styles.offset = ((size.width - width) // 2, max(0, (size.height - height) // 2))
        self.show(lines)

    def _line(self, column: str, width: int) -> Line:
        here = self._ids[self._at] == column
        title = CHOICES[column].titles[-1]
        tick = "[x]" if column in self._ticked else "[ ]"
        said = fit(text(f"column.{column}"), max(0, width - 27))
        return crop(
            [
                Span("│ ", "dim"),
                Span("▸" if here else " ", "key"),
                Span(f"{tick} ", "normal"),
                Span(fit(text(f"title.{title}"), 15), "chosen" if here else "strong"),
                Span(" "),
                Span(said, "dim"),
                Span(" │", "dim"),
            ],
            width,
        )


def _edge(title: str, width: int) -> Line:
    return (
        Span("┌ ", "dim"), Span(title, "strong"),
        Span(" " + "─" * (width - cell_len(title) - 4) + "┐", "dim"),
    )  # fmt: skip
