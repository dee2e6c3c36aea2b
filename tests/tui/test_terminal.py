"""The console as a process on a real pty: what it sends, what it obeys, how it leaves."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.segment import Segment

from quotadeck.tui.terminal import MOST_CUTS, bound_cuts
from tests.screen import NotShown, Screen
from tests.tui.scenes import HOSTILE

PLAY = (sys.executable, "-m", "tests.tui.play")
OURS = re.compile(
    r"\x1b(?:\]11;\?\x1b\\|\[c|\[[0-9;?<>=]*[a-zA-Z$]p?|\]22;default\x07|\]22;[a-z]*\x1b\\"
    r"|\]2;[^\x00-\x1f\x7f-\x9f]*\x07)"
)
"""What the screen may send: cursor, colours, modes, textual's request for a pointer shape, and the
terminal's title when it has time for that."""


@contextmanager
def console(*options: str, columns: int = 80, rows: int = 24, **env: str) -> Iterator[Screen]:
    with Screen([*PLAY, *options], env, columns=columns, rows=rows) as screen:
        yield screen


def settled(screen: Screen) -> None:
    """Wait until the console sends nothing for a while."""
    screen.shows("● live")
    for _ in range(20):
        if screen.bytes_within(0.5) == 0:
            return
    raise NotShown(f"never still:\n{screen.text}")


def test_a_calm_screen_sends_nothing() -> None:
    with console("--scene", "calm", "--projects", "100", "--still") as screen:
        settled(screen)
        assert screen.bytes_within(3) == 0


def test_a_calm_gateway_whose_clock_runs_sends_nothing() -> None:
    with console("--scene", "calm", "--every", "0.2") as screen:
        settled(screen)
        assert screen.bytes_within(2) == 0


def test_one_changed_cell_sends_few_bytes() -> None:
    with console("--scene", "calm", "--cells", "1", "--every", "1", columns=200, rows=50) as screen:
        screen.shows("● live")
        screen.bytes_within(2)
        sent = screen.bytes_within(4)
        assert 0 < sent < 4 * 6 * 60  # a cell and the sum above, in sync brackets


def test_of_texts_that_were_cut_few_are_kept_whatever_the_night_brings() -> None:
    for number in range(2 * MOST_CUTS):
        Segment(f"≤ {number} – a row").split_cells(3)
        bound_cuts()
    # The table of a released rich that has none would make this an AttributeError: look anew then.
    assert 0 < Segment._split_cells.cache_info().currsize <= MOST_CUTS


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 15), (200, 50)])
@pytest.mark.parametrize("theme", ["dark", "ansi"])
def test_the_overview_fits_its_terminal(columns: int, rows: int, theme: str) -> None:
    with console("--projects", "40", "--theme", theme, columns=columns, rows=rows) as screen:
        screen.shows("storm ×14", "opus-4.7", "fails 26% 4m", "mika", "p pause", "? help")
        lines = screen.lines()
        assert "● live" in lines[0]
        assert "03:02 JST" in lines[0]
        assert "refused" in lines[1]
        assert "project" in lines[2]
        assert "storm ×14 2m" in lines[3]  # the worst, and dearest, stands first
        assert "p pause" in lines[-1]
        assert "? help" in lines[-1]


@pytest.mark.parametrize("out", ["", ">/dev/null"])
def test_the_terminals_own_size_wins_over_what_was_exported(out: str) -> None:
    """Also where standard output, which textual would ask, is no terminal."""
    command = ["sh", "-c", f'exec "$@" {out}', "sh", *PLAY, "--projects", "40"]
    exported = {"COLUMNS": "60", "LINES": "15"}
    with Screen(command, exported, columns=120, rows=40) as screen:
        screen.shows("ref/m", "team-0022")
        screen.resize(60, 15)
        screen.until(lambda: "● live" in screen.lines()[0], "drawn from the first line on")
        screen.resize(120, 40)
        screen.shows("ref/m", "team-0022")


