"""One table: no key means two things, and nothing that a key does is missing from the help."""

from collections import Counter
from typing import get_args

import pytest

from console.domain.commands import Role
from console.tui.actions import (
    ACTIONS,
    Place,
    allowed,
    available,
    key_map,
    key_name,
    keys_reference,
)
from console.tui.audit import Audit
from console.tui.help import Help, help_lines
from console.tui.overview import Overview

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
