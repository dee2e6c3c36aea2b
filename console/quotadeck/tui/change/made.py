"""What was changed from this console a moment ago, which no reading tells of yet."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from quotadeck.domain.commands import Action, Command

if TYPE_CHECKING:
    from quotadeck.domain.answers import CommandAnswer
    from quotadeck.tui.change.undo import Undoable

_MOST: Final = 100
"""Of several rows each is one; a second has no more."""


@dataclass(slots=True)
class Made:
    """Shared by all pages: what was done on one can be taken back from another."""

    changes: "tuple[Undoable, ...]" = ()

    def took(self, answer: "CommandAnswer", command: Command, actor: str) -> None:
        """A command was answered. After an undo nothing counts but what readings tell."""
        from quotadeck.tui.change.undo import just_made

        before = () if command.action == Action.UNDO else self.changes[-_MOST:]
        self.changes = (*before, *just_made(answer, command, actor))
