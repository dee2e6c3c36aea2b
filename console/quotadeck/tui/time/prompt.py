"""A time being typed at the foot of a page."""

from collections.abc import Callable

from quotadeck.domain.ago import ago_us
from quotadeck.domain.typed import TypedWrong
from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.foot import keys_spans
from quotadeck.tui.kit.modal import Modal
from quotadeck.tui.kit.spans import GAP, Span, crop
from quotadeck.words import say, text

_MOST = 40


class TimePrompt(Modal):
    """``done`` is told the instant, or None where it is left."""

    def __init__(self, context: Context, done: Callable[[int | None], None]) -> None:
        super().__init__(context.theme)
        self.context = context
        self._done = done
        self._line = Editor(limit=_MOST)
        self._wrong = ""

    @property
    def place(self) -> Place:
        return "time"

    def do(self, act: Act) -> None:
        """An action of the prompt or of the editor."""
        if act.scope == "editor":
            self._edit(self._line.do(act.verb))
        else:
            getattr(self, f"do_{act.verb}")()

    def insert(self, typed: str) -> None:
        self._edit(self._line.insert(typed))

    def do_leave(self) -> None:
        self._done(None)

    def do_go(self) -> None:
        """Go there, or tell what is wrong with it, the cursor where it was."""
        typed = self._line.text.strip()
        live = self.context.link.live()
        if not typed or live is None:
            self._done(None)
            return
        try:
            at_us = ago_us(typed, live.present.now_us, self.context.zone)
        except TypedWrong as wrong:
            self._wrong = say(wrong.told)
            self.draw()
        else:
            self._done(at_us)

    def _edit(self, line: Editor) -> None:
        self._line, self._wrong = line, ""
        self.draw()

    def draw(self) -> None:
        """A line at the foot: what is asked, what was typed, the keys or what is wrong."""
        size = self.app.size
        self.styles.height, self.styles.width = 1, size.width
        self.styles.offset = (0, max(0, size.height - 1))
        asked = text("time.prompt")
        before, under, after = self._line.window(max(8, size.width // 3))
        beside = keys_spans(self.context.keys.of("time"))
        if self._wrong:
            beside = [Span(self._wrong, "attention")]
        line = [
            *(Span(asked, "key"), GAP),
            *(Span(before, "strong"), Span(under, "chosen"), Span(after, "strong")),
            *(Span("   "), *beside),
        ]
        self.show([crop(line, size.width)])
