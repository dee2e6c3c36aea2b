"""A page: a full screen whose keys are those of the table, and who it shares the console with."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar, Final, NamedTuple

from textual.screen import Screen

from quotadeck.sources.base import Source
from quotadeck.tui import terminal
from quotadeck.tui.actions import Place, key_map, key_name
from quotadeck.tui.link import Link
from quotadeck.tui.themes import Theme


@dataclass(frozen=True, slots=True)
class Context:
    """What all pages and dialogs of a console share; ``zone`` None is the machine's."""

    link: Link
    source: Source
    theme: Theme
    zone: tzinfo | None = None
    read_only: bool = False


class Note(NamedTuple):
    """What the last key came to, and its role; ``ends_ns`` on the console's clock, if it ends."""

    text: str = ""
    role: str = "normal"
    ends_ns: int | None = None


NO_NOTE: Final = Note()
NOTE_S: Final = 10
"""So long a note takes the keys' place that tells no error; those stay until they were read."""
_NEVER_TYPED: Final = ("redraw", "suspend")
"""These are about the terminal, whatever is being typed into."""
_TO_THE_END: Final = 1_000_000_000


class Page(Screen[None], inherit_bindings=False):
    """A full screen: `do_ID` does action ID, `draw` shows what there is.

    A page that moves says how far a page is (`window`) and what a move does (`move`).
    """

    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, place: Place, context: Context) -> None:
        super().__init__()
        self.context = context
        self.palette = context.theme
        self.place: Place = place
        self.keys = key_map(place, read_only=context.read_only)
        self.note = NO_NOTE
        terminal.send_only_cells(self)

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw what the page shows now."""
        raise NotImplementedError

    def pulse(self) -> None:
        """The interval is over, or a reading came: draw what is a function of it."""

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def say(self, text: str, role: str = "normal") -> None:
        """Words in answer to a key, on the line of the keys; errors stand until the next key."""
        ends_ns = self.context.link.monotonic_ns() + NOTE_S * 1_000_000_000
        self.note = Note(text, role, ends_ns if role == "normal" else None)
        self.draw()

    # -- keys ------------------------------------------------------------------------------------

    def press(self, key: str, character: str | None) -> None:
        """Do what a key does here."""
        act = self.keys.get(key) or self.keys.get(character or "")
        read, self.note = self.note, NO_NOTE
        if (act is None or act.id not in _NEVER_TYPED) and self.typed(key, character):
            return
        if act is not None:
            getattr(self, f"do_{act.id}")()
        else:
            self.say(self._unknown(key, character), "attention")
        if read != NO_NOTE and self.is_current:
            self.draw()

    def typed(self, key: str, character: str | None) -> bool:  # noqa: ARG002 for those who type
        """Take a key before the table does; True if it was taken."""
        return False

    def paste(self, text: str) -> None:
        """Take what was pasted; where nothing is typed it is nothing."""

    def _unknown(self, key: str, character: str | None) -> str:
        name = character if character and character.isprintable() else key_name(key)
        act = key_map(self.place, read_only=False).get(key)
        if act is not None:
            return f"this console is read-only: {name} would {act.id.replace('_', ' ')}"
        way = "esc goes back" if self.place == "help" else "? lists the keys"
        return f"{name} does nothing here; {way}"

    # -- moving ----------------------------------------------------------------------------------

    @property
    def window(self) -> int:
        """How many lines a page down moves."""
        return 1

    def move(self, by: int) -> None:
        """Move by so many lines, at most to the ends."""

    def do_down(self) -> None:
        self.move(1)

    def do_up(self) -> None:
        self.move(-1)

    def do_page_down(self) -> None:
        self.move(self.window)

    def do_page_up(self) -> None:
        self.move(-self.window)

    def do_top(self) -> None:
        self.move(-_TO_THE_END)

    def do_bottom(self) -> None:
        self.move(_TO_THE_END)

    # -- everywhere ------------------------------------------------------------------------------

    def do_quit(self) -> None:
        self.app.exit(return_code=0)

    def do_leave(self) -> None:
        self.app.exit(return_code=0)

    def do_redraw(self) -> None:
        terminal.redraw(self.app)

    def do_suspend(self) -> None:
        terminal.stop(self.app)

    def do_back(self) -> None:
        self.app.pop_screen()

    def do_help(self) -> None:
        from quotadeck.tui.pages.help import Help

        self.app.push_screen(Help(self.place, self.context))
