"""Commands and their ends in words."""

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.commands import LIMIT_FIELDS, Action, Command, Field
from quotadeck.domain.ends import end_of
from quotadeck.domain.subject import Subject
from quotadeck.domain.wording import command_text, ended_text, limit_of_text, value_text
from tests.domain.deciding import HOUR_MS, MIKA, Desk, fallback, key_add, limit, pause, resume, undo


def test_commands_as_one_line() -> None:
    desk = Desk()
    lines = [
        command_text(desk.does(command, MIKA))
        for command in (limit(40), pause(), resume(), fallback())
    ]
    assert lines == [
        'mika: analytics rpm 20 → 40 for 1h "orders import"',
        'mika: analytics paused for 1h "batch bug"',
        "mika: analytics resumed",
        'mika: opus target main/opus → main/flash for 1h "429s"',
    ]
    added = desk.does(key_add())
    assert command_text(added) == "ada: key k_prod added for analytics (prod)"
    revoked = desk.does(Command(Action.KEY_REVOKE, Subject.key("k_prod"), reason="leaked"))
    assert command_text(revoked) == 'ada: key k_prod of analytics (prod) revoked "leaked"'
    undone = desk.does(undo(revoked))
    assert command_text(undone) == "ada: undo: k_prod key none → analytics (prod)"
    assert undone.reason == "undoes cmd_6", "in the audit it names what it undid"


def test_an_end_tells_what_is_in_force_again() -> None:
    desk = Desk()
    entry = desk.does(limit(40))
    assert ended_text(end_of(entry, desk.layers), entry) == "analytics rpm 40 ended: 20 again"
    desk.does(limit(30, for_ms=4 * HOUR_MS))
    assert ended_text(end_of(entry, desk.layers), entry) == "analytics rpm 40 ended: 30"
    paused = desk.does(pause())
    assert ended_text(end_of(paused, desk.layers), paused) == "analytics pause ended: running again"


@given(st.sampled_from(LIMIT_FIELDS), st.integers(0, 10**18) | st.none())
def test_a_limit_reads_back_from_its_text(name: Field, value: int | None) -> None:
    assert limit_of_text(name, value_text(name, value)) == value
