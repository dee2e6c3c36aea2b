"""One table: no key means two things, and nothing that a key does is missing from the help."""

import re
from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest

from quotadeck.domain.commands import Role
from quotadeck.domain.state import Held, Kind
from quotadeck.domain.state_words import words_of
from quotadeck.tui.actions import (
    ACTIONS,
    Place,
    allowed,
    available,
    key_map,
    key_name,
    keys_reference,
)
from quotadeck.tui.pages.audit import Audit
from quotadeck.tui.pages.help import Help, help_lines
from quotadeck.tui.pages.overview import Overview
from quotadeck.tui.rows import columns_for, project_head

PLACES: tuple[Place, ...] = ("overview", "audit", "help")
ROOMS = {"overview": Overview, "audit": Audit, "help": Help}


@pytest.mark.parametrize("place", PLACES)
def test_no_key_means_two_things(place: Place) -> None:
    keys = Counter(key for act in available(place, read_only=False) for key in act.keys)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("place", PLACES)
def test_every_action_can_be_done_where_it_is_offered(place: Place) -> None:
    for act in available(place, read_only=False):
        assert callable(getattr(ROOMS[place], f"do_{act.id}", None)), act.id


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_action_is_in_the_help(place: Place, width: int) -> None:
    text = "\n".join("".join(s.text for s in line) for line in
                     help_lines(place, width, read_only=False))  # fmt: skip
    joined = " ".join(text.split())
    for act in available(place, read_only=False):
        assert act.words in joined
        assert key_name(act.keys[0]) in joined


@pytest.mark.parametrize("place", PLACES)
def test_a_read_only_console_has_no_changing_action(place: Place) -> None:
    assert not [act for act in key_map(place, read_only=True).values() if act.changing]
    left = {act.id for act in available(place, read_only=False) if not act.changing}
    assert {act.id for act in available(place, read_only=True)} == left


def test_every_action_is_in_the_documents() -> None:
    page = keys_reference()
    for act in ACTIONS:
        assert f"| {act.words}" in page


def test_changes_take_an_operator_and_looking_takes_nobody() -> None:
    for act in ACTIONS:
        assert allowed(act, Role.ADMIN)
        assert allowed(act, Role.VIEWER) is not act.changing


def test_the_table_is_made_of_known_places() -> None:
    assert {act.place for act in ACTIONS} <= set(get_args(Place))
    assert all(bool(act.keys) and bool(act.words) for act in ACTIONS)


def _help(width: int = 200) -> str:
    lines = help_lines("overview", width, read_only=False)
    return " ".join(" ".join(span.text for span in line) for line in lines)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.OK, Kind.OTHER)])
@pytest.mark.parametrize("held", [Held(count=1, asked=2), Held(), Held(asked=1)], ids=str)
def test_every_word_of_a_state_is_in_the_help(kind: Kind, held: Held) -> None:
    word = words_of(replace(held, kind=kind, cause="rpm"), 0, 0).word
    assert re.sub(r" [×\d–].*", "", word) in _help()


def test_every_column_and_every_sign_is_in_the_help() -> None:
    titles = " ".join(span.text for span in project_head(columns_for(200))).split()
    told = _help()
    for title in {*titles} - {"project", "state", "in", "force", "today/budget"}:
        assert title in told
    for sign in "▸!~‖✓−↘✎↑↓·–●◌✗░":
        assert sign in told
