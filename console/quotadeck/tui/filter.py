"""The filter of the overview as a value: a key gives the next one, and it counts what it hides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from quotadeck.domain.snapshot import ProjectRow
from quotadeck.domain.state import Urgency
from quotadeck.domain.state_words import words_of
from quotadeck.domain.text import clean
from quotadeck.tui.state import Present

_MOST: Final = 60


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a filter leaves of the projects, and how many it hides, those in trouble apart."""

    rows: Sequence[ProjectRow]
    hidden: int = 0
    troubles: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """Text that a row's id, name or state contains; after ``!`` what they do not contain."""

    text: str = ""
    typing: bool = False

    def press(self, key: str, character: str | None) -> "Filter | None":
        """The filter after a key; None if the key is not for it."""
        match key:
            case "enter":
                return replace(self, typing=False)
            case "escape" | "ctrl+c":
                return Filter()
            case "backspace":
                return replace(self, text=self.text[:-1])
            case "ctrl+u":
                return replace(self, text="")
            case _:
                typed = character and character.isprintable()
                return self.insert(character) if typed and character else None

    def insert(self, typed: str) -> "Filter":
        """The filter after typing or pasting; a pasted line's end is no part of it."""
        return replace(self, text=(self.text + clean(typed.rstrip("\r\n"), _MOST))[:_MOST])

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
