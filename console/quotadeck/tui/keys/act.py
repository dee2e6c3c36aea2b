"""A thing that a key does, and how keys are written."""

from dataclasses import dataclass
from typing import Final

from quotadeck.domain.capability import Read
from quotadeck.domain.commands import Role
from quotadeck.domain.notice import Fact, Notice
from quotadeck.domain.text import clean
from quotadeck.words import text


class NothingToDo(Exception):
    """There is nothing that a key could do here; the notice says why."""

    def __init__(self, kind: str, **facts: Fact) -> None:
        super().__init__(kind)
        self.notice = Notice(kind, facts)


@dataclass(frozen=True, slots=True)
class Act:
    """A thing that a key does.

    ``id`` reads ``SCOPE.VERB``: where it holds, and the method that does it (``do_VERB``). ``keys``
    are textual's names, the first is shown; a ``shown`` one stands in the keys line, too;
    ``changing`` ones do not exist in a read-only console; ``role`` is the least that the gateway
    lets do it.
    """

    id: str
    keys: tuple[str, ...]
    shown: bool = False
    changing: bool = False
    role: Role = Role.VIEWER
    reads: Read | None = None
    """What of the source it shows."""
    opens: str = ""
    """The page that it opens, a module of `pages/`."""
    danger: bool = False
    """Asks for the subject's name when the subject is a model or of high priority."""

    command: str = ""
    """The command that a changing one comes to, where that is not called as what it does."""

    @property
    def words(self) -> str:
        """What it does, for the help."""
        return text(f"key.{self.id}")

    @property
    def label(self) -> str:
        """What it does, for the line of keys; empty where it does not stand there."""
        return text(f"label.{self.id}") if self.shown and self.keys else ""

    @property
    def needs(self) -> str | None:
        """What the source must be capable of: a command's verb, or something that is read."""
        return (self.command or self.verb) if self.changing else self.reads

    @property
    def scope(self) -> str:
        """Where it holds: ``list`` of ``list.down``."""
        return self.id.partition(".")[0]

    @property
    def verb(self) -> str:
        """What is done: ``down`` of ``list.down``."""
        return self.id.partition(".")[2]


_SHOWN: Final = {
    "slash": "/", "question_mark": "?", "plus": "+", "minus": "-", "equals_sign": "=", "colon": ":",
    "asterisk": "*", "exclamation_mark": "!", "less_than_sign": "<", "greater_than_sign": ">",
    "escape": "esc", "pagedown": "pgdn", "pageup": "pgup", "down": "↓", "up": "↑", "left": "←",
    "right": "→", "delete": "del", "left_square_bracket": "[", "right_square_bracket": "]",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "full_stop": ".", "at": "@",
}  # fmt: skip
_TYPED: Final = (
    "space", "slash", "question_mark", "plus", "minus", "equals_sign", "colon", "asterisk",
    "exclamation_mark", "less_than_sign", "greater_than_sign", "left_square_bracket",
    "right_square_bracket", "left_curly_bracket", "right_curly_bracket", "full_stop", "at",
)  # fmt: skip
"""Names of keys that type a character; the others that do are that character."""


def key_name(key: str) -> str:
    """A key as people write it: ``/`` for ``slash``, ``^c`` for ``ctrl+c``."""
    control, _, last = key.rpartition("ctrl+")
    shown = _SHOWN.get(last, last)
    return f"{control}^{shown}" if "ctrl+" in key else shown


def types(key: str) -> bool:
    """Whether a key types a character where something is typed."""
    return len(key) == 1 or key in _TYPED


def is_text(character: str | None) -> bool:
    """Whether a key's character is one to be typed: a blank of any width is, a tab is not."""
    return character is not None and character != "" and clean(character) == character


def allowed(act: Act, role: Role) -> bool:
    """Whether the gateway lets that role do it, as far as the table knows."""
    ranks = tuple(Role)
    return ranks.index(role) >= ranks.index(act.role)
