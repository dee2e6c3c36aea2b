"""Run the real console on a scripted source, as a process: ``python -m tests.tui.play``."""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from quotadeck.clock import MachineClock
from quotadeck.domain.days import day_at, micros
from quotadeck.domain.snapshot import Snapshot
from quotadeck.sources.base import Reading
from quotadeck.tui import run_console
from tests.tui.quarters import a_quarter
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


class Off(MachineClock):
    """The machine's clock, its wall clock wrong by so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds

    def wall_us(self) -> int:
        return super().wall_us() + self.seconds * 1_000_000


@dataclass
class Watched(Scripted):
    """As `Scripted`; the longest time in which the loop did nothing else is written down."""

    gaps: Path = Path()

    async def stream(self) -> AsyncIterator[Reading]:
        watching = asyncio.create_task(self._watch())
        async for reading in super().stream():
            yield reading
        watching.cancel()

    async def _watch(self) -> None:
        longest_ms, before = 0, time.monotonic()
        while True:
            await asyncio.sleep(0.02)
            now = time.monotonic()
            longest_ms, before = max(longest_ms, round(1_000 * (now - before)) - 20), now
            written = self.gaps.with_suffix(".new")
            written.write_text(str(longest_ms))
            written.rename(self.gaps)
            if self.gaps.with_suffix(".again").exists():
                self.gaps.with_suffix(".again").unlink()
                longest_ms = 0


def burning(projects: int) -> Snapshot:
    """Everybody is in a storm at once."""
    snapshot = fire(projects)
    storm = snapshot.projects[0]
    rows = tuple(
        replace(storm, id=row.id, name=row.id, priority=row.priority) for row in snapshot.projects
    )
    return replace(snapshot, projects=rows)


def later(snapshot: Snapshot, step_ms: int) -> Iterator[Snapshot]:
    """The same a minute later, and on."""
    moved = replace(snapshot, now_ms=snapshot.now_ms + 60_000, at_us=snapshot.at_us + 60_000_000)
    yield from advancing(moved, step_ms)


def dated(script: Iterator[Snapshot], at_us: int, zone: str, go: Path) -> Iterator[Snapshot]:
    """The same from another instant on, where time stands until the file ``go`` is there.

    Each day of the zone has its own money: the first the script's, another none.
    """
    first = next(script)
    began, moved_us = day_at(at_us, zone).name, at_us - first.at_us
    held = iter(lambda: None if go.exists() else first, None)
    for one in chain(held, [first], script):
        day = day_at(one.at_us + moved_us, zone)
        rows = tuple(
            replace(
                row,
                budget=replace(
                    row.budget,
                    ends_us=day.end_us,
                    spent_nano=row.budget.spent_nano if day.name == began else 0,
                ),
            )
            for row in one.projects
        )
        events = tuple(replace(told, at_us=told.at_us + moved_us) for told in first.events)
        yield replace(one, at_us=one.at_us + moved_us, projects=rows, events=events)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", choices=("calm", "fire", "hostile", "burning"), default="fire")
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
    parser.add_argument("--clock-off", type=int, default=0, help="seconds the reader is fast")
    parser.add_argument("--at", type=micros, help="another instant at which it begins")
    parser.add_argument("--go", type=Path, help="with --at: time stands until this file is there")
    parser.add_argument("--zone", help="the zone of the screen, and of the days with --at")
    parser.add_argument("--gaps", type=Path, help="where the loop's longest gap is written, in ms")
    asked = parser.parse_args()
    snapshot = {"calm": calm, "fire": fire, "hostile": hostile, "burning": burning}[asked.scene](
        asked.projects
    )
    step_ms = round(asked.every * 1_000)
    script: Iterator[Snapshot] = advancing(snapshot, step_ms)
    if asked.cells:
        script = changing(snapshot, asked.cells, step_ms)
    if asked.still or asked.silent:
        script = iter((snapshot,))
    if asked.trouble_after is not None:
        script = chain([snapshot] * asked.trouble_after, later(fire(asked.projects), step_ms))
    if asked.at is not None:
        script = dated(script, asked.at, asked.zone, asked.go)
    made = partial(Watched, gaps=asked.gaps) if asked.gaps else Scripted
    source = made(script, asked.every, silent=asked.silent, gone=asked.gone, passed=a_quarter)
    return run_console(
        source,
        clock=Off(asked.clock_off),
        read_only=asked.read_only,
        theme=asked.theme,
        zone=ZoneInfo(asked.zone) if asked.zone else JST,
        settings=asked.settings,
    )


if __name__ == "__main__":
    sys.exit(main())
