"""Who may do what: the whole table, role × action, and the finer rules."""

from dataclasses import replace

import pytest

from quotadeck.domain.commands import Action, Actor, Command, Field, Rejected, Role
from quotadeck.domain.decide import decide, each_decided, gathered, may
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.state import State, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import VERBS
from quotadeck.domain.verbs.case import Facts
from quotadeck.words.commands import refusal
from tests.domain.deciding import (
    ADMIN,
    CATALOGUE,
    HOUR_MS,
    KEY,
    MIKA,
    VERA,
    Desk,
    fallback,
    key_add,
    limit,
    pause,
    resume,
    undo,
)

TABLE = {
    Role.VIEWER: set[Action](),
    Role.OPERATOR: {
        *(Action.PAUSE, Action.RESUME, Action.LIMIT, Action.FALLBACK, Action.PRIORITY),
        *(Action.EXTEND, Action.END_NOW, Action.UNDO, Action.REDO),
        *(Action.NOTE, Action.ACKNOWLEDGE, Action.END_LEASE),
    },
    Role.ADMIN: set(Action) - {Action.END},
}


def of(
    value: str | None, action: Action, field: Field | None = None, *, for_ms: int | None = None
) -> Command:
    search = Subject.project("search")
    return Command(action, search, field, value, reason="incident", for_ms=for_ms)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", [action for action in Action if action is not Action.END])
def test_who_may_ask_for_what(role: Role, action: Action) -> None:
    desk = Desk()
    desk.does(pause(Subject.project("search")))
    limited = desk.does(limit(700, subject=Subject.project("search")), MIKA)
    undone = desk.does(undo(desk.does(limit(650, subject=Subject.project("search")), MIKA)), MIKA)
    desk.does(key_add("k_old", replace(KEY, sha256="b" * 64)))
    command = {
        Action.PAUSE: pause(),
        Action.RESUME: resume(Subject.project("search")),
        Action.LIMIT: limit(30),
        Action.FALLBACK: fallback(),
        Action.UNDO: undo(limited),
        Action.REDO: Command(Action.REDO, Subject.command(undone.id)),
        Action.PRIORITY: of("low", Action.PRIORITY, for_ms=HOUR_MS),
        Action.EXTEND: of(None, Action.EXTEND, Field.RPM, for_ms=HOUR_MS),
        Action.END_NOW: of(None, Action.END_NOW, Field.RPM),
        Action.PERMANENT: of(None, Action.PERMANENT, Field.RPM),
        Action.NOTE: of("v412", Action.NOTE),
        Action.ACKNOWLEDGE: of(None, Action.ACKNOWLEDGE),
        Action.END_LEASE: Command(Action.END_LEASE, lease := Subject.lease("lease_1")),
        Action.KEY_ADD: key_add(),
        Action.KEY_REVOKE: Command(Action.KEY_REVOKE, Subject.key("k_old"), reason="left"),
    }[action]
    trouble = State(StateKind.THROTTLED, Urgency.TROUBLE)
    facts = Facts({Subject.project("search"): trouble}, leases={lease: "search"})
    actor = Actor("x", role, "socket")
    parts = each_decided(command, actor, CATALOGUE, desk.layers, desk.now_us, facts)
    decided = gathered(parts)
    if action in TABLE[role]:
        assert isinstance(decided, tuple), decided
    else:
        assert isinstance(decided, Rejected)
        assert decided.code == "not_allowed"
        assert f"x is {role} here" in refusal(decided)


@pytest.mark.parametrize("role", Role)
def test_nobody_may_ask_for_an_end_that_the_clock_alone_brings(role: Role) -> None:
    asked = Command(Action.END, Subject.project("analytics"), Field.PAUSED)
    decided = decide(asked, Actor("x", role, "socket"), CATALOGUE, Desk().layers, Desk().now_us)
    assert isinstance(decided, Rejected)
    assert decided.code == "not_allowed"


def test_the_table_is_the_products() -> None:
    allowed = {role: {name for name, verb in VERBS.items() if may(role, verb)} for role in Role}
    assert allowed == TABLE
    assert set(VERBS) == set(Action) - {Action.END}


@pytest.mark.parametrize(
    "command", [pause(for_ms=None), limit(30, for_ms=None), fallback(for_ms=None)]
)
def test_what_is_permanent_takes_an_admin(command: Command) -> None:
    desk = Desk()
    refused = desk.refused(command, MIKA)
    assert (refused.code, "give it an end" in refusal(refused)) == ("not_allowed", True)
    desk.does(command, ADMIN)


@pytest.mark.parametrize(
    ("value", "name", "allowed"),
    [
        (40, Field.RPM, True),
        (41, Field.RPM, False),
        (1, Field.RPM, True),
        (1_000 * NANO_PER_USD, Field.BUDGET, True),
        (1_000 * NANO_PER_USD + 1, Field.BUDGET, False),
        (10_000, Field.CONCURRENCY, True),
    ],
)
def test_an_operator_raises_to_twice_the_value_without_overrides(
    value: int, name: Field, allowed: bool
) -> None:
    desk = Desk()
    if allowed:
        desk.does(limit(value, name), MIKA)
    else:
        refused = desk.refused(limit(value, name), MIKA)
        assert refused.code == "not_allowed"
        assert "ask an admin for more" in refusal(refused)
        desk.does(limit(value, name), ADMIN)


def test_twice_is_of_the_standing_value_and_overrides_do_not_stack() -> None:
    desk = Desk()
    desk.does(limit(40), MIKA)
    assert desk.refused(limit(60), MIKA).code == "not_allowed"
    desk.does(limit(50, for_ms=None), ADMIN)
    desk.does(limit(100), MIKA)


def test_an_operator_may_lower_an_admins_override_but_not_outlast_it() -> None:
    desk = Desk()
    desk.does(limit(100), ADMIN)
    assert desk.refused(limit(80), MIKA).code == "not_allowed", "it would end later"
    desk.does(limit(80, for_ms=HOUR_MS // 2), MIKA)


def test_an_operator_undoes_operators_commands_only() -> None:
    desk = Desk()
    mine = desk.does(limit(30), MIKA)
    desk.does(undo(mine), Actor("lee", Role.OPERATOR, "socket"))
    hers = desk.does(limit(100), ADMIN)
    refused = desk.refused(undo(hers), MIKA)
    assert refused.code == "not_allowed"
    assert "was ada's as admin" in refusal(refused)
    desk.does(undo(hers), ADMIN)


def test_a_viewer_learns_nothing_from_a_refusal() -> None:
    desk = Desk()
    known, unknown = (
        desk.refused(pause(Subject.project(name)), VERA) for name in ("search", "nope")
    )
    assert known == unknown
