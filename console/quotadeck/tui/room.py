"""What the screens have in common: keys from the table, single cells to the terminal."""

from typing import ClassVar, Final, NamedTuple

from textual.screen import Screen

from quotadeck.tui import terminal
from quotadeck.tui.actions import Place, key_map, key_name
from quotadeck.tui.themes import Theme


class Note(NamedTuple):
    """What the last key came to, and its role; ``ends_ns`` on the console's clock, if it ends."""

    text: str = ""
    role: str = "normal"
    ends_ns: int | None = None


NO_NOTE: Final = Note()
_NEVER_TYPED: Final = ("redraw", "suspend")
"""These are about the terminal, whatever is being typed into."""


class Room(Screen[None], inherit_bindings=False):
    """A full screen whose keys are those of the table: `do_ID` does action ID."""

    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, place: Place, theme: Theme, *, read_only: bool) -> None:
        super().__init__()
        self.palette = theme
        self.read_only = read_only
        self.place: Place = place
        self.keys = key_map(place, read_only=read_only)
        self.note = NO_NOTE
        terminal.send_only_cells(self)

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

    def paste(self, text: str) -> None:
        """Take what was pasted; where nothing is typed it is nothing."""

    def _unknown(self, key: str, character: str | None) -> str:
        name = character if character and character.isprintable() else key_name(key)
        act = key_map(self.place, read_only=False).get(key)
        if act is not None:
            return f"this console is read-only: {name} would {act.id.replace('_', ' ')}"
        way = "esc goes back" if self.place == "help" else "? lists the keys"
        return f"{name} does nothing here; {way}"

    def say(self, text: str, role: str = "normal") -> None:
        """Words in answer to a key, on the line of the keys; they stand until the next one."""
        self.note = Note(text, role)
        self.draw()

    def draw(self) -> None:
        """Draw what the room shows now."""
        raise NotImplementedError

    def typed(self, key: str, character: str | None) -> bool:  # noqa: ARG002 for those who type
        """Take a key before the table does; True if it was taken."""
        return False

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
        from quotadeck.tui.help import Help

        self.app.push_screen(Help(self.place, self.palette, read_only=self.read_only))
