"""What all pages and dialogs of a console share."""

from dataclasses import dataclass, field
from datetime import tzinfo

from quotadeck.sources.base import Source
from quotadeck.tui.change.made import Made
from quotadeck.tui.command.said import Said
from quotadeck.tui.hints import Hints
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.link import Link
from quotadeck.tui.pace import Pace
from quotadeck.tui.themes import Theme


@dataclass(frozen=True, slots=True)
class Context:
    """The link, the looks and the keys; ``zone`` None is the machine's."""

    link: Link
    source: Source
    theme: Theme
    keys: Keys
    pace: Pace
    zone: tzinfo | None = None
    said: Said = field(default_factory=Said)
    """What was typed into the command line."""
    hints: Hints = field(default_factory=Hints)
    made: Made = field(default_factory=Made)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed from here."""
        return self.keys.read_only
