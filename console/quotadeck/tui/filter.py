"""The filter of a list as a value: a key gives the next one, and it counts what it hides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from quotadeck.domain.snapshot import ProjectRow
from quotadeck.domain.state import Urgency
from quotadeck.domain.state_words import words_of
from quotadeck.tui.keys.act import Act
from quotadeck.tui.kit.editor import BLANK, Editor
from quotadeck.tui.state import Present


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a filter leaves of the projects, and how many it hides, those in trouble apart."""

    rows: Sequence[ProjectRow]
    hidden: int = 0
    troubles: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """Text that a row's id, name or state contains; after ``!`` what they do not contain."""

    line: Editor = BLANK
    typing: bool = False

    @property
    def text(self) -> str:
        return self.line.text

    def do(self, act: Act) -> "Filter":
        """The filter after an action of its own or of the editor."""
        if act.scope == "editor":
            return replace(self, line=self.line.do(act.verb))
        return replace(self, typing=False) if act.verb == "keep" else Filter()

    def insert(self, typed: str) -> "Filter":
        """The filter after typing or pasting."""
        return replace(self, line=self.line.insert(typed))

    def of(self, rows: Sequence[ProjectRow], now: Present) -> Narrowed:
        """The rows that it leaves, in their order."""
        text = self.text.lower()
        wanted, text = not text.startswith("!"), text.removeprefix("!")
        if not text:
            return Narrowed(rows)
        shown, troubles = [], 0
        for row in rows:
            word = words_of(row.state, now.now_ms, now.now_us).word
            found = text in row.id.lower() or text in row.name.lower() or text in word
            if found is wanted:
                shown.append(row)
            else:
                troubles += row.state.urgency is Urgency.TROUBLE
        return Narrowed(shown, len(rows) - len(shown), troubles)