def test_a_resized_terminal_is_drawn_anew() -> None:
    with console("--projects", "40") as screen:
        screen.shows("analytics")
        screen.resize(120, 40)
        screen.shows("ref/m", "team-0022")
        screen.resize(60, 15)
        screen.hides("ref/m")
        screen.until(lambda: "p pause" in screen.lines()[-1], "keys at the foot")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, signal.SIGUSR1]
)
def test_signals_leave_the_terminal_as_it_was(number: signal.Signals) -> None:
    with console() as screen:
        screen.shows("● live")
        screen.signal(number)
        assert screen.exit_code() == 128 + number
        left(screen)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_leaving_restores_the_terminal(key: str) -> None:
    with console() as screen:
        screen.shows("● live")
        screen.press(key)
        assert screen.exit_code() == 0
        left(screen)


def left(screen: Screen) -> None:
    """The alternate screen, the keyboard's modes and the hidden cursor are undone, in the end."""
    raw = bytes(screen.raw)
    for on, off in (
        (b"?1049h", b"?1049l"),
        (b"?25l", b"?25h"),
        (b"?2004h", b"?2004l"),
        (b"?1004h", b"?1004l"),
        (b"[>", b"[<u"),
    ):
        assert raw.rfind(off) > raw.rfind(on), off
    assert b"?1000h" not in raw  # no mouse, ever
    assert b"?1003h" not in raw


@contextmanager
def in_a_shell(*options: str) -> Iterator[Screen]:
    """The console as a shell's job: the shell says `stopped`, and goes on with it after a line."""
    job = (
        'set -m; "$@"; while jobs %% >/dev/null 2>&1; do '
        "stty sane; echo stopped; read _; fg >/dev/null; done"
    )
    with Screen(("/bin/sh", "-c", job, "sh", *PLAY, *options)) as screen:
        screen.shows("● live", "? help")
        yield screen


def job_of(screen: Screen) -> int:
    """The console's process, the shell's only child."""
    shell = screen.process.pid
    return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])


def test_suspending_gives_the_terminal_back_and_coming_back_draws_it_whole() -> None:
    with in_a_shell("--scene", "calm", "--still") as screen:
        screen.shows("▂▂▂▂▂▂▂", "▂▃▃▃▄▃▃▃▃")
        before = screen.text
        screen.press("ctrl+z")
        screen.shows("stopped")
        assert "● live" not in screen.text
        screen.press("enter")
        screen.until(lambda: screen.text == before, f"the same screen:\n{before}")
        screen.press("j", "?")
        screen.shows("overview: keys")
        screen.press("ctrl+z")
        screen.shows("stopped")
        screen.press("enter")
        screen.shows("overview: keys")
        screen.press("esc", "p")
        screen.shows("pause batch-embed", "reason")
        screen.press("ctrl+z")
        screen.shows("stopped")
        screen.press("enter")
        screen.shows("pause batch-embed", "reason", "● live")
        screen.press("esc", "q")
        assert screen.exit_code() == 0
        left(screen)


def test_what_others_stop_comes_back_whole_and_leaves_the_terminal_as_it_was() -> None:
    with in_a_shell("--scene", "calm", "--still") as screen:
        screen.shows("▂" * 15)  # what is read for this screen when it stands: now it is whole
        before, keyboard = screen.text, screen.modes()
        os.kill(job_of(screen), signal.SIGSTOP)
        screen.shows("stopped")
        screen.press("enter")
        screen.until(lambda: screen.text == before, f"the same screen:\n{before}")
        assert screen.modes() == keyboard
        screen.press("q")
        assert screen.exit_code() == 0
        left(screen)
        assert screen.modes() != keyboard


@pytest.mark.parametrize("key", ["", "?", "a", "p"])
def test_a_screen_written_over_by_others_is_drawn_anew(key: str) -> None:
    with console("--scene", "calm", "--still") as screen:
        screen.shows("● live", "? help")
        screen.press(*key)
        screen.shows(
            {"": "● live", "?": "overview: keys", "a": "nothing was ever changed", "p": "┌ pause"}[
                key
            ]
        )
        screen.bytes_within(0.3)
        before = screen.text
        for y in range(1, 25):
            screen.overwrite(f"\x1b[{y};3HBroadcast message from root: going down")
        screen.overwrite("\x1b(0\x0e\x1b[3;9r\x1b[?7h")
        assert screen.text != before
        screen.press("ctrl+l")
        screen.until(lambda: screen.text == before, f"the same screen:\n{before}")


