"""The traffic: every project of the cast sends on its own schedule, in bounded numbers."""

import asyncio
import heapq
import math
import random
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from quotadeck.sim.caller import TIMEOUT, call
from quotadeck.sim.characters import Character, Habit
from quotadeck.sim.lifetime import Lifetime, say
from quotadeck.sim.prompts import Prompts
from quotadeck.sim.tally import Fate, Outcome, Tally, total

MAX_IN_FLIGHT = 512
DRAIN_S = 10.0
POLITE_TRIES = 3
LONGEST_WAIT_S = 60.0
"""Told to wait longer than this, an application gives the request up."""
FIRST_BACKOFF_S = 0.5
CUT = Outcome(Fate.FAILED, "cut")


@dataclass(frozen=True, slots=True)
class TrafficOptions:
    """How the traffic is run; the names are those of the command line."""

    gateway: str
    keys: dict[str, str]
    rate: float = 1.0
    seed: int = 0
    seconds: float | None = None


@dataclass(slots=True)
class Lane:
    """One project's traffic."""

    character: Character
    key: str
    dice: random.Random
    limit: int
    number: int = 0
    in_flight: int = 0
    tally: Tally = field(default_factory=Tally)


class Traffic:
    """Sends until its lifetime ends. What is sent comes from the seed; when, from the clock."""

    def __init__(
        self,
        options: TrafficOptions,
        cast: tuple[Character, ...],
        session: aiohttp.ClientSession,
        lifetime: Lifetime,
    ) -> None:
        self._options = options
        self._url = options.gateway.rstrip("/") + "/chat/completions"
        self._session = session
        self._lifetime = lifetime
        self._prompts = Prompts(options.seed)
        self._under_way: set[asyncio.Task[None]] = set()
        self._lanes = [
            Lane(
                character=character,
                key=options.keys[character.id],
                dice=random.Random(f"{options.seed}:{character.id}:arrivals"),
                limit=math.ceil(character.habit.in_flight * max(1.0, options.rate)),
            )
            for character in cast
        ]

    async def send(self) -> None:
        """Start requests as they fall due, until the lifetime ends."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        due = [(self._gap_s(lane, 0.0), index) for index, lane in enumerate(self._lanes)]
        heapq.heapify(due)
        while not self._lifetime.ended.is_set():
            at_s, index = due[0]
            wait_s = began_s + at_s - loop.time()
            if wait_s > 0:
                await self._ended_within(wait_s)
                continue
            lane = self._lanes[index]
            self._start(lane)
            heapq.heapreplace(due, (at_s + self._gap_s(lane, at_s), index))

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
        tallies = {lane.character.id: lane.tally for lane in self._lanes}
        return {
            **_row(total(tallies.values())),
            "by_project": {k: _row(v) for k, v in tallies.items()},
        }

    def _gap_s(self, lane: Lane, at_s: float) -> float:
        """Arrivals are a Poisson process whose rate depends on the schedule's own time."""
        rate = self._options.rate * _rate_per_s(lane.character.habit, at_s)
        return lane.dice.expovariate(rate)

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
    options: TrafficOptions, cast: tuple[Character, ...], lifetime: Lifetime
) -> int:
    """Send until told to stop, wait for the rest, and print the counts."""
    if options.seconds is not None:
        asyncio.get_running_loop().call_later(options.seconds, lifetime.ended.set)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
        traffic = Traffic(options, cast, session, lifetime)
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
