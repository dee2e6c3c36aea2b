"""Keys that arrive together, as from a fast hand or over a slow link, each do what they say."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.screen import Screen

PLAY = (sys.executable, "-m", "tests.tui.play", "--still")


@contextmanager
def console() -> Iterator[Screen]:
    with Screen(PLAY) as screen:
        screen.shows("● live", "analytics", "? help")
        yield screen


def test_a_pause_typed_in_one_breath_is_applied_with_its_reason() -> None:
    with console() as screen:
        screen.type("/analytics\rpstorming client\r")
        screen.shows("done: analytics state running → paused")
        screen.hides("pause analytics")


def test_a_limit_typed_in_one_breath_waits_for_its_preview() -> None:
    with console() as screen:
        screen.type("/analytics\rl40\t\twhy\r")
        screen.shows("20 → 40", "low priority waits", '--for 1h --reason "why"')
        screen.press("enter")
        screen.shows("done: analytics rpm 20 → 40")


@pytest.mark.parametrize("keys", ["?q", "aq", "a?qq", "?\x1b[27u", "pwhy\x1b[27u"])
def test_what_is_opened_and_left_at_once_is_left(keys: str) -> None:
    with console() as screen:
        screen.type(keys + "/stor")
        screen.shows("/stor  hides 4")


@pytest.mark.parametrize("key", ["j", "f", "b", "G", "1", "z", ";"])
def test_escape_and_a_key_at_once_leave_the_dialog_and_do_what_the_key_does(key: str) -> None:
    with console() as screen:
        screen.type("/analytics\rp")
        screen.shows("pause analytics")
        screen.type("\x1b" + key)
        screen.hides("pause analytics")
        answer = {"f": "┌ fallback", "z": "FROZEN", "j": "esc clear", "G": "esc clear"}
        screen.shows(answer.get(key, f"{key} does nothing here"))


def test_escape_and_enter_at_once_apply_nothing() -> None:
    with console() as screen:
        screen.type("/analytics\rpwhy")
        screen.shows('--reason "why"', "running → paused")
        screen.type("\x1b\r")
        screen.hides("pause analytics")
        screen.shows("‹ analytics")
        assert "done:" not in screen.text


def test_escape_and_many_keys_at_once_are_all_heard() -> None:
    with console() as screen:
        screen.type("/zzz")
        screen.shows("nothing matches")
        screen.type("\x1b/" + "analytics-and-more-than-the-parser-looks-at")
        screen.shows("/analytics-and-more-than-the-parser-looks-at")


def test_arrows_are_arrows_still() -> None:
    with console() as screen:
        screen.type("g\x1b[B\x1bOB")
        screen.shows("3/6")
        screen.press("up", "pgdn", "home", "down")
        screen.shows("2/6")
