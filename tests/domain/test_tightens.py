"""Which commands may be in force without standing in the log."""

from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.subject import Subject
from tests.domain.deciding import HOUR_MS, Desk, fallback, key_add, limit, pause, resume, undo


def test_pause_and_lower_tighten_resume_and_raise_loosen() -> None:
    desk = Desk()
    assert not desk.loosens(pause())
    assert not desk.loosens(limit(10))
    assert desk.loosens(limit(21))
    assert not desk.loosens(limit(5, Field.CONCURRENCY)), "there was no limit"
    desk.does(pause())
    assert desk.loosens(resume())
    assert desk.loosens(fallback()), "it changes what money is spent on"


def test_undo_goes_by_what_it_does() -> None:
    desk = Desk()
    raised = desk.does(limit(40))
    assert not desk.loosens(undo(raised))
    back = desk.does(undo(raised))
    assert desk.loosens(undo(back))
    paused = desk.does(pause())
    assert desk.loosens(undo(paused))
    resumed = desk.does(resume())
    assert not desk.loosens(undo(resumed))


def test_keys() -> None:
    desk = Desk()
    assert desk.loosens(key_add())
    added = desk.does(key_add())
    assert not desk.loosens(Command(Action.KEY_REVOKE, Subject.key("k_prod"), reason="leaked"))
    assert not desk.loosens(undo(added))


def test_what_loosens_later_only_loosens() -> None:
    desk = Desk()
    desk.does(limit(10))
    assert desk.loosens(limit(100, for_ms=None)), "once the override ends it allows 100"
    desk.does(limit(5, for_ms=2 * HOUR_MS))
    assert desk.loosens(limit(4)) is False
    desk.does(limit(2, for_ms=4 * HOUR_MS))
    assert desk.loosens(limit(3))


def test_the_longer_of_two_pauses_taken_out_loosens_later() -> None:
    desk = Desk()
    desk.does(pause(for_ms=HOUR_MS))
    longer = desk.does(pause(for_ms=4 * HOUR_MS))
    assert desk.loosens(undo(longer))
