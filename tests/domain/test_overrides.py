"""Overrides before their end: extended, ended, made permanent; and every project but a class."""

from dataclasses import replace

import pytest

from quotadeck.domain.commands import EVERY_PROJECT, Action, Command, Field
from quotadeck.domain.decide import below, each_decided, gathered
from quotadeck.domain.layers import Layer
from quotadeck.domain.limits import Priority
from quotadeck.domain.state import State, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs.case import Facts
from quotadeck.words.commands import refusal
from tests.domain.deciding import (
    ANALYTICS,
    CATALOGUE,
    HOUR_MS,
    MIKA,
    START_US,
    Desk,
    limit,
    pause,
    undo,
)

HOUR_US = HOUR_MS * 1_000
SEARCH = Subject.project("search")


def on(action: Action, field: Field | None = None, **more: object) -> Command:
    whole = Command(action, ANALYTICS, field, reason="incident")
    return replace(whole, **more)  # type: ignore[arg-type]


def redo(command_id: str) -> Command:
    return Command(Action.REDO, Subject.command(command_id))


def until(desk: Desk, field: Field = Field.RPM) -> int | None:
    return desk.layers.in_force(ANALYTICS, field, desk.now_us).until_us


def test_an_extended_override_ends_later_and_undo_gives_the_old_end_back() -> None:
    desk = Desk()
    first = desk.does(limit(40), MIKA)
    longer = desk.does(on(Action.EXTEND, Field.RPM, for_ms=HOUR_MS), MIKA)
    assert (longer.before, longer.after, longer.then) == (40, 40, 20)
    assert (first.until_us, until(desk)) == (START_US + HOUR_US, START_US + 2 * HOUR_US)
    assert longer.for_ms == (START_US + 2 * HOUR_US - longer.at_us) // 1_000, "still a duration"
    desk.does(undo(longer), MIKA)
    assert until(desk) == START_US + HOUR_US


def test_an_end_by_the_clock_stays_one() -> None:
    desk = Desk()
    at_us = START_US + HOUR_US
    desk.does(replace(limit(40), for_ms=None, until_us=at_us), MIKA)
    longer = desk.does(on(Action.EXTEND, for_ms=HOUR_MS), MIKA)
    assert (longer.for_ms, longer.until_us) == (None, at_us + HOUR_US)
    to = desk.does(on(Action.EXTEND, until_us=at_us + 2 * HOUR_US), MIKA)
    assert (to.for_ms, to.until_us) == (None, at_us + 2 * HOUR_US)
    sooner = desk.refused(on(Action.EXTEND, until_us=at_us), MIKA)
    assert refusal(sooner).startswith("the override on analytics lasts until 2026-11-24T06:00:00Z")


def test_without_a_field_it_is_all_that_is_in_force_as_one_change() -> None:
    desk = Desk()
    desk.does(limit(40), MIKA)
    desk.does(pause(), MIKA)
    desk.does(limit(90_000, Field.TPM, for_ms=None))
    entries = desk.do(on(Action.END_NOW), MIKA)
    assert {(entry.field, entry.after) for entry in entries} == {("rpm", 20), ("paused", None)}
    assert desk.value(ANALYTICS, Field.TPM) == 90_000
    desk.do(undo(entries[1]), MIKA)
    assert (desk.value(ANALYTICS, Field.RPM), desk.value(ANALYTICS, Field.PAUSED)) == (40, True)


def test_a_permanent_one_stands_in_its_place_and_undo_gives_the_override_back() -> None:
    desk = Desk()
    desk.does(limit(40), MIKA)
    made = desk.does(on(Action.PERMANENT, Field.RPM))
    found = desk.layers.in_force(ANALYTICS, Field.RPM, desk.now_us)
    assert (found.value, found.layer, made.under) == (40, Layer.STANDING, 0)
    assert desk.layers.in_force(ANALYTICS, Field.RPM, desk.now_us + 9 * HOUR_US).value == 40
    desk.does(undo(made))
    assert until(desk) == START_US + HOUR_US


def test_what_was_extended_does_not_come_back_when_the_longer_one_goes() -> None:
    for action in (Action.END_NOW, Action.PERMANENT, Action.RESUME):
        desk = Desk()
        desk.does(pause(), MIKA)
        desk.does(on(Action.EXTEND, for_ms=HOUR_MS), MIKA)
        desk.does(on(Action.EXTEND, for_ms=HOUR_MS), MIKA)
        over = desk.does(on(action))
        assert over.after is (True if action is Action.PERMANENT else None)
        desk.does(undo(over))
        assert until(desk, Field.PAUSED) == START_US + 3 * HOUR_US


@pytest.mark.parametrize("action", [Action.EXTEND, Action.END_NOW, Action.PERMANENT])
def test_where_no_override_is_there_is_nothing_to_do(action: Action) -> None:
    desk = Desk()
    desk.does(limit(90_000, Field.TPM, for_ms=None))
    ends = {"for_ms": HOUR_MS} if action is Action.EXTEND else {}
    for field in (None, Field.TPM):
        refused = desk.refused(on(action, field, **ends))
        assert (refused.code, "has no override" in refusal(refused)) == ("conflict", True)


