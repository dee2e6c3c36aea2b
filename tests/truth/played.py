"""A scene, played: real upstream, gateway, traffic; every frame kept, then the ledger's calls."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from quotadeck.cli.demo.headless import read_books, run_headless
from quotadeck.cli.demo.world import Wishes, World
from quotadeck.domain.calls import Call
from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.snapshot import AnyRow, Snapshot
from quotadeck.domain.state import State, StateKind
from quotadeck.domain.subject import Subject
from quotadeck.sim import Scene
from quotadeck.sources import SourceGone, open_source
from quotadeck.sources.base import Source
from tests.truth.ledger import SECOND_US, records
from tests.truth.rules import RULES, Seen


class Hand(NamedTuple):
    """What an operator does so many seconds after the first call."""

    at_s: float
    action: Action
    subject: str
    field: Field | None = None
    value: Any = None

    def command(self) -> Command:
        subject = Subject.parse(self.subject)
        told = Command(self.action, subject, reason="a story", idempotency_key=secrets.token_hex(8))
        if self.action in (Action.PAUSE, Action.LIMIT, Action.FALLBACK):
            told = replace(told, for_ms=3_600_000)
        if self.field is None:
            return told
        return replace(told, field=self.field, value=self.value)


@dataclass(frozen=True, slots=True)
class Played:
    """The frames of a scene, and what was on record when it was over."""

    scene: Scene
    frames: Sequence[Snapshot]
    calls: Sequence[Call]
    report: dict[str, Any]
    changes_us: Sequence[int] = ()
    """When an operator's changes were done."""

    @property
    def began_us(self) -> int:
        """The first call's arrival."""
        return min(call.at_us for call in self.calls)

    def at_s(self, frame: Snapshot) -> float:
        """When in the scene the frame was."""
        return (frame.at_us - self.began_us) / SECOND_US

    def contradictions(self) -> list[str]:
        """A line for each frame and subject that the ledger contradicts."""
        known, found = records(self.calls), []
        for frame in self.frames:
            changed_us = max((us for us in self.changes_us if us <= frame.at_us), default=0)
            for subject, row in rows(frame):
                if subject not in known:
                    continue
                seen = Seen(row, known[subject], frame.at_us, changed_us)
                found += [
                    f"{self.at_s(frame):6.1f} s {subject} is said {told(row.state)}: {rule.name}"
                    for rule in RULES
                    if rule.says(seen) and rule.denied(seen)
                ]
        return found

    def states(self, subject: str) -> list[tuple[float, State]]:
        """What was said of a subject, frame by frame."""
        wanted = Subject.parse(subject)
        return [
            (self.at_s(frame), row.state)
            for frame in self.frames
            for one, row in rows(frame)
            if one == wanted
        ]


def rows(frame: Snapshot) -> list[tuple[Subject, AnyRow]]:
    """All rows of a frame that have a state, by whose they are."""
    return [
        *((Subject.project(row.id), row) for row in frame.projects),
        *((Subject.target(row.id), row) for row in frame.targets),
        *((Subject.model(row.id), row) for row in frame.routes),
    ]


def told(state: State) -> str:
    """``storm 40/44, near``: all that holds."""
    held = (state, *state.others)
    return ", ".join(
        one.kind + (f" ({one.cause} {one.count}/{one.asked})" if one.kind != StateKind.OK else "")
        for one in held
    )


TAIL_S: Final = 10
"""So long is looked on after the end: what is over must be said to be over."""

Watch = Callable[[World], Coroutine[Any, Any, None]]


async def play(
    home: Path, wishes: Wishes, hands: Sequence[Hand] = (), watch: Watch | None = None
) -> Played:
    """Play a scene with an operator's ``hands``; ``watch`` runs beside it until it is over."""
    scene = wishes.story
    seconds = scene.ends_s + TAIL_S
    with World(home, home / "s", replace(wishes, seconds=seconds)) as world:
        world.start()
        await asyncio.to_thread(world.populate)
        with world.playing(populated=True):
            frames: list[Snapshot] = []
            changes_us: list[int] = []
            source = open_source("gateway", world.socket)
            beside = [asyncio.create_task(_act(source, one, changes_us)) for one in hands]
            if watch is not None:
                beside.append(asyncio.create_task(watch(world)))
            with suppress(TimeoutError, SourceGone):
                async with asyncio.timeout(seconds):
                    async for frame in _fresh(source):
                        frames.append(frame)  # noqa: PERF401 - what came stays when it ends
            for task in beside:
                if not task.done():
                    task.cancel()
            done = await asyncio.gather(*beside, return_exceptions=True)
            wrong = [one for one in done if isinstance(one, Exception)]
            await source.close()
            if wrong:
                raise wrong[0]
            report = await asyncio.to_thread(run_headless, world)
        calls, _, _ = await asyncio.to_thread(read_books, world.state, world.upstream_log)
    return Played(scene, frames, calls, report, changes_us)


async def _fresh(source: Source) -> AsyncIterator[Snapshot]:
    async for reading in source.stream():
        if reading.fresh:
            yield reading.snapshot


async def _act(source: Source, hand: Hand, changes_us: list[int]) -> None:
    await asyncio.sleep(hand.at_s)  # the scene is played in real time
    changes_us.append(time.time_ns() // 1_000)
    answer = await source.command(hand.command(), dry_run=False)
    assert answer.applied, answer
