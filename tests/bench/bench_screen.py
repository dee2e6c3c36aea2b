"""The console's screen: first paint, and what it sends when idle and when cells change."""

import sys
import time

from tests.bench import cpu_s
from tests.screen import Screen

PLAY = (sys.executable, "-m", "tests.tui.play")
TRIES = 5


def _first_paint_ms(projects: int) -> list[float]:
    """From the start of the process until the last line of a whole frame is there."""
    took = []
    for _ in range(TRIES):
        with Screen(
            [*PLAY, "--scene", "calm", "--projects", str(projects)], columns=200, rows=50
        ) as screen:
            took.append(screen.sent_within(b" help", 30) * 1_000)
    return sorted(took)


def _steady(*options: str, columns: int = 200, rows: int = 50) -> tuple[float, float]:
    """Bytes a second and CPU per cent over six seconds, once the screen stands."""
    with Screen([*PLAY, *options], columns=columns, rows=rows) as screen:
        screen.shows("● live", "? help", within_s=30)
        screen.bytes_within(2.5)
        before, started = cpu_s(screen.process.pid), time.monotonic()
        sent = screen.bytes_within(6)
        took = time.monotonic() - started
        return sent / took, 100 * (cpu_s(screen.process.pid) - before) / took


def run() -> list[tuple[str, str]]:
    """Every figure by what it is of."""
    figures = []
    for projects in (1_000, 10_000):
        took = _first_paint_ms(projects)
        name = f"first paint, {projects:,} projects, 200×50 (least, median of {TRIES})"
        figures.append((name, f"{took[0]:.0f} ms, {took[TRIES // 2]:.0f} ms"))
    many = ("--scene", "calm", "--projects", "1000")
    for what, options in (
        ("idle, 1,000 projects", (*many, "--theme", "dark")),
        ("20 changing cells a second, dark", (*many, "--cells", "20", "--theme", "dark")),
        ("20 changing cells a second, ansi", (*many, "--cells", "20", "--theme", "ansi")),
        ("a night of trouble, ansi", ("--projects", "1000", "--theme", "ansi")),
    ):
        sent, cpu = _steady(*options)
        figures.append((f"{what}, 200×50, 1 Hz", f"{sent:.0f} B/s, {cpu:.1f} % CPU"))
    return figures