def test_an_operator_neither_extends_nor_ends_what_only_an_admin_may() -> None:
    desk = Desk()
    desk.does(limit(100))
    higher = desk.refused(on(Action.EXTEND, for_ms=HOUR_MS), MIKA)
    assert "mika is operator here and may go to 40" in refusal(higher)
    assert "was ada's as admin" in refusal(desk.refused(on(Action.END_NOW), MIKA))
    assert "needs an end" in refusal(desk.refused(on(Action.EXTEND)))
    far = desk.refused(on(Action.EXTEND, for_ms=31 * 24 * HOUR_MS))
    assert "not between one second and 31 days" in refusal(far)


def test_redo_brings_back_what_an_undo_took_by_either_name() -> None:
    for name in ("change", "undo"):
        desk = Desk()
        change = desk.does(limit(40), MIKA)
        undone = desk.does(undo(change), MIKA)
        again = desk.does(redo(change.id if name == "change" else undone.id), MIKA)
        assert (again.action, again.of, again.after) == (Action.REDO, undone.id, 40)
        assert desk.value(ANALYTICS, Field.RPM) == 40
        desk.does(undo(again), MIKA)
        assert desk.value(ANALYTICS, Field.RPM) == 20


def test_redo_of_what_was_not_undone_or_is_over_or_overtaken() -> None:
    desk = Desk()
    change = desk.does(limit(40), MIKA)
    assert "is no undo, and none took it back" in refusal(desk.refused(redo(change.id)))
    undone = desk.does(undo(change), MIKA)
    later = desk.does(limit(30), MIKA)
    assert f"undo {later.id} first" in refusal(desk.refused(redo(undone.id)))
    desk.does(undo(later), MIKA)
    desk.now_us += HOUR_US
    assert "has run out meanwhile" in refusal(desk.refused(redo(undone.id)))


ALL_BUT_HIGH = Command(
    Action.PAUSE, EVERY_PROJECT, reason="incident", for_ms=HOUR_MS, all_but="high"
)


def test_all_but_a_class_is_whoever_is_below_it_when_it_is_decided() -> None:
    desk = Desk()
    desk.does(Command(Action.PRIORITY, SEARCH, value="high", reason="x", for_ms=HOUR_MS), MIKA)
    (paused,) = desk.do(ALL_BUT_HIGH, MIKA)
    assert paused.subject == ANALYTICS
    desk.does(undo(paused), MIKA)
    desk.does(Command(Action.PRIORITY, SEARCH, value="low", reason="x", for_ms=HOUR_MS), MIKA)
    entries = desk.do(ALL_BUT_HIGH, MIKA)
    assert [entry.subject for entry in entries] == [ANALYTICS, SEARCH]
    desk.do(undo(entries[1]), MIKA)
    (only,) = desk.do(replace(ALL_BUT_HIGH, all_but="medium"), MIKA)
    assert only.subject == SEARCH


def test_a_class_of_the_file_counts_where_no_other_was_given() -> None:
    high = replace(CATALOGUE.projects["search"], priority=Priority.HIGH)
    catalogue = replace(CATALOGUE, projects={**CATALOGUE.projects, "search": high})
    assert below("high", catalogue, Desk().layers, START_US) == (ANALYTICS,)


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (replace(ALL_BUT_HIGH, all_but="highest"), "invalid", "no class of projects: name one of"),
        (replace(ALL_BUT_HIGH, all_but=""), "invalid", "no class of projects"),
        (replace(ALL_BUT_HIGH, all_but="low"), "not_found", "no project is of a lower class"),
        (replace(ALL_BUT_HIGH, subject=ANALYTICS), "invalid", "has the subject project:*"),
        (replace(limit(3), all_but="high"), "invalid", "limit is not about all projects"),
    ],
)
def test_what_is_not_about_all_but_a_class(command: Command, code: str, words: str) -> None:
    refused = Desk().refused(command)
    assert (refused.code, words in refusal(refused)) == (code, True), refusal(refused)


def test_a_class_is_one_of_three() -> None:
    asked = Command(Action.PRIORITY, ANALYTICS, value="urgent", reason="x", for_ms=HOUR_MS)
    assert "'urgent' is no class" in refusal(Desk().refused(asked))


def test_that_a_trouble_was_seen_lasts_as_long_as_the_trouble() -> None:
    desk = Desk()
    facts = Facts({ANALYTICS: State(StateKind.THROTTLED, Urgency.TROUBLE)})
    seen = Command(Action.ACKNOWLEDGE, ANALYTICS)
    decided = gathered(each_decided(seen, MIKA, CATALOGUE, desk.layers, desk.now_us, facts))
    assert isinstance(decided, tuple)
    desk.layers = desk.layers.with_entries((replace(decided[0], seq=1, id="cmd_1"),))
    desk.seq = 1
    for action in (Action.EXTEND, Action.PERMANENT):
        for field in (Field.SEEN, None):
            for_ms = HOUR_MS if action == Action.EXTEND else None
            told = desk.refused(on(action, field, for_ms=for_ms))
            assert told.notice.kind == "refused.no_override", (action, field)
    assert desk.refused(on(Action.END_NOW)).notice.kind == "refused.no_override"
    desk.does(on(Action.END_NOW, Field.SEEN), MIKA)
    assert desk.value(ANALYTICS, Field.SEEN) is None
