"""One table: no key means two things, and nothing that a key does is missing from the help."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

from quotadeck import tui
from quotadeck.domain.commands import Role
from quotadeck.domain.state import Held, StateKind
from quotadeck.tui.change.form import Choice, Text, Tick
from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.keys.act import allowed, key_name
from quotadeck.tui.keys.bindings import Keys, KeysWrong, bound, keys_reference
from quotadeck.tui.keys.table import ACTIONS, PLACES, Place
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.pages.audit import Audit
from quotadeck.tui.pages.call import OneCall
from quotadeck.tui.pages.calls import Calls
from quotadeck.tui.pages.help import Help, help_lines
from quotadeck.tui.pages.models import Models
from quotadeck.tui.pages.overview import Overview
from quotadeck.tui.pages.project import Project
from quotadeck.tui.pages.timeline import Timeline
from quotadeck.words import text
from quotadeck.words.en import ENGLISH
from quotadeck.words.states import words_of
from tests.tui.driving import choose, quotadeck, quotadeck_of, scripted, sees, shown, until

PAGES = {
    "overview": Overview, "audit": Audit, "project": Project, "calls": Calls, "call": OneCall,
    "timeline": Timeline, "help": Help, "models": Models,
}  # fmt: skip
KEYS = Keys()
SCOPES = {scope for of in PLACES.values() for scope in of}


@pytest.mark.parametrize("place", PAGES)
def test_no_key_means_two_things_on_a_page(place: Place) -> None:
    keys = Counter(key for act in KEYS.at(place) for key in act.keys)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_no_key_means_two_things_in_a_scope(scope: str) -> None:
    keys = Counter(key for act in KEYS.of(scope) for key in act.keys)
    assert keys
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("place", PAGES)
def test_every_action_can_be_done_where_it_is_offered(place: Place) -> None:
    for act in KEYS.at(place):
        module = act.opens and import_module(f"quotadeck.tui.pages.{act.opens}")
        done = module.opened if module else getattr(PAGES[place], f"do_{act.verb}", None)
        assert act.changing or callable(done), act.id


def test_every_action_of_a_field_can_be_done_there() -> None:
    for act in KEYS.of("editor"):
        Text("reason", "reason", Editor.holding("why not")).do(act.verb)
    choice = Choice("limit", "limit", (("a", "a"), ("b", "b"), ("c", "c")))
    assert choice.do("next").value == "b"
    assert choice.do("previous").value == "c"
    for act in KEYS.of("choice"):
        assert Tick("public", "public").do(act.verb).on


def test_the_table_is_made_of_known_scopes() -> None:
    scopes = {act.scope for act in ACTIONS}
    assert scopes == SCOPES
    assert set(PLACES) == set(get_args(Place))
    assert all(act.keys and act.verb for act in ACTIONS)
    for act in ACTIONS:
        assert f"key.{act.id}" in ENGLISH.sentences
        assert (f"label.{act.id}" in ENGLISH.sentences) is act.shown
    assert max(Counter(act.id for act in ACTIONS).values()) == 1


@pytest.mark.parametrize("place", PAGES)
@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_action_is_in_the_help(place: Place, width: int) -> None:
    lines = ["".join(s.text for s in line) for line in help_lines(place, width, KEYS)]
    joined = " ".join(" ".join(lines).split())
    typed = KEYS.of("filter", "dialog", "choice", "editor")
    for act in (*KEYS.at(place), *(typed if place == "overview" else ())):
        assert act.words in joined
        assert all(key_name(key) in joined for key in act.keys), act.id


@pytest.mark.parametrize("place", PAGES)
def test_a_read_only_console_has_no_changing_action(place: Place) -> None:
    reading = Keys(read_only=True)
    assert not [act for act in reading.at(place) if act.changing]
    assert reading.at(place) == tuple(act for act in KEYS.at(place) if not act.changing)
    for act in KEYS.at(place):
        assert (reading.act(place, act.keys[0]) is None) is act.changing
        assert reading.named(place, act.keys[0]) is act


def test_every_action_is_in_the_documents() -> None:
    page = keys_reference()
    for act in ACTIONS:
        assert f"| {act.words}" in page
        assert f"`{act.id}` |" in page


def test_changes_take_an_operator_and_looking_takes_nobody() -> None:
    for act in ACTIONS:
        assert allowed(act, Role.ADMIN)
        assert allowed(act, Role.VIEWER) is not act.changing


@pytest.mark.parametrize(
    ("key", "shown"),
    [("slash", "/"), ("ctrl+c", "^c"), ("shift+tab", "shift+tab"), ("ctrl+left", "^←"), ("G", "G")],
)
def test_keys_are_written_as_people_write_them(key: str, shown: str) -> None:
    assert key_name(key) == shown


# -- other keys ----------------------------------------------------------------------------------

CHOSEN = {
    "overview.freeze": ("Z",), "row.pause": ("X",), "audit.undo": ("W",), "help.back": ("x",),
    "page.help": ("f1",), "opened.back": ("b",), "list.down": ("N",), "app.redraw": ("f5",),
    "filter.keep": ("ctrl+n",), "dialog.next_field": ("ctrl+n",), "dialog.leave": ("ctrl+x",),
    "editor.start": ("ctrl+t",), "choice.next": ("m",), "columns.tick": ("t",), "calls.all": ("z",),
    "timeline.filter": ("f2",),
    "command.run": ("ctrl+o",), "palette.run": ("ctrl+o",), "export.write": ("ctrl+o",),
    "rows.copy": ("w",),
    "reel.follow": ("v",), "time.go": ("ctrl+o",),
    "project.audit": ("A",), "models.calls": ("C",),
    "about.explain": ("f8",), "explain.leave": ("ctrl+x",),
}  # fmt: skip
"""An id of each scope."""


def test_an_id_of_each_scope_is_bound_to_another_key() -> None:
    assert {name.partition(".")[0] for name in CHOSEN} == SCOPES
    for place in PLACES:
        lines = help_lines("overview" if place not in PAGES else place, 200, bound(CHOSEN))
        told = ["".join(span.text for span in line) for line in lines]
        for act in bound(CHOSEN).at(place):
            assert any(
                line.split()[: len(act.keys)] == [key_name(k) for k in act.keys]
                and act.words in line
                for line in told
            ), act.id


async def test_other_keys_do_it_and_the_old_ones_do_not() -> None:
    app = quotadeck(scripted(), keys=bound(CHOSEN))
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics", down="N")
        assert "X pause" in shown(app)
        await pilot.press("p")
        await sees(pilot, "p does nothing here; f1 lists the keys")
        await pilot.press("Z")
        await sees(pilot, "FROZEN")
        await pilot.press("Z", "f1")
        await sees(pilot, "overview: keys", "b back")
        await pilot.press("x", "f1", "b", "slash", *"nalytics", "ctrl+t", "a", "enter")
        await sees(pilot, "/analytics", "^n keep")
        await pilot.press("ctrl+n")
        await sees(pilot, "/analytics  hides 5")
        await pilot.press("f5", "X")
        await sees(pilot, "enter apply   ^n next field   ^x leave")
        await pilot.press(*"hy", "ctrl+t", "w", "ctrl+n", "space", "m")
        await sees(pilot, '--public --reason "why"', "[x]")
        await pilot.press("escape")
        assert app.overview.modal is not None
        await pilot.press("ctrl+x")
        await until(pilot, lambda: app.overview.modal is None)
        await pilot.press("a", "u")
        await sees(pilot, "u does nothing here")
        await pilot.press("b")
        assert quotadeck_of(pilot).screen is app.overview


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"row.explode": ("x",)}, "row.explode: there is no such action"),
        ({"row.pause": ("j",)}, "row.pause: j is list.down already|list.down: j is row.pause"),
        ({"editor.left": ("h",)}, "editor.left: h is typed as a character there"),
        ({"dialog.apply": ("space",)}, "dialog.apply: space is typed as a character there"),
        ({"dialog.apply": ("tab",)}, "dialog.next_field: tab is dialog.apply already"),
        ({"list.up": ("down",)}, "list.up: ↓ is list.down already"),
    ],
)
def test_keys_that_cannot_be_bound_say_why(chosen: dict[str, tuple[str]], problem: str) -> None:
    with pytest.raises(KeysWrong, match=problem.replace(".", r"\.")):
        bound(chosen)


def test_no_keys_unbind() -> None:
    assert bound({"row.pause": ()}).act("overview", "p") is None


# -- nowhere else --------------------------------------------------------------------------------


def outside_the_table(tree: ast.AST) -> Iterator[str]:
    """Where a module binds or compares keys by itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in ("BINDINGS", "Binding"):
                yield name
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and re.match(r"on_key$|_on_key$|key_|action_", node.name)
            and node.name != "key_name"
        ):
            yield node.name
        if isinstance(node, ast.Compare | ast.Match):
            about = ast.unparse(node.left if isinstance(node, ast.Compare) else node.subject)
            literals = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}
            if re.search(r"\b(key|character)$", about) and any(
                isinstance(one, str) and one for one in literals
            ):
                yield ast.unparse(node).splitlines()[0]


