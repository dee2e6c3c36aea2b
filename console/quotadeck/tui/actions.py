"""What a key can do: one table that makes the bindings, the footer, the help and the docs.

What is not in the table no key does, and what is in it stands in the help.
"""

from dataclasses import dataclass
from typing import Final, Literal

from quotadeck.domain.commands import Role

Place = Literal["overview", "audit", "help", "everywhere"]


class NothingToDo(Exception):
    """There is nothing that a key could do here; the text says why."""


@dataclass(frozen=True, slots=True)
class Act:
    """A thing a key does.

    ``id`` names the method that does it (``do_ID``); ``keys`` are textual's key names, the first
    is shown; ``label`` stands in the keys line (empty: only in the help); ``changing`` ones do not
    exist in a read-only console; ``role`` is the least that the gateway lets do it.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    words: str
    place: Place = "overview"
    changing: bool = False
    role: Role = Role.VIEWER
    danger: bool = False
    """Asks for the subject's name when the subject is a model or of high priority."""


_CHANGES: Final = (
    Act("pause", ("p",), "pause", "pause the row: new requests are refused, those in flight finish",
        changing=True, role=Role.OPERATOR, danger=True),
    Act("resume", ("r",), "resume", "resume the row: takes its pause out of force",
        changing=True, role=Role.OPERATOR),
    Act("limit", ("l",), "limit", "change a limit of the row: rpm, tpm, concurrency, daily budget",
        changing=True, role=Role.OPERATOR),
    Act("fallback", ("f",), "fallback", "force a model that the row uses to another target",
        changing=True, role=Role.OPERATOR),
    Act("undo", ("u",), "undo", "undo a change in force on the row, having said whose it is",
        changing=True, role=Role.OPERATOR),
)  # fmt: skip

ACTIONS: Final = (
    *_CHANGES,
    Act("undo_entry", ("u",), "undo", "undo the change under the cursor", place="audit",
        changing=True, role=Role.OPERATOR),
    Act("audit", ("a",), "audit", "the audit: who changed what, why, and what is in force"),
    Act("filter", ("slash",), "filter",
        "show only rows whose id, name or state contains the text; !text shows the others"),
    Act("freeze", ("space",), "freeze", "freeze the picture; again to go on"),
    Act("help", ("question_mark",), "help", "this list"),
    Act("help", ("question_mark",), "help", "this list", place="audit"),
    Act("quit", ("q",), "quit", "leave; the gateway goes on"),
    Act("back", ("escape",), "", "clear the filter"),
    Act("back", ("escape", "q"), "back", "back to the overview", place="audit"),
    Act("back", ("escape", "q", "question_mark"), "back", "back to where it was opened",
        place="help"),
    Act("leave", ("ctrl+c", "ctrl+q"), "", "leave from wherever you are", place="everywhere"),
    Act("suspend", ("ctrl+z",), "", "to the shell; `fg` comes back", place="everywhere"),
    Act("redraw", ("ctrl+l",), "", "draw the whole screen anew", place="everywhere"),
    Act("tables", ("tab",), "", "between projects and models"),
    Act("slower", ("minus",), "", "draw less often, down to every 2 s"),
    Act("faster", ("plus", "equals_sign"), "", "draw more often, up to every 0.2 s"),
    Act("down", ("down", "j"), "", "down a row", place="everywhere"),
    Act("up", ("up", "k"), "", "up a row", place="everywhere"),
    Act("page_down", ("pagedown", "ctrl+d"), "", "down a page", place="everywhere"),
    Act("page_up", ("pageup", "ctrl+u"), "", "up a page", place="everywhere"),
    Act("top", ("home", "g"), "", "to the first row", place="everywhere"),
    Act("bottom", ("end", "G"), "", "to the last row", place="everywhere"),
)  # fmt: skip

_SHOWN: Final = {
    "slash": "/", "question_mark": "?", "plus": "+", "minus": "-", "equals_sign": "=",
    "escape": "esc", "pagedown": "pgdn", "pageup": "pgup", "down": "↓", "up": "↑",
    "ctrl+c": "^c", "ctrl+z": "^z", "ctrl+q": "^q", "ctrl+d": "^d", "ctrl+u": "^u",
    "ctrl+l": "^l",
}  # fmt: skip


def allowed(act: Act, role: Role) -> bool:
    """Whether the gateway lets that role do it, as far as the table knows."""
    ranks = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
    return ranks.index(role) >= ranks.index(act.role)


def key_name(key: str) -> str:
    """A key as people write it: ``/`` for ``slash``, ``^c`` for ``ctrl+c``."""
    return _SHOWN.get(key, key)


def available(place: Place, *, read_only: bool) -> tuple[Act, ...]:
    """The actions of a place, with those of everywhere; a read-only console has no changes."""
    return tuple(
        act
        for act in ACTIONS
        if act.place in (place, "everywhere") and not (read_only and act.changing)
    )


def key_map(place: Place, *, read_only: bool) -> dict[str, Act]:
    """What each key does in a place."""
    return {key: act for act in available(place, read_only=read_only) for key in act.keys}


def keys_reference() -> str:
    """The key table of the documents, in Markdown."""
    lines = ["| keys | what it does | where | role |", "|---|---|---|---|"]
    for act in ACTIONS:
        keys = " ".join(f"`{key_name(key)}`" for key in act.keys)
        words = act.words + ("; asks for the name" if act.danger else "")
        role = act.role.value if act.changing else "any"
        lines.append(f"| {keys} | {words} | {act.place} | {role} |")
    return "\n".join(lines) + "\n"
