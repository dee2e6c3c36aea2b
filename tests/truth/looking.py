"""The real screen on a pty beside a scene: what it shows is what a frame of that moment says."""

import asyncio
import re
import sys
import time
from threading import Event
from typing import Final, NamedTuple

from quotadeck.cli.demo.world import World
from quotadeck.words.states import words_of
from tests.screen import Screen
from tests.truth.ledger import SECOND_US
from tests.truth.played import Played

LATE_S: Final = 3.0
"""A frame is made, sent, drawn and looked at within so long, on a busy machine too."""
EVERY_S: Final = 0.25


class Look(NamedTuple):
    """The screen's lines at an instant."""

    at_us: int
    lines: tuple[str, ...]


async def look(looks: list[Look], world: World) -> None:
    """Look at a console on this world's gateway until the end."""
    over = Event()
    try:
        await asyncio.to_thread(_look, looks, world, over)
    finally:
        over.set()


def _look(looks: list[Look], world: World, over: Event) -> None:
    command = [sys.executable, "-m", "quotadeck", "--socket", str(world.socket)]
    with Screen(command, columns=120, rows=30) as screen:
        screen.shows("checkout", within_s=20)
        while not over.is_set() and screen.process.poll() is None:
            screen.bytes_within(EVERY_S)
            lines = tuple(screen.lines())
            if any("STALE" in line or "GONE" in line for line in lines[:3]):
                continue
            looks.append(Look(time.time_ns() // 1_000, lines))


def row_of(project: str, lines: tuple[str, ...]) -> str | None:
    """The project's line, if it is on the screen."""
    return next((one for one in lines if re.match(rf"[ !~‖▸>*]*{project}\b", one)), None)


def unsaid(looks: list[Look], it: Played) -> list[str]:
    """What the screen says of a project and no frame of the last seconds did."""
    found = []
    last_us = it.frames[-1].at_us
    for at_us, lines in looks:
        if at_us > last_us:
            break
        frames = [one for one in it.frames if 0 <= at_us - one.at_us <= LATE_S * SECOND_US]
        for project in sorted({row.id for frame in frames for row in frame.projects}):
            words = {
                words_of(row.state, frame.now_ms, frame.at_us).word
                for frame in frames
                for row in frame.projects
                if row.id == project
            }
            line = row_of(project, lines)
            if line is not None and not any(_stem(word) in line for word in words):
                found.append(f"{(at_us - it.began_us) / SECOND_US:.1f} s: {words} | {line}")
    return found


def _stem(word: str) -> str:
    """A word without its figure: ``storm ×7`` is ``storm``."""
    return re.split(r"[ ×]?[\d<]", word)[0] or word
