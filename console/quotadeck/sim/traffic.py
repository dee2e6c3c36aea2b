"""The traffic: every project of the cast sends on its own schedule, in bounded numbers."""

import asyncio
import heapq
import math
import random
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp

from quotadeck.sim.caller import TIMEOUT, call
from quotadeck.sim.characters import Character, Habit
from quotadeck.sim.lifetime import Lifetime, say
from quotadeck.sim.prompts import Prompts
from quotadeck.sim.scenes.scene import Fault, Scene, Turn
from quotadeck.sim.tally import Fate, Outcome, Tally, total

MAX_IN_FLIGHT = 512
DRAIN_S = 10.0
POLITE_TRIES = 3
LONGEST_WAIT_S = 60.0
"""Told to wait longer than this, an application gives the request up."""
FIRST_BACKOFF_S = 0.5
CUT = Outcome(Fate.FAILED, "cut")
_SILENT: Final = math.inf


@dataclass(frozen=True, slots=True)
class TrafficOptions:
    """How the traffic is run; the names are those of the command line."""

    gateway: str
    keys: dict[str, str]
    rate: float = 1.0
    seed: int = 0
    seconds: float | None = None
    upstream: str = ""
    """Where the scene's faults are put up; without it they are left out."""


@dataclass(slots=True)
class Lane:
    """One project's traffic, or that of a stranger with one of its keys."""

    name: str
    character: Character
    first: Habit
    """As it was before any turn."""
    key: str
    dice: random.Random
    limit: int
    since_s: float = 0.0
    """When it began to behave so: what grows, grows from then on."""
    number: int = 0
    in_flight: int = 0
    tally: Tally = field(default_factory=Tally)


