"""What a key can do: one table that makes the bindings, the footer, the help and the docs.

What is not in the table no key does, and what is in it stands in the help.
"""

from collections.abc import Mapping
from typing import Final, Literal

from quotadeck.domain.commands import Role
from quotadeck.tui.keys.act import Act

Place = Literal["overview", "audit", "help", "filter", "text", "choice"]

PLACES: Final[Mapping[Place, tuple[str, ...]]] = {
    "overview": ("overview", "row", "list", "page", "app"),
    "audit": ("audit", "list", "page", "opened", "app"),
    "help": ("help", "list", "opened", "app"),
    "filter": ("filter", "editor", "list", "app"),
    "text": ("dialog", "editor", "app"),
    "choice": ("dialog", "choice", "app"),
}
"""The scopes that hold in each place; the first that knows a key has it."""

TYPED: Final[tuple[Place, ...]] = ("filter", "text")
"""Where a character is typed, whatever it does elsewhere."""

SCOPES: Final[Mapping[str, str]] = {
    "overview": "overview", "row": "overview", "audit": "audit", "help": "help", "page": "pages",
    "opened": "audit, help", "list": "lists", "app": "everywhere", "filter": "filter",
    "dialog": "dialog", "editor": "text being typed", "choice": "choice in a dialog",
}  # fmt: skip
"""Each scope in words."""


def _change(id: str, key: str, words: str, label: str, *, danger: bool = False) -> Act:  # noqa: A002
    return Act(id, (key,), words, label, changing=True, role=Role.OPERATOR, danger=danger)


ACTIONS: Final = (
    _change("row.pause", "p", "pause the row: new requests are refused, those in flight finish",
            "pause", danger=True),
    _change("row.resume", "r", "resume the row: takes its pause out of force", "resume"),
    _change("row.limit", "l", "change a limit of the row: rpm, tpm, slots, budget", "limit"),
    _change("row.fallback", "f", "force a model that the row uses to another target", "fallback"),
    _change("row.undo", "u", "undo a change in force on the row, having said whose it is", "undo"),
    _change("audit.undo", "u", "undo the change under the cursor", "undo"),
    Act("overview.audit", ("a",), "the audit: who changed what, why, and what is in force",
        "audit"),
    Act("overview.filter", ("slash",),
        "show only rows whose id, name or state contains the text; !text shows the others",
        "filter"),
    Act("overview.freeze", ("space",), "freeze the picture; again to go on", "freeze"),
    Act("page.help", ("question_mark",), "this list", "help"),
    Act("overview.quit", ("q",), "leave; the gateway goes on", "quit"),
    Act("overview.clear", ("escape",), "clear the filter"),
    Act("opened.back", ("escape", "q"), "back to where it was opened", "back"),
    Act("help.back", ("question_mark",), "back, too"),
    Act("app.leave", ("ctrl+c", "ctrl+q"), "leave from wherever you are"),
    Act("app.suspend", ("ctrl+z",), "to the shell; `fg` comes back"),
    Act("app.redraw", ("ctrl+l",), "draw the whole screen anew"),
    Act("overview.tables", ("tab",), "between projects and models"),
    Act("overview.slower", ("minus",), "draw less often, down to every 2 s"),
    Act("overview.faster", ("plus", "equals_sign"), "draw more often, up to every 0.2 s"),
    Act("list.down", ("down", "j"), "down a row"),
    Act("list.up", ("up", "k"), "up a row"),
    Act("list.page_down", ("pagedown", "ctrl+d"), "down a page"),
    Act("list.page_up", ("pageup", "ctrl+u"), "up a page"),
    Act("list.top", ("home", "g"), "to the first row"),
    Act("list.bottom", ("end", "G"), "to the last row"),
    Act("filter.keep", ("enter",), "keep the filter and leave its line", "keep"),
    Act("filter.clear", ("escape", "ctrl+c"), "clear the filter and leave its line", "clear"),
    Act("dialog.apply", ("enter",), "apply what is previewed", "apply"),
    Act("dialog.next_field", ("tab", "down"), "to the next field", "next field"),
    Act("dialog.previous_field", ("shift+tab", "up"), "to the field before"),
    Act("dialog.leave", ("escape", "ctrl+c"), "leave; nothing is changed", "leave"),
    Act("choice.next", ("right", "space"), "the next choice; ticks and unticks"),
    Act("choice.previous", ("left",), "the choice before"),
    Act("editor.left", ("left", "ctrl+b"), "left a character"),
    Act("editor.right", ("right", "ctrl+f"), "right a character"),
    Act("editor.word_left", ("ctrl+left",), "left a word"),
    Act("editor.word_right", ("ctrl+right",), "right a word"),
    Act("editor.start", ("home", "ctrl+a"), "to the start of the text"),
    Act("editor.end", ("end", "ctrl+e"), "to its end"),
    Act("editor.rub_out", ("backspace", "ctrl+h"), "delete the character before the cursor"),
    Act("editor.delete", ("delete", "ctrl+d"), "delete the character under it"),
    Act("editor.delete_word", ("ctrl+w",), "delete the word before it"),
    Act("editor.delete_before", ("ctrl+u",), "delete everything before it"),
    Act("editor.delete_after", ("ctrl+k",), "delete everything from it on"),
)  # fmt: skip
