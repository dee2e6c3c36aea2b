"""Run the real console on a scripted source, as a process: ``python -m tests.tui.play``."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from itertools import chain
from pathlib import Path
from random import Random

from quotadeck.domain.snapshot import Snapshot
from quotadeck.tui import run_console
from tests.tui.scenes import calm, fire, hostile
from tests.tui.scripted import Scripted, advancing

JST = timezone(timedelta(hours=9), "JST")


def changing(snapshot: Snapshot, cells: int, step_ms: int) -> Iterator[Snapshot]:
    """Each step, so many projects of those on the screen have a new number (seeded)."""
    random = Random(7)
    while True:
        yield snapshot
        rows = list(snapshot.projects)
        for index in random.sample(range(min(36, len(rows))), cells):
            flow = replace(rows[index].flow, requests_60s=random.randrange(1_000))
            rows[index] = replace(rows[index], flow=flow)
        snapshot = replace(
            snapshot,
            projects=tuple(rows),
            now_ms=snapshot.now_ms + step_ms,
            at_us=snapshot.at_us + step_ms * 1_000,
        )


def later(snapshot: Snapshot, step_ms: int) -> Iterator[Snapshot]:
    """The same a minute later, and on."""
    moved = replace(snapshot, now_ms=snapshot.now_ms + 60_000, at_us=snapshot.at_us + 60_000_000)
    yield from advancing(moved, step_ms)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", choices=("calm", "fire", "hostile"), default="fire")
    parser.add_argument("--projects", type=int, default=6)
    parser.add_argument("--theme")
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--cells", type=int, default=0)
    parser.add_argument("--every", type=float, default=1.0)
    parser.add_argument("--still", action="store_true", help="one reading, then heartbeats")
    parser.add_argument("--silent", action="store_true", help="one reading, then nothing")
    parser.add_argument("--gone", action="store_true", help="nobody answers")
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--trouble-after", type=int, help="so many calm readings, then fire")
    asked = parser.parse_args()
    snapshot = {"calm": calm, "fire": fire, "hostile": hostile}[asked.scene](asked.projects)
    step_ms = round(asked.every * 1_000)
    script: Iterator[Snapshot] = advancing(snapshot, step_ms)
    if asked.cells:
        script = changing(snapshot, asked.cells, step_ms)
    if asked.still or asked.silent:
        script = iter((snapshot,))
    if asked.trouble_after is not None:
        script = chain([snapshot] * asked.trouble_after, later(fire(asked.projects), step_ms))
    source = Scripted(script, asked.every, silent=asked.silent, gone=asked.gone)
    return run_console(
        source, read_only=asked.read_only, theme=asked.theme, zone=JST, settings=asked.settings
    )


if __name__ == "__main__":
    sys.exit(main())
