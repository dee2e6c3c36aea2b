"""From the console's start to a project's row on the terminal, over a real gateway's socket."""

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.processes import Gateway, running
from tests.screen import Screen

SIZES = (1_000, 10_000)
TIMES = 5


def first_paint_ms(gateway: Gateway) -> float:
    """Exec to the first project's name, in milliseconds."""
    command = [sys.executable, "-m", "quotadeck", "--socket", str(gateway.socket)]
    with Screen(command, columns=200, rows=50) as screen:
        return screen.sent_within(b"project-0001") * 1_000


def run() -> Iterator[tuple[str, str]]:
    for size in SIZES:
        projects = "\n".join(
            f'[projects.project-{n:04}]\nrpm = 60\ntpm = 100000\ndaily_budget_usd = "5"'
            for n in range(1, size + 1)
        )
        with (
            tempfile.TemporaryDirectory() as directory,
            running(Path(directory), projects) as gateway,
        ):
            times = [first_paint_ms(gateway) for _ in range(TIMES + 1)][1:]
        yield (
            f"first paint, {size:,} projects of a real gateway (least, median of {TIMES})",
            f"{min(times):.0f} ms, {statistics.median(times):.0f} ms",
        )
