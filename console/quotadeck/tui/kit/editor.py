"""A line of text being typed: one editor for the filter, the fields and whatever comes."""

from dataclasses import dataclass, replace
from typing import Final

from quotadeck.domain.text import clean
from quotadeck.tui.kit.fit import cell_len


@dataclass(frozen=True, slots=True)
class Editor:
    """The text, and the cursor before its character ``at``; a key gives the next one.

    ``limit`` bounds the characters; ``fresh`` is a proposal that nobody touched yet: what is typed
    replaces it. A verb of the table's scope `editor` is a method ``do_VERB``. The cursor never
    stands between a character and the marks that are drawn over it.
    """

    text: str = ""
    at: int = 0
    limit: int = 60
    fresh: bool = False

    @classmethod
    def holding(cls, text: str, *, limit: int = 60, fresh: bool = False) -> "Editor":
        """An editor of that text with the cursor behind it."""
        return cls(text, len(text), limit, fresh)

    def do(self, verb: str) -> "Editor":
        """The editor after an action of the table."""
        edited: Editor = getattr(self, f"do_{verb}")()
        return replace(edited, fresh=False)

    def insert(self, typed: str) -> "Editor":
        """The editor after typing or pasting, made safe to draw; what does not fit is left out.

        A pasted line's end is no part of it.
        """
        old, at = ("", 0) if self.fresh else (self.text, self.at)
        most = max(0, self.limit - len(old))
        new = clean(typed[: 4 * self.limit].rstrip("\r\n"), 4 * self.limit)[:most]
        return Editor(old[:at] + new + old[at:], at + len(new), self.limit)

    def window(self, width: int) -> tuple[str, str, str]:
        """What is seen in ``width`` cells: before the cursor, under it (a blank at the end), after.

        It is scrolled so that the cursor is seen.
        """
        under = self.text[self.at : self._after(self.at)] or " "
        before = self.text[: self.at]
        while before and cell_len(before) + cell_len(under) > width:
            before = before[1:]
        after = self.text[self._after(self.at) :]
        while after and cell_len(before) + cell_len(under) + cell_len(after) > width:
            after = after[:-1]
        return before, under, after

    def do_left(self) -> "Editor":
        return replace(self, at=self._before(self.at))

    def do_right(self) -> "Editor":
        return replace(self, at=self._after(self.at))

    def do_start(self) -> "Editor":
        return replace(self, at=0)

    def do_end(self) -> "Editor":
        return replace(self, at=len(self.text))

    def do_word_left(self) -> "Editor":
        return replace(self, at=self._word_start())

    def do_word_right(self) -> "Editor":
        after = self.text[self.at :]
        gap = len(after) - len(after.lstrip())
        word = after.lstrip().partition(" ")[0]
        return replace(self, at=self.at + gap + len(word))

    def do_rub_out(self) -> "Editor":
        return self._without(self._before(self.at), self.at)

    def do_delete(self) -> "Editor":
        return self._without(self.at, self._after(self.at))

    def do_delete_word(self) -> "Editor":
        return self._without(self._word_start(), self.at)

    def do_delete_before(self) -> "Editor":
        return self._without(0, self.at)

    def do_delete_after(self) -> "Editor":
        return self._without(self.at, len(self.text))

    def _without(self, start: int, end: int) -> "Editor":
        if self.fresh:
            start, end = 0, len(self.text)
        return replace(self, text=self.text[:start] + self.text[end:], at=start)

    def _word_start(self) -> int:
        before = self.text[: self.at].rstrip()
        return before.rfind(" ") + 1

    def _before(self, at: int) -> int:
        at = max(0, at - 1)
        while at and not cell_len(self.text[at]):
            at -= 1
        return at

    def _after(self, at: int) -> int:
        at = min(at + 1, len(self.text))
        while at < len(self.text) and not cell_len(self.text[at]):
            at += 1
        return at


BLANK: Final = Editor()
