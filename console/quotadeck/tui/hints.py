"""Hints of the first minute: each names the next key to try, once, until that key was pressed."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from quotadeck.tui.keys.bindings import Keys
from quotadeck.words import text

_NS_PER_S: Final = 1_000_000_000


class Hint(NamedTuple):
    """What action it teaches, and from when to when in seconds of the first picture."""

    act: str
    from_s: int
    to_s: int

    @property
    def kind(self) -> str:
        """Of its sentence."""
        return f"hint.{self.act}"


HINTS: Final = (
    Hint("list.down", 4, 12),
    Hint("row.pause", 14, 24),
    Hint("row.undo", 26, 34),
    Hint("overview.project", 36, 44),
    Hint("overview.filter", 46, 52),
    Hint("page.help", 54, 60),
)


@dataclass
class Hints:
    """Those of one console; ``wanted`` False gives none."""

    wanted: bool = False
    _began_ns: int | None = None
    _known: set[str] = field(default_factory=set)

    def pressed(self, act: str) -> None:
        """The operator knows this key."""
        self._known.add(act)

    def line(self, keys: Keys, now_ns: int) -> str:
        """What is taught now; empty where nothing is. The minute begins with the first asking."""
        if not self.wanted:
            return ""
        if self._began_ns is None:
            self._began_ns = now_ns
        at_s = (now_ns - self._began_ns) / _NS_PER_S
        for hint in HINTS:
            key = keys.shown(hint.act)
            if hint.from_s <= at_s < hint.to_s and key and hint.act not in self._known:
                return text(hint.kind, key=key)
        return ""
