"""A modal: a widget over a page that has its keys until it is done."""

from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.themes import Theme


class Modal(Lines):
    """What any page can open over itself; see `Page.open`. The page behind it goes on."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, classes="modal")

    @property
    def place(self) -> Place:
        """Which of the table's places the keys are in."""
        raise NotImplementedError

    def begin(self) -> None:
        """It was opened: from now on it takes keys, though it is not drawn yet."""

    def do(self, act: Act) -> None:
        """Do an action of its place."""
        raise NotImplementedError

    def insert(self, typed: str) -> None:
        """Take what was typed or pasted."""

    def draw(self) -> None:
        """Draw it at the width and height that it needs."""
        raise NotImplementedError