class Traffic:
    """Sends until its lifetime ends, and plays the scene's turns and faults.

    What is sent comes from the seed; when, from the clock.
    """

    def __init__(
        self,
        options: TrafficOptions,
        cast: tuple[Character, ...],
        scene: Scene,
        session: aiohttp.ClientSession,
        lifetime: Lifetime,
    ) -> None:
        self._options = options
        self._url = options.gateway.rstrip("/") + "/chat/completions"
        self._session = session
        self._lifetime = lifetime
        self._prompts = Prompts(options.seed)
        self._under_way: set[asyncio.Task[None]] = set()
        self._faults: set[asyncio.Task[None]] = set()
        self._steps = sorted(
            (one for one in scene.steps if isinstance(one, Turn | Fault)), key=lambda one: one.at_s
        )
        by_id = {character.id: character for character in cast}
        silent = {
            one.id: replace(by_id[one.project], habit=replace(by_id[one.project].habit, per_s=0.0))
            for one in scene.strangers
            if one.project in by_id
        }
        self._lanes = [self._lane(name, one) for name, one in (by_id | silent).items()]
        self._due: list[tuple[float, int]] = []

    def _lane(self, name: str, character: Character) -> Lane:
        return Lane(
            name=name,
            character=character,
            first=character.habit,
            key=self._options.keys[name],
            dice=random.Random(f"{self._options.seed}:{name}:arrivals"),
            limit=self._limit(character.habit),
        )

    def _limit(self, habit: Habit) -> int:
        return math.ceil(habit.in_flight * max(1.0, self._options.rate))

    async def send(self) -> None:
        """Start requests as they fall due, until the lifetime ends."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        self._due = [(self._gap_s(lane, 0.0), index) for index, lane in enumerate(self._lanes)]
        heapq.heapify(self._due)
        while not self._lifetime.ended.is_set():
            at_s, index = self._due[0]
            turns = bool(self._steps) and self._steps[0].at_s <= at_s
            if turns:
                at_s = self._steps[0].at_s
            wait_s = began_s + at_s - loop.time()
            if wait_s > 0:
                await self._ended_within(min(wait_s, LONGEST_WAIT_S))
                continue
            if turns:
                self._play(self._steps.pop(0))
                continue
            lane = self._lanes[index]
            self._start(lane)
            heapq.heapreplace(self._due, (at_s + self._gap_s(lane, at_s), index))

    def _play(self, step: Turn | Fault) -> None:
        """Do what the scene says is due now."""
        if isinstance(step, Fault):
            if self._options.upstream:
                task = asyncio.create_task(self._put_up(step))
                self._faults.add(task)
                task.add_done_callback(self._faults.discard)
            return
        for index, lane in enumerate(self._lanes):
            if lane.name == step.project:
                habit = replace(lane.first, **step.habit)
                lane.character = replace(lane.character, habit=habit)
                lane.limit, lane.since_s = self._limit(habit), step.at_s
                # Else one that was all but silent would sleep through its own turn.
                due = step.at_s + self._gap_s(lane, step.at_s)
                self._due = [(due, at) if at == index else (s, at) for s, at in self._due]
                heapq.heapify(self._due)

    async def _put_up(self, fault: Fault) -> None:
        body = {
            "model": fault.model,
            "kind": fault.kind,
            "value": fault.value,
            "seconds": fault.seconds,
        }
        door = self._options.upstream.rstrip("/").removesuffix("/v1") + "/sim/faults"
        with suppress(aiohttp.ClientError, OSError):  # it has ended, and the demo with it
            async with self._session.post(door, json=body) as answer:
                answer.raise_for_status()

    async def drain(self) -> None:
        """Wait for what is under way; what is left then is cut, and counted as such."""
        done = asyncio.gather(*self._under_way, return_exceptions=True)
        cut = asyncio.create_task(self._lifetime.cut.wait())
        either: set[asyncio.Future[Any]] = {done, cut}
        await asyncio.wait(either, timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED)
        for task in (cut, *self._under_way):
            task.cancel()
        await asyncio.wait(either)

    def report(self) -> dict[str, Any]:
        """The counts, in all and by project."""
        tallies: defaultdict[str, list[Tally]] = defaultdict(list)
        for lane in self._lanes:
            tallies[lane.character.id].append(lane.tally)
        return {
            **_row(total(lane.tally for lane in self._lanes)),
            "by_project": {k: _row(total(v)) for k, v in tallies.items()},
        }

    def _gap_s(self, lane: Lane, at_s: float) -> float:
        """Arrivals are a Poisson process whose rate depends on the schedule's own time."""
        rate = self._options.rate * _rate_per_s(lane.character.habit, at_s - lane.since_s)
        return lane.dice.expovariate(rate) if rate else _SILENT

    def _start(self, lane: Lane) -> None:
        lane.number += 1
        if lane.in_flight >= lane.limit or len(self._under_way) >= MAX_IN_FLIGHT:
            return
        lane.in_flight += 1
        task = asyncio.create_task(self._job(lane, lane.number))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _job(self, lane: Lane, number: int) -> None:
        """One piece of an application's work: an attempt, and those that follow a 429."""
        body = self._prompts.body(lane.character, number)
        storm = lane.character.habit.storm_tries
        try:
            for attempt in range(1 + (storm or POLITE_TRIES - 1)):
                outcome = await self._attempt(lane, body)
                if storm and outcome.fate is Fate.REFUSED:
                    continue
                if not outcome.may_retry:
                    return
                wait_s = FIRST_BACKOFF_S * 2**attempt if outcome.wait_s is None else outcome.wait_s
                if wait_s > LONGEST_WAIT_S or await self._ended_within(wait_s):
                    return
        finally:
            lane.in_flight -= 1

    async def _attempt(self, lane: Lane, body: dict[str, Any]) -> Outcome:
        outcome = CUT
        try:
            project = lane.character.id
            outcome = await call(self._session, self._url, lane.key, project, body)
        finally:
            lane.tally.add(outcome)
        return outcome

    async def _ended_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._lifetime.ended.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def run_traffic(
    options: TrafficOptions, cast: tuple[Character, ...], scene: Scene, lifetime: Lifetime
) -> int:
    """Send until told to stop, wait for the rest, and print the counts."""
    if options.seconds is not None:
        asyncio.get_running_loop().call_later(options.seconds, lifetime.ended.set)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
        traffic = Traffic(options, cast, scene, session, lifetime)
        await traffic.send()
        await traffic.drain()
    say(traffic.report())
    return 0


def _rate_per_s(habit: Habit, at_s: float) -> float:
    grown = min(1.0, at_s / habit.grows_over_s)
    return habit.per_s * (1.0 + (habit.grows_to - 1.0) * grown)


def _row(tally: Tally) -> dict[str, Any]:
    return {
        "sent": tally.sent,
        "admitted": tally.admitted,
        "refused": dict(tally.refused),
        "failed": dict(tally.failed),
    }
