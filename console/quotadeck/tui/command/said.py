"""The lines that were typed into the command line, to be said again."""

from dataclasses import dataclass, field
from typing import Final

REMEMBERED: Final = 100


@dataclass(slots=True)
class Said:
    """The lines of this session, the newest last."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Remember a line; one that was said before moves to the end."""
        self.lines = [*(old for old in self.lines if old != line), line][-REMEMBERED:]

    def before(self, start: str, than: int) -> int | None:
        """The place of the next older line that begins so."""
        found = (at for at in range(than - 1, -1, -1) if self.lines[at].startswith(start))
        return next(found, None)

    def after(self, start: str, than: int) -> int | None:
        """The place of the next newer one."""
        return next(
            (at for at in range(than + 1, len(self.lines)) if self.lines[at].startswith(start)),
            None,
        )
