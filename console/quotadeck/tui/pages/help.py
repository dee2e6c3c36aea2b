"""The help, made from the table of actions."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from quotadeck.tui.keys.act import Act, key_name
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.fit import fit, folded
from quotadeck.tui.kit.foot import note_line
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.pages.legend import legend
from quotadeck.words import text


def opened(context: Context, of: Page) -> "Help":
    """The keys of that page."""
    return Help(of.place, context)


class Help(Page):
    """Every key of the place it was opened from, and how to read the screen."""

    def __init__(self, of: Place, context: Context) -> None:
        super().__init__("help", context)
        self._of = of
        self._top = 0
        self._body = Lines(context.theme)

    def compose(self) -> ComposeResult:
        yield from (self._body, self.foot)

    def on_mount(self) -> None:
        self._body.styles.height = "1fr"
        self.draw()

    def draw(self) -> None:
        width, page = self.size.width, self.window
        lines = help_lines(self._of, width, self.keys)
        self._top = max(0, min(self._top, len(lines) - page))
        shown = [crop(line, width) for line in lines[self._top : self._top + page]]
        self._body.show([*shown, *[()] * (page - len(shown))])
        self.draw_foot(self._more(len(lines), width))

    @property
    def window(self) -> int:
        return max(1, self.size.height - 1)

    def _more(self, count: int, width: int) -> Line | None:
        """How much more there is, before the keys; None where all is seen."""
        if count <= self.window:
            return None
        last = min(count, self._top + self.window)
        down, up = self.keys.shown("list.down"), self.keys.shown("list.up")
        more = text("help.more", first=self._top + 1, last=last, count=count, down=down, up=up)
        return note_line(more, "dim", self.keys.at("help"), width)

    def move(self, by: int) -> None:
        self._top = max(0, self._top + by)
        self.draw()


def help_lines(place: Place, width: int, keys: Keys) -> list[Line]:
    """The help of a place, line by line."""
    title = text(
        "help.keys.read_only" if keys.read_only else "help.keys", place=text(f"place.{place}")
    )
    lines: list[Line] = [(Span(title, "strong"),)]
    lines += _acts(keys.at(place), width)
    for scope in _TYPING if place == "overview" else _TYPING[2:]:
        lines.append((Span(text("help.typing", where=text(f"place.{scope}")), "strong"),))
        lines += _acts(keys.of(scope), width)
    lines.append((Span(text("help.reading"), "strong"),))
    for sign, words in legend(place):
        lines += _entry(sign, words, width)
    return lines


_KEYS: Final = 12
_KEYS_NARROW: Final = 5
_WIDE_FROM: Final = 64
"""From so many cells on the longest keys stand beside their words."""
_TYPING: Final = (
    *("filter", "explain", "columns", "command", "palette", "export", "time"),
    *("dialog", "choice", "editor"),
)


def _acts(acts: Sequence[Act], width: int) -> list[Line]:
    lines: list[Line] = []
    for act in acts:
        needs = act.role.value if act.changing else ""
        asks = text("keys.asks.when") if act.danger else ""
        words = text("help.entry", words=act.words, asks=asks, role=needs)
        shown = " ".join(key_name(key) for key in act.keys) or "–"
        lines += _entry(shown, words, width)
    return lines


def _entry(keys: str, words: str, width: int) -> list[Line]:
    cells = _KEYS if width >= _WIDE_FROM else _KEYS_NARROW
    if len(keys) > cells:  # on a narrow screen: on a line of their own, for the words' sake
        return [(Span(f"  {keys}", "key"),), *_entry("", words, width)]
    parts = folded(words, width - cells - 3)
    heads = [f"  {fit(keys, cells)} ", *[" " * (cells + 3)] * (len(parts) - 1)]
    return [
        (Span(head, "key"), Span(part, "normal")) for head, part in zip(heads, parts, strict=True)
    ]
