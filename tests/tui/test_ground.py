"""The terminal is asked for its ground while the screen is loaded: nobody waits, no key is lost."""

import os
import pty
import termios
from collections.abc import Iterator

import pytest

from quotadeck.tui.ground import QUESTION, Heard, ask, is_light, told_light
from tests.screen import Screen
from tests.tui.test_terminal import PLAY

WHITE = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
BLACK = "\x1b]11;rgb:0000/0000/0000\x07"
ATTRIBUTES = "\x1b[?64;1;2c"
XTERM = {"TERM": "xterm-256color"}


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    main, child = pty.openpty()
    yield main, child
    os.close(main)
    os.close(child)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (WHITE + ATTRIBUTES, Heard(True)),
        (BLACK + ATTRIBUTES, Heard(False)),
        (ATTRIBUTES, Heard(None)),
        ("", Heard(None, over=False)),
        ("jj" + WHITE + "q" + ATTRIBUTES + "?", Heard(True, "jjq?")),
        (WHITE, Heard(True, over=False)),
    ],
)
def test_what_came_by_then_is_heard(terminal: tuple[int, int], said: str, heard: Heard) -> None:
    main, child = terminal
    before = termios.tcgetattr(child)
    asked = ask(child, child, XTERM)
    assert asked is not None
    assert os.read(main, 100) == QUESTION
    os.write(main, said.encode())
    assert asked.heard() == heard
    assert termios.tcgetattr(child) == before


@pytest.mark.parametrize("term", ["linux", "dumb", ""])
def test_a_terminal_that_would_show_the_question_is_not_asked(
    terminal: tuple[int, int], term: str
) -> None:
    assert ask(terminal[1], terminal[1], {"TERM": term}) is None


def test_a_colour_is_light_by_its_luminance() -> None:
    assert is_light("\x1b]11;rgb:ff/ff/ff\x07")
    assert is_light("\x1b]11;rgba:fd/f6/e3/ff\x07")  # solarized's paper
    assert not is_light("\x1b]11;rgb:0000/2b2b/3636\x07")  # and its ink
    assert is_light("no answer") is None


def test_some_terminals_say_it_beforehand() -> None:
    assert told_light({"COLORFGBG": "0;15"})
    assert told_light({"COLORFGBG": "15;0"}) is False
    assert told_light({"COLORFGBG": "0;default"}) is None
    assert told_light({"COLORFGBG": "9" * 5_000}) is None
    assert told_light({}) is None


@pytest.mark.parametrize(("ground", "colour"), [(WHITE, "magenta"), (BLACK, "brown")])
def test_over_ssh_attention_can_be_read_on_either_ground(ground: str, colour: str) -> None:
    with Screen(PLAY, {"SSH_CONNECTION": "1"}) as screen:
        screen.type(ground + ATTRIBUTES)  # in the terminal's buffer before the question is put
        screen.shows("content-gen")
        cells = [screen.cell(x, y) for y in range(24) for x in range(80)]
        assert colour in {cell.fg for cell in cells if cell.data.strip()}


def test_an_answer_that_comes_late_is_no_key() -> None:
    with Screen(PLAY, {"SSH_CONNECTION": "1"}) as screen:
        screen.shows("● live", "▇▅▆▇██")
        before = screen.text
        screen.type(WHITE[:9])
        screen.type(WHITE[9:] + ATTRIBUTES[:3])
        screen.type(ATTRIBUTES[3:] + "?")
        screen.shows(
            "overview: keys"
        )  # the help, and nothing that an `r` or an `f` would have opened
        screen.press("q")
        screen.shows(*before.splitlines()[3:6])


def test_keys_typed_before_the_screen_is_there_are_obeyed() -> None:
    with Screen(PLAY) as screen:
        screen.type("?")
        screen.shows("overview: keys")
