"""What a key can do: one table that makes the bindings, the footer, the help and the docs.

What is not in the table no key does, and what is in it stands in the help. Its words stand in
`quotadeck.words`: ``key.ID`` for the help, ``label.ID`` for the line of keys.
"""

from collections.abc import Mapping
from typing import Final, Literal

from quotadeck.domain.capability import Read
from quotadeck.domain.verbs import VERBS
from quotadeck.tui.keys.act import Act

Place = Literal[
    "overview",
    "audit",
    "project",
    "calls",
    "call",
    "timeline",
    "help",
    "filter",
    "text",
    "choice",
    "columns",
    "command",
    "palette",
    "time",
    "export",
]

PLACES: Final[Mapping[Place, tuple[str, ...]]] = {
    "overview": ("overview", "row", "rows", "list", "page", "app"),
    "audit": ("audit", "rows", "list", "page", "opened", "app"),
    "project": ("project", "row", "rows", "list", "page", "opened", "app"),
    "calls": ("calls", "reel", "rows", "list", "page", "opened", "app"),
    "call": ("rows", "list", "page", "opened", "app"),
    "timeline": ("timeline", "reel", "rows", "list", "page", "opened", "app"),
    "help": ("help", "list", "opened", "app"),
    "filter": ("filter", "editor", "list", "app"),
    "text": ("dialog", "editor", "app"),
    "choice": ("dialog", "choice", "app"),
    "columns": ("columns", "list", "app"),
    "command": ("command", "editor", "app"),
    "palette": ("palette", "editor", "app"),
    "time": ("time", "editor", "app"),
    "export": ("export", "editor", "app"),
}
"""The scopes that hold in each place; the first that knows a key has it."""

TYPED: Final[tuple[Place, ...]] = ("filter", "text", "command", "palette", "time", "export")
"""Where a character is typed, whatever it does elsewhere."""


def _change(
    id: str,  # noqa: A002 the table's own word
    key: str,
    *,
    danger: bool = False,
    shown: bool = True,
) -> Act:
    """A change: who may is in the command's row."""
    role = VERBS[id.rpartition(".")[2]].role
    return Act(id, (key,), shown=shown, changing=True, role=role, danger=danger)


