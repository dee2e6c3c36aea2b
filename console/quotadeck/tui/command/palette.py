"""All that can be done on a page, found by a few letters of its words: for who forgot the key."""

from collections.abc import Callable, Sequence
from typing import Final

from quotadeck.tui.keys.act import Act, key_name
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.prompt import Typing
from quotadeck.tui.kit.spans import Span, crop
from quotadeck.tui.kit.terms import fuzzy
from quotadeck.words import text

WIDTH: Final = 72
_KEYS: Final = 12


class Palette(Typing):
    """A list that what is typed narrows; enter does the chosen one, and None leaves."""

    def __init__(
        self, context: Context, acts: Sequence[Act], done: Callable[[Act | None], None]
    ) -> None:
        super().__init__("palette", context, Editor(limit=40))
        self._acts = [act for act in acts if act.keys]
        self._done = done
        self._chosen = 0

    def do_leave(self) -> None:
        self._done(None)

    def do_run(self) -> None:
        found = self._found()
        if found:
            self._done(found[self._chosen])

    def do_next(self) -> None:
        self._move(1)

    def do_previous(self) -> None:
        self._move(-1)

    def _move(self, by: int) -> None:
        self._chosen = min(max(0, self._chosen + by), max(0, len(self._found()) - 1))
        self.draw()

    def edit(self, line: Editor) -> None:
        self._chosen = 0
        super().edit(line)

    def _found(self) -> list[Act]:
        """Those whose words contain all that was typed, before those that have its letters."""
        sought = self.line.text.lower()
        ranked = [(_rank(sought, f"{act.verb} {act.words}".lower()), act) for act in self._acts]
        found = [(rank, act) for rank, act in ranked if rank is not None]
        return [act for _, act in sorted(found, key=lambda one: one[0])]

    def draw(self) -> None:
        """A frame over the page, as high as there is room for."""
        size, found = self.app.size, self._found()
        width, high = min(WIDTH, size.width), max(1, min(len(self._acts), size.height - 5))
        first = max(0, min(self._chosen - high // 2, len(found) - high))
        before, under, after = self.line.window(width - 6)
        lines = [
            crop([Span("┌" + "─" * (width - 2) + "┐", "dim")], width),
            self._framed(
                [Span(" "), Span(before, "strong"), Span(under, "chosen"), Span(after)], width
            ),
        ]
        for at in range(first, first + high):
            if at < len(found):
                lines.append(self._framed(_entry(found[at], width - 2, at == self._chosen), width))
            else:
                none = text("palette.none") if at == first else ""
                lines.append(self._framed([Span(f" {none}", "dim")], width))
        lines.append(crop([Span("└" + "─" * (width - 2) + "┘", "dim")], width))
        self.styles.height, self.styles.width = len(lines), width
        self.styles.offset = ((size.width - width) // 2, max(0, min(2, size.height - len(lines))))
        self.show(lines)

    def _framed(self, spans: Sequence[Span], width: int) -> tuple[Span, ...]:
        return (Span("│", "dim"), *crop(spans, width - 2), Span("│", "dim"))


def _entry(act: Act, width: int, chosen: bool) -> list[Span]:
    keys = fit(" ".join(map(key_name, act.keys)), _KEYS)
    words = fit(act.words, max(0, width - cell_len(keys) - 2))
    if chosen:
        return [Span(f" {keys} {words}", "chosen")]
    return [Span(f" {keys} ", "key"), Span(words)]


def _rank(sought: str, words: str) -> int | None:
    """0 where the words begin so, 1 where they contain it, 2 where its letters come in order."""
    if words.startswith(sought):
        return 0
    if sought in words:
        return 1
    return 2 if fuzzy(sought.replace(" ", ""), words) else None