def test_a_closed_terminal_ends_the_process() -> None:
    with console() as screen:
        screen.shows("● live")
        screen.hang_up()
        assert screen.process.wait(10) is not None


def test_a_closed_terminal_ends_even_where_nobody_hears_the_hangup() -> None:
    ignoring = ("sh", "-c", 'trap "" HUP; exec "$0" "$@"', *PLAY)
    with Screen(ignoring) as screen:
        screen.shows("● live")
        screen.hang_up()
        assert screen.process.wait(10) is not None


def test_a_stalled_link_still_hears_its_signals() -> None:
    with console(
        "--cells", "30", "--projects", "100", "--every", "0.2", columns=200, rows=50
    ) as screen:
        screen.shows("● live")
        screen.press(">", ">")
        screen.until(lambda: "0.2 s" in screen.text, "a faster refresh")
        with pytest.raises(TimeoutError):
            _wait(screen, 4)  # nobody reads: the pty's buffer fills
        screen.signal(signal.SIGTERM)
        assert screen.exit_code() in (128 + signal.SIGTERM, -signal.SIGALRM)


def _wait(screen: Screen, seconds: float) -> None:
    try:
        screen.process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None


def test_silence_is_marked_after_three_seconds() -> None:
    with console("--silent") as screen:
        screen.shows("● live")
        screen.shows("STALE", within_s=6)
        screen.hides("● live")
        screen.shows("STALE 5s", within_s=5)


def test_no_gateway_is_words() -> None:
    with console("--gone") as screen:
        screen.shows("✗ no reading yet", "nobody answers", "trying again")


def test_hostile_text_is_shown_not_obeyed() -> None:
    with console("--scene", "hostile", "--projects", "7", columns=140, rows=40) as screen:
        screen.shows("[@click=app.quit]x[/]", "[red]zzz[/nope]", "cleared", "txt.exe")
        screen.press("l")
        screen.shows("limit [@click=app.quit]x[/]")
        screen.press("esc", "u")
        screen.shows("undo")
        screen.press("esc", "q")
        assert screen.exit_code() == 0
        text = bytes(screen.raw).decode()
    assert "\x1b]52" not in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "\x9b" not in text
    rest = OURS.sub("", text)
    assert not {c for c in rest if ord(c) < 32 or 127 <= ord(c) < 160} - {"\r", "\n"}
    assert len(HOSTILE) == 7


def test_no_color_leaves_glyphs_and_words() -> None:
    with console(NO_COLOR="1") as screen:
        screen.shows("!▸analytics", "storm ×14", "‖ content-gen", "paused 42m", "▸")
        styles = {
            code
            for sgr in re.findall(rb"\x1b\[([0-9;]*)m", bytes(screen.raw))
            for code in sgr.split(b";")
        }
    assert styles <= {b"", b"0", b"1", b"2", b"7", b"39", b"49"}


def test_over_ssh_only_the_terminals_own_colours_are_used() -> None:
    with console(SSH_CONNECTION="10.0.0.1 1 10.0.0.2 22") as screen:
        screen.shows("analytics", "● live")
        assert b"38;2;" not in screen.raw
        assert b"38;5;" not in screen.raw


def test_the_first_frame_is_sent_whole_once() -> None:
    with console("--scene", "calm", "--projects", "100", "--still", columns=200, rows=50) as screen:
        settled(screen)
        assert screen.raw.count(b"quotadeck") == 1


def test_a_terminal_without_a_cursor_is_told_what_works_there() -> None:
    with console(TERM="dumb") as screen:
        screen.shows("TERM=dumb", "quotadeck watch")
        assert screen.exit_code() == 2


def test_without_a_terminal_it_says_so() -> None:
    done = subprocess.run(
        PLAY, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
