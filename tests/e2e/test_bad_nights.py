"""The console on a bad night: wrong clocks, dead links, tmux, storms of sizes and of troubles."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.e2e.test_console import PROJECTS, console
from tests.processes import running
from tests.screen import Screen
from tests.tui.test_terminal import PLAY, left

MAX_GAP_MS: Final = 200
"""So long the loop may do nothing else; on a machine that runs other tests, ten times that."""


def test_a_reader_whose_clock_is_wrong_reads_the_gateways_time() -> None:
    with Screen([*PLAY, "--scene", "calm", "--clock-off", "300", "--every", "0.2"]) as screen:
        screen.shows("● live", "03:02 JST")
        screen.hides("03:07", "STALE")
    with Screen([*PLAY, "--clock-off", "-300", "--every", "0.2"]) as screen:
        screen.shows("● live", "03:02 JST")
        screen.hides("02:57", "STALE")


def test_a_restarted_gateway_says_since_when_it_counts(tmp_path: Path) -> None:
    with ExitStack() as alive:
        with running(tmp_path, PROJECTS) as first:
            screen = alive.enter_context(console(first, columns=120))
            screen.shows("● live", "analytics")
        screen.shows("DISCONNECTED")
        with running(tmp_path, PROJECTS):
            screen.shows("● live", "counting for", within_s=20)


def test_two_consoles_see_each_others_change_with_its_end(tmp_path: Path) -> None:
    with (
        running(tmp_path, PROJECTS) as gateway,
        console(gateway) as one,
        console(gateway) as other,
    ):
        other.shows("● live", "search")
        one.shows("● live", "search")
        one.press(":")
        one.type("pause search for 5m because two of us")
        one.press("enter")
        one.shows("pause search", "two of us")
        one.press("enter")
        one.shows("done: search")
        other.shows("paused")


def test_a_storm_of_sizes_ends_in_the_right_picture() -> None:
    random = Random(5)
    with Screen([*PLAY, "--projects", "40"], columns=80, rows=24) as screen:
        screen.shows("● live")
        for _ in range(40):
            screen.resize(random.randint(20, 220), random.randint(5, 60))
            screen.read(0.005)
        screen.resize(120, 35)
        screen.until(lambda: "? help" in screen.lines()[-1], "keys in the last line")
        screen.until(lambda: "● live" in screen.lines()[0], "the head in the first")
        screen.shows("analytics", "batch-embed")
        screen.press("q")
        assert screen.exit_code() == 0
        left(screen)


@pytest.mark.parametrize("size", [(30, 8), (60, 16), (80, 24), (200, 50)])
def test_three_thousand_in_trouble_are_counted_and_the_screen_obeys(size: tuple[int, int]) -> None:
    columns, rows = size
    burning = [*PLAY, "--scene", "burning", "--projects", "3000"]
    with Screen(burning, columns=columns, rows=rows) as screen:
        screen.until(lambda: "! 3" in screen.lines()[0], "how many are in trouble")
        screen.press("?")
        screen.shows("keys")
        screen.press("q")
        screen.until(lambda: "! 3" in screen.lines()[0], "the overview again")


def _stalled(seconds: float, tmp_path: Path) -> tuple[int, float]:
    """The loop's longest gap, and how long until the picture was current again."""
    gaps = tmp_path / "gaps"
    busy = ("--cells", "30", "--projects", "100", "--every", "0.2", "--gaps", str(gaps))
    with Screen([*PLAY, *busy], columns=200, rows=50) as screen:
        screen.shows("● live", "? help")
        screen.press("z", "z") if "freeze" in screen.text else None
        screen.read(1.0)
        gaps.with_suffix(".again").touch()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:  # nobody reads: the link is dead
            _rest()
        longest = int(gaps.read_text() or "0")
        back = time.monotonic()
        screen.until(lambda: "STALE" not in screen.text and "● live" in screen.text, "live")
        while screen.read(0.3) > 20_000:  # what was written meanwhile, then only changes
            pass
        return longest, time.monotonic() - back


def _rest() -> None:
    """A moment in which the test reads nothing."""
    subprocess.run([sys.executable, "-c", ""], check=False)


def test_a_link_that_is_dead_for_a_while_holds_no_loop_and_comes_back_current(
    tmp_path: Path,
) -> None:
    longest, back = _stalled(4, tmp_path)
    assert longest < 10 * MAX_GAP_MS
    assert back < 5


@contextmanager
def in_tmux(tmp_path: Path, *command: str) -> Iterator[list[str]]:
    """A session of our own; what is given is the beginning of tmux's command line."""
    tmux = ["tmux", "-L", f"t{os.getpid()}", "-f", "/dev/null"]
    inside = {**os.environ, "LANG": "C.UTF-8", "HOME": str(tmp_path)}
    start = [*tmux, "new-session", "-d", "-x", "80", "-y", "24", *command]
    subprocess.run(start, check=True, env=inside, cwd=Path(__file__).parents[2])
    try:
        yield tmux
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")
def test_inside_tmux_it_is_drawn_resized_and_left_as_elsewhere(tmp_path: Path) -> None:
    def until(asked: list[str], *texts: str) -> None:
        deadline, told = time.monotonic() + 20, ""
        while not all(text in told for text in texts):
            assert time.monotonic() < deadline, told
            told = subprocess.run(
                [*tmux, *asked], check=True, capture_output=True, encoding="utf-8"
            ).stdout

    shown = ["capture-pane", "-p"]
    with in_tmux(tmp_path, " ".join([*PLAY, "--projects", "40"]) + "; cat") as tmux:
        until(shown, "● live", "? help")
        subprocess.run([*tmux, "resize-window", "-x", "120", "-y", "40"], check=True)
        until(shown, "team-0022")
        subprocess.run([*tmux, "send-keys", "Escape"], check=True)
        subprocess.run([*tmux, "send-keys", "?"], check=True)
        until(shown, "overview: keys")
        subprocess.run([*tmux, "send-keys", "q"], check=True)
        until(shown, "● live")
        subprocess.run([*tmux, "send-keys", "q"], check=True)
        left = ["list-panes", "-F", "#{pane_current_command} #{alternate_on}"]
        until(left, "cat 0")