def modules() -> list[Path]:
    folder = Path(next(iter(tui.__path__)))
    return [path for path in folder.rglob("*.py") if path.parent.name != "keys"]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_no_key_is_handled_outside_the_table(path: Path) -> None:
    assert list(outside_the_table(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    BINDINGS = [('q', 'quit', '')]",
        "def on_key(self, event): ...",
        "if event.key == 'enter': ...",
        "if key in ('up', 'down'): ...",
        "match key:\n    case 'tab': ...",
        "def key_escape(self): ...",
    ],
)
def test_a_key_handled_outside_the_table_is_found(code: str) -> None:
    assert list(outside_the_table(ast.parse(code)))


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_no_text_names_a_key_that_the_table_may_give_another(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    told = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    texts = [
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in told
    ]
    named = r"`.`|\b(enter|esc|escape|tab|space|ctrl)\b (to )?\w+s?\b"
    assert [text for text in texts if re.search(named, text)] == []


# -- signs ---------------------------------------------------------------------------------------


def _help(width: int = 200) -> str:
    lines = help_lines("overview", width, KEYS)
    return " ".join(" ".join(span.text for span in line) for line in lines)


@pytest.mark.parametrize(
    "kind", [kind for kind in StateKind if kind not in (StateKind.OK, StateKind.OTHER)]
)
@pytest.mark.parametrize("held", [Held(count=1, asked=2), Held(), Held(asked=1)], ids=str)
def test_every_word_of_a_state_is_in_the_help(kind: StateKind, held: Held) -> None:
    word = words_of(replace(held, kind=kind, cause="rpm"), 0, 0).word
    assert re.sub(r" [×\d–].*", "", word) in _help()


def test_every_column_and_every_sign_is_in_the_help() -> None:
    told = _help()
    for column in PROJECTS:
        if column.titles:
            words = text(f"column.{column.id}")
            assert not words.startswith("column."), words
            assert f"{column.titles[-1]} " in told
            assert words in told
    for sign in "▸!~‖✓−↘✎↑↓·–●◌✗░":
        assert sign in told