ACTIONS: Final = (
    _change("row.pause", "p", danger=True),
    _change("row.resume", "r"),
    _change("row.limit", "l"),
    _change("row.fallback", "f"),
    _change("row.undo", "u"),
    _change("row.extend", "E", shown=False),
    _change("row.acknowledge", "K", shown=False),
    _change("row.note", "n", shown=False),
    _change("audit.undo", "u"),
    _change("audit.redo", "U"),
    Act("overview.project", ("enter",), shown=True, reads=Read.PROJECT, opens="project"),
    Act("project.audit", ("a",), shown=True, reads=Read.AUDIT, opens="audit"),
    Act(
        "row.pause_rest",
        ("P",),
        changing=True,
        role=VERBS["pause"].role,
        danger=True,
        command="pause",
    ),
    Act("overview.audit", ("a",), shown=True, reads=Read.AUDIT, opens="audit"),
    Act("row.calls", ("c",), shown=True, reads=Read.CALLS, opens="calls"),
    Act("row.timeline", ("t",), shown=True, reads=Read.EVENTS, opens="timeline"),
    Act("timeline.project", ("enter",), shown=True, reads=Read.PROJECT, opens="project"),
    Act("timeline.filter", ("slash",), shown=True),
    Act("calls.call", ("enter",), shown=True, reads=Read.CALLS, opens="call"),
    Act("calls.filter", ("slash",), shown=True),
    Act("reel.follow", ("F",), shown=True),
    Act("calls.all", ("c",), shown=True),
    Act("overview.filter", ("slash",), shown=True),
    Act("page.command", ("colon",), shown=True),
    Act("overview.mark", ("space",), shown=True),
    Act("overview.mark_all", ("asterisk",)),
    Act("overview.mark_none", ("minus",)),
    Act("overview.mark_others", ("exclamation_mark",)),
    Act("overview.sort", ("s",), shown=True),
    Act("overview.turn", ("S",)),
    Act("overview.choose", ("o",)),
    Act("overview.freeze", ("z",), shown=True),
    Act("page.earlier", ("left_square_bracket",)),
    Act("page.later", ("right_square_bracket",)),
    Act("page.alarm_before", ("left_curly_bracket",)),
    Act("page.alarm_after", ("right_curly_bracket",)),
    Act("page.at", ("at",)),
    Act("page.now", ("full_stop",)),
    Act("page.help", ("question_mark",), shown=True, opens="help"),
    Act("overview.quit", ("q",), shown=True),
    Act("overview.clear", ("escape",)),
    Act("opened.back", ("escape", "q"), shown=True),
    Act("help.back", ("question_mark",)),
    Act("app.leave", ("ctrl+c", "ctrl+q")),
    Act("app.suspend", ("ctrl+z",)),
    Act("app.redraw", ("ctrl+l",)),
    Act("overview.tables", ("tab",)),
    Act("page.palette", ("ctrl+p",)),
    Act("page.export", ("e",)),
    Act("rows.copy", ("y",)),
    Act("rows.copy_row", ("Y",)),
    Act("overview.slower", ("less_than_sign",)),
    Act("overview.faster", ("greater_than_sign",)),
    Act("list.down", ("down", "j")),
    Act("list.up", ("up", "k")),
    Act("list.page_down", ("pagedown", "ctrl+d")),
    Act("list.page_up", ("pageup", "ctrl+u")),
    Act("list.top", ("home", "g")),
    Act("list.bottom", ("end", "G")),
    Act("filter.keep", ("enter",), shown=True),
    Act("filter.complete", ("tab",), shown=True),
    Act("filter.clear", ("escape", "ctrl+c"), shown=True),
    Act("dialog.apply", ("enter",), shown=True),
    Act("dialog.next_field", ("tab", "down"), shown=True),
    Act("dialog.previous_field", ("shift+tab", "up")),
    Act("dialog.leave", ("escape", "ctrl+c"), shown=True),
    Act("dialog.copy", ("ctrl+y",)),
    Act("command.run", ("enter",), shown=True),
    Act("command.complete", ("tab",), shown=True),
    Act("command.older", ("up", "ctrl+r", "ctrl+p"), shown=True),
    Act("command.newer", ("down", "ctrl+n")),
    Act("command.leave", ("escape", "ctrl+c"), shown=True),
    Act("export.write", ("enter",), shown=True),
    Act("export.leave", ("escape", "ctrl+c"), shown=True),
    Act("palette.run", ("enter",)),
    Act("palette.next", ("down", "ctrl+n")),
    Act("palette.previous", ("up", "ctrl+p")),
    Act("palette.leave", ("escape", "ctrl+c")),
    Act("time.go", ("enter",), shown=True),
    Act("time.leave", ("escape", "ctrl+c"), shown=True),
    Act("columns.apply", ("enter",), shown=True),
    Act("columns.tick", ("space",), shown=True),
    Act("columns.earlier", ("K",), shown=True),
    Act("columns.later", ("J",), shown=True),
    Act("columns.usual", ("u",), shown=True),
    Act("columns.copy", ("y",), shown=True),
    Act("columns.leave", ("escape", "q"), shown=True),
    Act("choice.next", ("right", "space")),
    Act("choice.previous", ("left",)),
    Act("editor.left", ("left", "ctrl+b")),
    Act("editor.right", ("right", "ctrl+f")),
    Act("editor.word_left", ("ctrl+left",)),
    Act("editor.word_right", ("ctrl+right",)),
    Act("editor.start", ("home", "ctrl+a")),
    Act("editor.end", ("end", "ctrl+e")),
    Act("editor.rub_out", ("backspace", "ctrl+h")),
    Act("editor.delete", ("delete", "ctrl+d")),
    Act("editor.delete_word", ("ctrl+w",)),
    Act("editor.delete_before", ("ctrl+u",)),
    Act("editor.delete_after", ("ctrl+k",)),
)
