"""The fold of the command log: override over standing change over file, and back again."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.commands import Action, Entry, Field, Rejected, Role, Value
from quotadeck.domain.layers import InForce, Layer, Layers, Slot
from quotadeck.domain.notice import notice
from quotadeck.domain.subject import Subject

SUBJECT = Subject.project("analytics")
FILE = Layers({(SUBJECT, Field.RPM): 20, (SUBJECT, Field.TPM): 80_000})
NOON = 1_795_489_200_000_000
MINUTE = 60_000_000
REFUSED = Rejected("invalid", notice("refused.no_reason", action="limit"))


class Log:
    """Writes entries with the sequence numbers that a log would give them."""

    def __init__(self) -> None:
        self._seq = count(1)

    def entry(
        self,
        action: Action,
        name: Field | None = None,
        value: Value | None = None,
        *,
        subject: Subject = SUBJECT,
        until_us: int | None = None,
        ends: Iterable[Entry] = (),
        applied: bool = True,
    ) -> Entry:
        seq = next(self._seq)
        return Entry(
            seq=seq,
            id=f"cmd_{seq}",
            at_us=NOON,
            actor="mika",
            role=Role.OPERATOR,
            origin="socket",
            action=action,
            subject=subject,
            field=name,
            value=value,
            before=None,
            after=None,
            reason="",
            public=False,
            until_us=until_us,
            ends=tuple(one.seq for one in ends),
            applied=applied,
            refused=None if applied else REFUSED,
            idempotency_key="",
        )

    def limit(self, value: int, until_us: int | None = None, applied: bool = True) -> Entry:
        return self.entry(Action.LIMIT, Field.RPM, value, until_us=until_us, applied=applied)

    def pause(self, until_us: int | None = None) -> Entry:
        return self.entry(Action.PAUSE, Field.PAUSED, True, until_us=until_us)

    def undo(self, *ends: Entry) -> Entry:
        return self.entry(Action.UNDO, ends=ends)


@pytest.fixture
def log() -> Log:
    return Log()


def rpm_in_force(layers: Layers, now_us: int = NOON) -> InForce:
    return layers.in_force(SUBJECT, Field.RPM, now_us)


def paused(layers: Layers, now_us: int = NOON) -> bool:
    return bool(layers.in_force(SUBJECT, Field.PAUSED, now_us).value)


def test_without_commands_the_file_is_in_force() -> None:
    assert rpm_in_force(FILE) == InForce(20, Layer.FILE)
    assert rpm_in_force(Layers({})) == InForce(None, Layer.FILE)


def test_a_standing_change_wins_over_the_file(log: Log) -> None:
    entry = log.limit(30)
    assert rpm_in_force(FILE.with_entry(entry)) == InForce(30, Layer.STANDING, entry, base=20)


def test_an_override_wins_over_a_later_standing_change(log: Log) -> None:
    override = log.limit(40, until_us=NOON + MINUTE)
    layers = FILE.with_entries([override, log.limit(30)])
    assert rpm_in_force(layers) == InForce(40, Layer.OVERRIDE, override, base=30)
    assert layers.base(SUBJECT, Field.RPM, NOON) == 30


def test_an_override_ends_by_itself_at_its_instant(log: Log) -> None:
    layers = FILE.with_entries([log.limit(30), log.limit(40, until_us=NOON + MINUTE)])
    assert rpm_in_force(layers, NOON + MINUTE - 1).value == 40
    assert rpm_in_force(layers, NOON + MINUTE).value == 30


def test_the_last_override_wins_and_its_end_brings_the_one_before_back(log: Log) -> None:
    long, short = log.limit(40, NOON + 9 * MINUTE), log.limit(50, NOON + MINUTE)
    layers = FILE.with_entries([long, short])
    assert rpm_in_force(layers).value == 50
    assert rpm_in_force(layers, NOON + MINUTE).value == 40


def test_a_refused_command_changes_nothing(log: Log) -> None:
    layers = FILE.with_entry(log.limit(30, applied=False))
    assert rpm_in_force(layers).layer is Layer.FILE
    assert layers.version(SUBJECT) == 0


def test_undo_brings_back_what_was_before(log: Log) -> None:
    first, second = log.limit(30), log.limit(50)
    layers = FILE.with_entries([first, second])
    assert rpm_in_force(layers.with_entry(log.undo(second))).value == 30
    assert rpm_in_force(layers.with_entry(log.undo(first))).value == 50


def test_undo_of_undo_brings_the_change_back(log: Log) -> None:
    change = log.limit(30)
    undo = log.undo(change)
    again = log.undo(undo)
    layers = FILE.with_entries([change, undo])
    assert rpm_in_force(layers).value == 20
    assert rpm_in_force(layers.with_entry(again)).value == 30
    assert rpm_in_force(layers.with_entries([again, log.undo(again)])).value == 20


def test_what_expired_meanwhile_is_not_brought_back(log: Log) -> None:
    change = log.limit(30, until_us=NOON + MINUTE)
    undo = log.undo(change)
    layers = FILE.with_entries([change, undo, log.undo(undo)])
    assert rpm_in_force(layers).value == 30
    assert rpm_in_force(layers, NOON + MINUTE).value == 20


def test_a_resume_ends_every_pause_and_its_undo_brings_them_back(log: Log) -> None:
    pauses = [log.pause(NOON + MINUTE), log.pause(), log.pause(NOON + 9 * MINUTE)]
    resume = log.entry(Action.RESUME, ends=pauses)
    layers = FILE.with_entries(pauses)
    assert paused(layers, NOON + 99 * MINUTE)
    layers = layers.with_entry(resume)
    assert not paused(layers)
    assert paused(layers.with_entry(log.undo(resume)))


def test_a_pause_after_a_resume_holds(log: Log) -> None:
    first = log.pause()
    layers = FILE.with_entries([first, log.entry(Action.RESUME, ends=[first]), log.pause()])
    assert paused(layers)


def test_two_enders_must_both_be_undone(log: Log) -> None:
    change = log.limit(30)
    one, other = log.undo(change), log.undo(change)
    layers = FILE.with_entries([change, one, other, log.undo(one)])
    assert rpm_in_force(layers).value == 20
    assert rpm_in_force(layers.with_entry(log.undo(other))).value == 30


def test_a_long_chain_of_undos_is_folded(log: Log) -> None:
    entries = [log.limit(30)]
    for _ in range(sys.getrecursionlimit() + 100):
        entries.append(log.undo(entries[-1]))
    assert rpm_in_force(FILE.with_entries(entries)).value == 30
    assert rpm_in_force(FILE.with_entries(entries[:-1])).value == 20


def test_enders_of_many_enders_are_folded_in_no_time(log: Log) -> None:
    entries = [log.limit(30)]
    for _ in range(60):
        entries.append(log.undo(*entries))
    assert rpm_in_force(FILE.with_entries(entries)).value == 20


def test_folding_at_once_is_folding_one_by_one(log: Log) -> None:
    change = log.limit(30, until_us=NOON + MINUTE)
    entries = [log.pause(), change, log.undo(change), log.limit(7), log.limit(9, applied=False)]
    one_by_one = FILE
    for entry in entries:
        one_by_one = one_by_one.with_entry(entry)
    assert one_by_one == FILE.with_entries(entries)
    assert FILE.by_seq == {}


def test_a_subjects_version_is_its_last_entry_or_ender(log: Log) -> None:
    change, pause = log.limit(30), log.pause()
    other = log.entry(Action.LIMIT, Field.RPM, 5, subject=Subject.project("search"))
    layers = FILE.with_entries([change, pause, other])
    assert layers.version(SUBJECT) == pause.seq
    assert layers.version(Subject.project("search")) == other.seq
    undo = log.undo(change)
    assert layers.with_entry(undo).version(SUBJECT) == undo.seq
    assert layers.version(Subject.project("unknown")) == 0


def test_an_end_that_is_on_record_is_for_good_whatever_is_undone_and_whenever_it_is(
    log: Log,
) -> None:
    change = log.limit(30, until_us=NOON + MINUTE)
    undone = log.undo(change)
    layers = FILE.with_entries([change, undone])
    assert layers.expiring == (change,)
    ended = log.entry(Action.END, Field.RPM, ends=[change])
    layers = layers.with_entries([ended, log.undo(undone)])
    assert rpm_in_force(layers).value == 20
    assert layers.expiring == ()


def test_an_end_is_a_new_version_where_it_changes_something(log: Log) -> None:
    change = log.limit(30, until_us=NOON + MINUTE)
    ended = log.entry(Action.END, Field.RPM, ends=[change])
    assert FILE.with_entries([change, ended]).version(SUBJECT) == ended.seq
    change = log.limit(30, until_us=NOON + MINUTE)
    undone, ended = log.undo(change), log.entry(Action.END, Field.RPM, ends=[change])
    assert FILE.with_entries([change, undone, ended]).version(SUBJECT) == undone.seq


def test_ends_are_moved_with_the_wall_clock(log: Log) -> None:
    change, other = log.limit(30, until_us=NOON + MINUTE), log.pause(NOON + MINUTE)
    layers = FILE.with_entries([change, other]).moved({change.seq: NOON + 5 * MINUTE})
    found = rpm_in_force(layers, NOON + 5 * MINUTE - 1)
    assert (found.value, found.until_us) == (30, NOON + 5 * MINUTE)
    assert rpm_in_force(layers, NOON + 5 * MINUTE).value == 20
    assert not paused(layers, NOON + MINUTE)
    assert [entry.until_us for entry in layers.expiring] == [NOON + 5 * MINUTE, NOON + MINUTE]


def test_what_is_in_force_on_a_subject_leaves_out_file_values_and_keys(log: Log) -> None:
    key = log.entry(Action.KEY_ADD, Field.KEY, "hash")
    change, pause = log.limit(30), log.pause(NOON + MINUTE)
    found = FILE.with_entries([key, change, pause]).overrides(SUBJECT, NOON)
    assert [(item.value, item.layer, item.until_us) for item in found] == [
        (30, Layer.STANDING, None),
        (True, Layer.OVERRIDE, NOON + MINUTE),
    ]


class Unlisted(dict[Slot, tuple[Entry, ...]]):
    """Values by subject and field that may be asked for one by one only."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("all subjects were read for the sake of one")

    keys = values = items = __iter__


