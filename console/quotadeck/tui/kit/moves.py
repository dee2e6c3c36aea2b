"""The keys that move, once for every page."""

from typing import Final

_TO_THE_END: Final = 1_000_000_000


class Moves:
    """What moves says how far a page is (`window`) and what a move does (`move`)."""

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
