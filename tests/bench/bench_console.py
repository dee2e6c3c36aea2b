"""The console at work: from a key to its frame, and what a demo sends beside htop and btop."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import cpu_s
from tests.screen import Screen

PLAY = (sys.executable, "-m", "tests.tui.play", "--theme", "ansi")
KEYS = 200
WARM_S, LOOK_S = 70.0, 20.0
"""The demo's first minute teaches keys and fills its sparklines."""
STALL_S = 20.0
_END_OF_FRAME = b"\x1b[?2026l"


def _quantiles(taken: list[float]) -> str:
    taken = sorted(taken)
    middle, late = taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)]
    return f"p50 {middle:.1f} ms, p99 {late:.1f} ms"


@contextmanager
def _live(projects: int) -> Iterator[Screen]:
    many = ("--scene", "calm", "--projects", str(projects), "--cells", "20", "--every", "1")
    with Screen([*PLAY, *many], columns=200, rows=50) as screen:
        screen.shows("● live", "? help", within_s=60)
        screen.bytes_within(2)
        yield screen


def _frame_ms(screen: Screen, key: str) -> float:
    """From a key's byte into the terminal to the last byte of the next frame out of it."""
    begun, seen = time.perf_counter(), len(screen.raw)
    screen.press(key)
    while screen.raw.find(_END_OF_FRAME, seen) < 0:
        screen.read(1.0)
    return 1_000 * (time.perf_counter() - begun)


def _keys(projects: int) -> list[tuple[str, str]]:
    with _live(projects) as screen:
        moved = [_frame_ms(screen, "j" if at % 40 < 20 else "k") for at in range(KEYS)]
        screen.press("/")
        screen.read(0.5)
        typed = []
        for _ in range(10):
            typed += [_frame_ms(screen, letter) for letter in "team-01"]
            typed += [_frame_ms(screen, "backspace") for _ in "team-01"]
    name = f"{projects:,} live, 200×50"
    return [
        (f"key to the frame's last byte, {name}", _quantiles(moved)),
        (f"a key of the filter, {name}", _quantiles(typed)),
    ]


def _sent(command: list[str], env: dict[str, str], warm_s: float) -> str:
    """Bytes a second and per cent of a core, over twenty seconds after a warming."""
    with Screen(command, env, columns=200, rows=50) as screen:
        deadline = time.monotonic() + warm_s
        while time.monotonic() < deadline:
            screen.read(0.5)
        before, begun = cpu_s(screen.process.pid), time.monotonic()
        sent = screen.bytes_within(LOOK_S)
        took = time.monotonic() - begun
        cpu = 100 * (cpu_s(screen.process.pid) - before) / took
        return f"{sent / took:,.0f} B/s, {cpu:.1f} % CPU"


def _beside_others() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as home:
        places = {name: f"{home}/{name.lower()}" for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")}
        env = {"HOME": home, "SSH_CONNECTION": "1", **places, "XDG_RUNTIME_DIR": home}
        demo = [sys.executable, "-m", "quotadeck", "demo", "--no-hints"]
        yield "a demo of 6 live projects, sparklines, 200×50", _sent(demo, env, WARM_S)
        for other in ("htop", "btop"):
            found = shutil.which(other)
            figure = _sent([found], {"HOME": home}, 5) if found else "not on this machine"
            yield f"{other}, 200×50, in the same run", figure


def _stalled() -> str:
    """The loop's longest gap while nobody reads, and how long until the screen was current."""
    with tempfile.TemporaryDirectory() as folder:
        gaps = Path(folder, "gaps")
        busy = ("--cells", "30", "--projects", "1000", "--every", "0.2", "--gaps", str(gaps))
        with Screen([*PLAY, *busy], columns=200, rows=50) as screen:
            screen.shows("● live", "? help")
            screen.bytes_within(2)
            gaps.with_suffix(".again").touch()
            time.sleep(STALL_S)
            longest, back = gaps.read_text(), time.perf_counter()
            while screen.read(0.2) > 4_000:
                pass
            took = time.perf_counter() - back
    return f"longest gap {longest} ms; current {took:.1f} s after its return"


def run() -> Iterator[tuple[str, str]]:
    """Every figure by what it is of."""
    for projects in (1_000, 10_000):
        yield from _keys(projects)
    yield from _beside_others()
    yield f"a link that is dead for {STALL_S:.0f} s", _stalled()