def test_a_subject_is_read_without_looking_at_the_others(log: Log) -> None:
    """Else a plan of all subjects takes their number squared: seconds at 10,000 projects."""
    entries = [
        log.limit(30),
        log.entry(Action.KEY_ADD, Field.KEY, "hash", subject=Subject.key("k")),
    ]
    whole = FILE.with_entries(entries)
    layers = replace(whole, by_slot=Unlisted(whole.by_slot))
    assert layers.version(SUBJECT) == 1
    assert [item.value for item in layers.overrides(SUBJECT, NOON)] == [30]
    assert rpm_in_force(layers).value == 30


def test_that_a_trouble_was_seen_is_no_new_version(log: Log) -> None:
    change = log.limit(30)
    seen = log.entry(Action.ACKNOWLEDGE, Field.SEEN, "throttled", until_us=NOON + MINUTE)
    over = log.entry(Action.END, Field.SEEN, ends=[seen])
    layers = FILE.with_entries([change, seen])
    assert layers.version(SUBJECT) == change.seq
    assert layers.with_entries([over, log.undo(seen)]).version(SUBJECT) == change.seq


def test_undoing_an_undo_is_a_new_version_of_its_subject(log: Log) -> None:
    change = log.limit(30)
    undo = log.undo(change)
    again = log.undo(undo)
    assert FILE.with_entries([change, undo, again]).version(SUBJECT) == again.seq


@given(st.lists(st.tuples(st.integers(1, 99), st.none() | st.integers(-1, 9)), max_size=12))
def test_what_is_to_come_is_what_will_be_in_force(limits: list[tuple[int, int | None]]) -> None:
    log = Log()
    layers = FILE.with_entries(
        log.limit(value, None if minutes is None else NOON + minutes * MINUTE)
        for value, minutes in limits
    )
    steps = dict(layers.to_come((SUBJECT, Field.RPM), NOON))
    value: Value | None = None
    for minute in range(11):
        at_us = NOON + minute * MINUTE
        value = steps.pop(at_us, value)
        assert value == layers.in_force(SUBJECT, Field.RPM, at_us).value
    assert not steps
