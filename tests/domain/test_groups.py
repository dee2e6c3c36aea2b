"""Several subjects as one change: all or none, and one undo, whatever was done in between."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.commands import MAX_SUBJECTS, Command, Field
from quotadeck.domain.layers import Slot
from quotadeck.domain.subject import Subject
from quotadeck.words.commands import refusal
from tests.domain.deciding import (
    ANALYTICS,
    FILE,
    MIKA,
    OPUS,
    Desk,
    key_add,
    limit,
    pause,
    resume,
    undo,
)

SEARCH = Subject.project("search")
MINUTE_US = 60_000_000


def of(command: Command, *subjects: Subject, versions: tuple[int, ...] = ()) -> Command:
    return replace(command, subject=subjects[0], subjects=subjects, expected_versions=versions)


BOTH = of(pause(), ANALYTICS, SEARCH)


def paused(desk: Desk) -> list[bool]:
    return [desk.value(subject, Field.PAUSED) is True for subject in (ANALYTICS, SEARCH)]


def test_one_change_is_an_entry_for_each_and_undo_of_any_takes_back_all() -> None:
    for named in (0, 1):
        desk = Desk()
        entries = desk.do(BOTH)
        assert [entry.subject for entry in entries] == [ANALYTICS, SEARCH]
        assert paused(desk) == [True, True]
        back = desk.do(undo(entries[named]))
        assert [(entry.subject, entry.ends, entry.after) for entry in back] == [
            (ANALYTICS, (1,), None),
            (SEARCH, (2,), None),
        ]
        assert paused(desk) == [False, False]
        desk.do(undo(back[named]))
        assert paused(desk) == [True, True]


def test_a_scale_is_of_each_ones_own_value() -> None:
    desk = Desk()
    entries = desk.do(of(limit(None, scale=150), ANALYTICS, SEARCH))
    assert [(entry.before, entry.after) for entry in entries] == [(20, 30), (640, 960)]


def test_where_one_is_refused_nothing_is_done_and_it_is_said_which_and_why() -> None:
    desk = Desk()
    refused = desk.refused(of(limit(700), ANALYTICS, SEARCH), MIKA)
    assert refused.code == "not_allowed"
    assert refusal(refused).startswith(
        "nothing was changed: of 2 subjects project:analytics is refused: 700 is more than 2 × 20"
    )
    nope, nobody = Subject.project("nope"), Subject.project("nobody")
    told = refusal(desk.refused(of(pause(), ANALYTICS, nope, nobody)))
    assert "of 3 subjects project:nope is refused, and 1 more: there is no project 'nope'" in told


def test_each_one_has_its_own_version() -> None:
    desk = Desk()
    seen = desk.does(limit(700, subject=SEARCH)).seq
    both = (ANALYTICS, SEARCH)
    told = refusal(desk.refused(of(limit(30), *both, versions=(0, 0))))
    assert "project:search is refused: search changed since you looked (version 0" in told
    assert len(desk.do(of(limit(30), *both, versions=(0, seen)))) == 2


def test_what_is_over_already_stays_so_and_the_others_are_taken_back() -> None:
    desk = Desk()
    entries = desk.do(BOTH)
    desk.does(resume(ANALYTICS))
    for entry in entries:
        trial = replace(desk)
        back = trial.do(undo(entry))
        assert [one.subject for one in back] == [SEARCH]
    desk.does(resume(SEARCH))
    assert "was ended by ada's resume" in refusal(desk.refused(undo(entries[1])))


def test_what_somebody_changed_later_is_not_taken_back_over_him() -> None:
    desk = Desk()
    entries = desk.do(of(limit(30), ANALYTICS, SEARCH))
    desk.does(limit(35, subject=SEARCH), MIKA)
    refused = desk.refused(undo(entries[0]))
    assert (refused.code, "mika set rpm of search to 35 later" in refusal(refused)) == (
        "conflict",
        True,
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (of(pause(), ANALYTICS, ANALYTICS), "each subject is named once"),
        (replace(BOTH, subject=SEARCH), "each subject is named once"),
        (of(undo(Desk().does(pause())), Subject.command("a"), Subject.command("b")), "one subject"),
        (of(key_add(), Subject.key("a1"), Subject.key("b1")), "one subject, not 2"),
        (of(pause(), ANALYTICS, Subject.target("main/opus")), "not 'target:main/opus'"),
        (replace(BOTH, expected_version=3), "the versions are `expected_versions`"),
        (of(limit(3), ANALYTICS, SEARCH, versions=(1,)), "the versions are `expected_versions`"),
        (
            of(pause(), *(Subject.project(f"p{number}") for number in range(MAX_SUBJECTS + 1))),
            "10,001 subjects are more than the 10,000 of one change",
        ),
    ],
)
def test_what_is_no_change_of_several(command: Command, words: str) -> None:
    refused = Desk().refused(command)
    assert (refused.code, words in refusal(refused)) == ("invalid", True), refusal(refused)


ONE = st.sampled_from(
    [
        *(pause(subject, for_ms) for subject in (ANALYTICS, SEARCH) for for_ms in (None, 90_000)),
        *(limit(value, subject=ANALYTICS, for_ms=for_ms) for value in (5, 9) for for_ms in (None,)),
        limit(7, subject=SEARCH, for_ms=150_000),
        resume(SEARCH),
        pause(OPUS),
    ]
)
GROUP = st.sampled_from(
    [
        BOTH,
        of(pause(for_ms=120_000), SEARCH, OPUS, ANALYTICS),
        of(limit(11), ANALYTICS, SEARCH),
        of(limit(12, Field.RPM, for_ms=None), SEARCH, ANALYTICS, Subject.target("main/opus")),
    ]
)


def in_force(desk: Desk, slots: set[Slot], at_us: int) -> dict[Slot, object]:
    return {slot: desk.layers.in_force(*slot, at_us).value for slot in slots}


def tried(desk: Desk, command: Command) -> None:
    try:
        desk.do(command)
    except AssertionError:
        desk.now_us += 1_000_000


@given(st.lists(ONE, max_size=6), GROUP, st.lists(ONE, max_size=4), st.data())
def test_undo_of_a_group_restores_exactly_what_would_be_without_it(
    before: list[Command], group: Command, between: list[Command], data: st.DataObject
) -> None:
    """A desk that never had the group, and one that had it and took it back, agree for ever."""
    desk, without = Desk(), Desk()
    for command in before:
        tried(desk, command)
        tried(without, command)
    entries = desk.do(group)
    without.seq, without.now_us = desk.seq, desk.now_us
    touched = {(entry.subject, entry.field or "") for entry in entries}
    for command in between:
        slot = (command.subject, command.field or Field.PAUSED)
        if slot not in touched:  # else the undo is refused, which is a promise of its own
            tried(desk, command)
            tried(without, command)
    back = desk.do(undo(data.draw(st.sampled_from(entries))))
    assert len(back) == len(entries)
    slots = {*touched, *FILE, (OPUS, Field.PAUSED)}
    for minutes in range(5):
        at_us = desk.now_us + minutes * MINUTE_US
        assert in_force(desk, slots, at_us) == in_force(without, slots, at_us)
