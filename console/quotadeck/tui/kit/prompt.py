"""A modal in which a line is typed, and the prompt at the foot of a page that is one."""

from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.foot import keys_spans
from quotadeck.tui.kit.modal import Modal
from quotadeck.tui.kit.spans import GAP, Span, crop
from quotadeck.words import text


class Typing(Modal):
    """Keys of the editor change ``line``; those of its own place are methods ``do_VERB``."""

    def __init__(self, place: Place, context: Context, line: Editor) -> None:
        super().__init__(context.theme)
        self.context = context
        self.line = line
        self._place = place

    @property
    def place(self) -> Place:
        return self._place

    def do(self, act: Act) -> None:
        if act.scope == "editor":
            self.edit(self.line.do(act.verb))
        else:
            getattr(self, f"do_{act.verb}")()

    def insert(self, typed: str) -> None:
        self.edit(self.line.insert(typed))

    def edit(self, line: Editor) -> None:
        """That is typed by now."""
        self.line = line
        self.draw()


class Prompt(Typing):
    """A line at the foot: what is asked (``PLACE.prompt``), what was typed, the keys.

    ``told``, where there is something, stands in place of the keys until something else is typed.
    """

    told = ""

    def edit(self, line: Editor) -> None:
        self.told = ""
        super().edit(line)

    def tell(self, words: str) -> None:
        """Say what is wrong, or what is under way; the cursor stays where it was."""
        self.told = words
        self.draw()

    def draw(self) -> None:
        size = self.app.size
        self.styles.height, self.styles.width = 1, size.width
        self.styles.offset = (0, max(0, size.height - 1))
        before, under, after = self.line.window(max(8, size.width // 3))
        role = "chosen" if self.line.fresh else "strong"
        told = [Span(self.told, "attention")]
        line = [
            *(Span(text(f"{self.place}.prompt"), "key"), GAP),
            *(Span(before, role), Span(under, "chosen"), Span(after, role), Span("   ")),
            *(told if self.told else keys_spans(self.context.keys.of(self.place))),
        ]
        self.show([crop(line, size.width)])
