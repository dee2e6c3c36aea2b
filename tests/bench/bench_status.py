"""From `quotadeck status` on the shell to its last line, over a real gateway's socket."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.processes import running

TIMES = 11
HEAVY = "import asyncio, httpx, pydantic, quotadeck.wire.messages; "
STATUS = "import sys; from quotadeck.cli.app import run; sys.exit(run(sys.argv[1:]))"


def _run(command: list[str]) -> tuple[float, float]:
    """How long a command takes, and its CPU time, in milliseconds."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    took_s = time.perf_counter() - began
    return took_s * 1_000, (usage.ru_utime + usage.ru_stime) * 1_000


def run() -> list[tuple[str, str]]:
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), "[projects.analytics]\n[projects.search]") as gateway,
    ):
        asked = ["status", "--socket", str(gateway.socket)]
        commands = {
            "quotadeck status": [sys.executable, "-m", "quotadeck", *asked],
            "the same with httpx, asyncio and pydantic loaded": [
                sys.executable, "-c", HEAVY + STATUS, *asked,
            ],
            "an empty Python": [sys.executable, "-c", "pass"],
        }  # fmt: skip
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(TIMES):
            for name, command in commands.items():
                took[name].append(_run(command))
    return [
        (
            f"{name} (least, median of {TIMES}; CPU)",
            f"{min(walls):.0f} ms, {statistics.median(walls):.0f} ms; {min(cpus):.0f} ms",
        )
        for name, figures in took.items()
        for walls, cpus in [tuple(zip(*figures, strict=True))]
    ]
