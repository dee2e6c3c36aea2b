"""What the screens have in common: keys from the table, single cells to the terminal."""

from typing import ClassVar, Final

from textual.events import Key
from textual.screen import Screen

from console.tui import terminal
from console.tui.actions import Place, key_map
from console.tui.themes import Theme

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
        terminal.send_only_cells(self)

    async def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        act = self.keys.get(event.key) or self.keys.get(event.character or "")
        if (act is None or act.id not in _NEVER_TYPED) and self.typed(event.key, event.character):
            return
        if act is not None:
            getattr(self, f"do_{act.id}")()

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
        from console.tui.help import Help

        self.app.push_screen(Help(self.place, self.palette, read_only=self.read_only))
