"""Commands, their ends, refusals and values in words."""

from dataclasses import replace

import pytest

from quotadeck.domain.commands import Action, Command, Field, Rejected, Value
from quotadeck.domain.deeds import command_notice, end_notice
from quotadeck.domain.ends import end_of
from quotadeck.domain.notice import notice
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.words import say
from quotadeck.words.commands import reason, refusal, value
from tests.domain.deciding import HOUR_MS, MIKA, Desk, fallback, key_add, limit, pause, resume, undo


def test_commands_as_one_line() -> None:
    desk = Desk()
    lines = [
        say(command_notice(desk.does(command, MIKA)))
        for command in (limit(40), pause(), resume(), fallback())
    ]
    assert lines == [
        'mika: analytics rpm 20 → 40 for 1h "orders import"',
        'mika: analytics paused for 1h "batch bug"',
        "mika: analytics resumed",
        'mika: opus target main/opus → main/flash for 1h "429s"',
    ]
    until_us = desk.now_us + 3_600_000_000
    timed = desk.does(replace(limit(30, for_ms=None), until_us=until_us, reason="x"))
    told = say(command_notice(timed), lambda _: "noon")
    assert told == 'ada: analytics rpm 40 → 30 until noon "x"'


@pytest.mark.parametrize("field", [Field.NOTE, Field.SEEN])
def test_what_nobody_wrote_down_is_no_limit(field: Field) -> None:
    assert (value(field, None), value(field, "deployed")) == ("none", "deployed")


def test_a_pause_undone_has_its_field_by_the_screens_name() -> None:
    desk = Desk()
    paused = desk.does(pause(), MIKA)
    undone = desk.does(undo(paused), MIKA)
    assert say(command_notice(undone)) == "mika: undo: analytics state paused → running"


def test_keys_as_one_line() -> None:
    desk = Desk()
    added = desk.does(key_add())
    assert say(command_notice(added)) == "ada: key k_prod added for analytics (prod)"
    revoked = desk.does(Command(Action.KEY_REVOKE, Subject.key("k_prod"), reason="leaked"))
    assert say(command_notice(revoked)) == 'ada: key k_prod of analytics (prod) revoked "leaked"'
    undone = desk.does(undo(revoked))
    assert say(command_notice(undone)) == "ada: undo: k_prod key none → analytics (prod)"
    assert (undone.reason, reason(undone)) == ("", "undoes cmd_2"), "the audit names what it undid"


def test_an_end_tells_what_is_in_force_again() -> None:
    desk = Desk()
    entry = desk.does(limit(40))
    end = end_of(entry, desk.layers)
    assert say(end_notice(end, entry)) == "analytics rpm 40 ended: 20 again"
    assert reason(end) == "the end of cmd_1"
    desk.does(limit(30, for_ms=4 * HOUR_MS))
    assert say(end_notice(end_of(entry, desk.layers), entry)) == "analytics rpm 40 ended: 30"
    paused = desk.does(pause())
    end = end_of(paused, desk.layers)
    assert say(end_notice(end, paused)) == "analytics pause ended: running again"
    key = desk.does(replace(key_add(), for_ms=HOUR_MS))
    assert say(end_notice(end_of(key, desk.layers), key)) == "key k_prod ended"


@pytest.mark.parametrize(
    ("field", "of", "words"),
    [
        (Field.RPM, 80_000, "80,000"),
        (Field.RPM, None, "unlimited"),
        (Field.BUDGET, 12_500_000_000, "$12.50"),
        (Field.BUDGET, None, "unlimited"),
        (Field.PAUSED, True, "paused"),
        (Field.PAUSED, None, "running"),
        (Field.TARGET, "main/opus", "main/opus"),
        (Field.TARGET, None, "–"),
        (Field.KEY, ProjectKey("", ("a", "b"), "prod"), "a, b (prod)"),
        (Field.KEY, ProjectKey("", ("a",)), "a"),
        (Field.KEY, None, "none"),
        ("of_the_future", "left", "left"),
        ("of_the_future", 7_000, "7,000"),
    ],
)
def test_a_value_reads_as_its_field_has_it(field: str, of: Value | None, words: str) -> None:
    assert value(field, of) == words


def test_a_storm_of_refusals_is_told_with_its_last() -> None:
    last = notice("refused.role", actor="eve", role="viewer", action="pause", needed="operator")
    one = Rejected("not_allowed", last)
    assert refusal(one) == "eve is viewer here; pause takes an operator: ask one"
    storm = replace(one, times=1_480, since_us=1, unread=3_000)
    assert refusal(storm, lambda _: "noon") == (
        "refused 1,480 times since noon, and 3,000 more not even read; last: "
        "eve is viewer here; pause takes an operator: ask one"
    )
    assert refusal(replace(one, since_us=1), lambda _: "noon").startswith("refused 1 time since")
