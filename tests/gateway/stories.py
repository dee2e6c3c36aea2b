"""Seeded stories of a gateway whose clocks are wrong, and a book beside it that knows better.

The gateway is the whole one, over a real ledger, without its sockets. The book is kept apart from
it: what each local day has spent, and how long each pause has really been.
"""

import asyncio
import shutil
import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from quotadeck.admission.admit import admit
from quotadeck.admission.size import Size
from quotadeck.domain.commands import Action, Command
from quotadeck.domain.refusals import BudgetSpent, LedgerUnavailable
from quotadeck.domain.snapshot import ProjectRow
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.flight import Flight
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.process.assembly import Gateway, _assemble
from quotadeck.gateway.upstream.failures import OVERDUE, Failure
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.gateway.story_setting import (
    ADA,
    BOUND_NANO,
    BUDGET_NANO,
    DAY_US,
    DAYS_OF_CHANGE,
    HOUR_US,
    PROJECTS,
    SECOND_US,
    STEPS_US,
    ZONES,
    Ender,
    Pause,
    config_of,
)
from tests.gateway.values import lane, request


class Story:
    """``wrong`` is what should never have been, in words; `tell` plays a story."""

    def __init__(self, seed: int, directory: Path) -> None:
        self.random = Random(seed)
        begin = datetime.fromisoformat(self.random.choice(DAYS_OF_CHANGE)).replace(tzinfo=UTC)
        begin += timedelta(seconds=self.random.randrange(86_400))
        self.clock = HandClock(round(begin.timestamp()) * SECOND_US)
        self.offset_us = 0
        """The wall clock's error."""
        self.days_off = False
        self.steady_us = self.clock.wall_us()
        self.mark_us = self.clock.wall_us()
        self.directory = directory
        self.lives = 0
        self.zones = {name: self.random.choice(ZONES) for name in PROJECTS}
        self.config = config_of(directory / "state-0", self.zones)
        self.spent = Counter[tuple[str, str]]()
        self.flights: list[Flight] = []
        self.pauses: list[Pause] = []
        self.told_ends = 0
        self.events_lost = False
        """Events are in SQLite alone, and some are lost where it lags minutes behind a kill -9."""
        self.lock: sqlite3.Connection | None = None
        self.wrong: list[str] = []
        self.gateway: Gateway

    async def tell(self, steps: int) -> None:
        await self.boot()
        acts = (
            (self.ask, 10),
            (self.settle, 6),
            (self.wait, 6),
            (self.step, 4),
            (self.ntp, 2),
            (self.pause, 4),
            (self.take_back, 3),
            (self.restart, 2),
            (self.lock_ledger, 1),
        )
        kinds, weights = zip(*acts, strict=True)
        try:
            for _ in range(steps):
                await self.random.choices(kinds, weights)[0]()
                await self.look()
            await self._unlock()
            await self.look()
            await self._audit()
        finally:
            await self._unlock()
            await self.gateway.close()

    # What happens

    async def ask(self) -> None:
        """A request of some project, which may cost all of its bound."""
        name = self.random.choice(PROJECTS)
        chat, flights = self.gateway.data_plane.calls, self.gateway.flights
        plan = chat.plan()
        way = lane(plan, name, "flash")
        arrival = flights.arrival()
        day = self.today(name)
        fits = self.spent[name, day] + self.held(name, day) + BOUND_NANO <= BUDGET_NANO
        try:
            ticket = await admit(
                chat.limiter,
                chat.days,
                way.stops[0].prepared,
                arrival.id,
                Size(10, 10, BOUND_NANO, False),
                now_us=flights.wall_us(),
                ttl_ms=90 * 86_400_000,
            )
        except BudgetSpent:
            if fits:
                self.wrong.append(f"{name} was refused on {day} with money left")
            return
        except LedgerUnavailable:
            if not self.lock:
                self.wrong.append(f"{name} was refused on {day} by a ledger that answers")
            return
        if not fits or ticket.budget_day != day:
            self.wrong.append(f"{name} got money on {ticket.budget_day} that {day} has not")
        flight = await flights.begin(arrival, Caller("k", name), way, request(), ticket)
        self.flights.append(flight)

    async def settle(self) -> None:
        """A request under way ends, for some of its bound, or for all of it where nobody knows."""
        if not self.flights:
            return
        flight = self.flights.pop(self.random.randrange(len(self.flights)))
        failure: Failure | None = OVERDUE
        usage: Usage | None = None
        if self.random.random() < 0.8:
            failure, usage = None, Usage(0, 0, self.random.randrange(11))
        call = await self.gateway.flights.end(flight, failure, usage)
        self.spent[call.project, flight.open.day] += call.cost_nano_usd

    async def spend(self, requests: int) -> None:
        """So many requests, one after the other."""
        for _ in range(requests):
            await self.ask()
            await self.settle()

    async def wait(self) -> None:
        """Time passes: a little, much, or up to some project's midnight."""
        ahead_us = self.random.choice((SECOND_US, 40 * SECOND_US, 600 * SECOND_US, 5 * HOUR_US, 0))
        if not ahead_us:
            zone = ZoneInfo(self.zones[self.random.choice(PROJECTS)])
            there = datetime.fromtimestamp(self.clock.wall_us() / SECOND_US, zone)
            midnight = datetime.combine(there.date() + timedelta(days=1), datetime.min.time(), zone)
            ahead_us = round(midnight.timestamp()) * SECOND_US - self.clock.wall_us()
            ahead_us += self.random.choice((-1_000, 0, 1_000))
        self.pass_us(max(1_000, ahead_us))

    async def step(self) -> None:
        """The wall clock goes wrong."""
        await self.set_wall(self.offset_us + self.random.choice(STEPS_US))

    async def ntp(self) -> None:
        """The wall clock is put right."""
        await self.set_wall(0)

    async def set_wall(self, offset_us: int) -> None:
        self.clock.set_wall(self.clock.wall_us() - self.offset_us + offset_us)
        self.offset_us = offset_us
        self.days_off |= abs(offset_us) >= 2 * DAY_US

    async def pause(self) -> None:
        name, now_us = self.random.choice(PROJECTS), self.clock.wall_us()
        span_us = self.random.choice((60 * SECOND_US, HOUR_US, 30 * HOUR_US))
        command = Command(Action.PAUSE, Subject.project(name), reason="a story")
        if timed := self.random.random() < 0.3:
            command = replace(command, until_us=now_us + span_us)
        else:
            command = replace(command, for_ms=span_us // 1_000)
        answer = await self.gateway.desk.submit(command, ADA, dry_run=False)
        assert answer.applied, answer
        steady_end_us = None if timed else self.steady_us + span_us
        self.pauses.append(Pause(name, answer.command_id, steady_end_us, now_us + span_us))

    async def take_back(self) -> None:
        """A resume, an undo of some pause, or the undo of an undo."""
        enders = [ender for pause in self.pauses for ender in pause.enders]
        undoable: list[Pause | Ender] = [*self.pauses, *enders]
        if not undoable or self.random.random() < 0.4:
            name = self.random.choice(PROJECTS)
            ended = [one for one in self.pauses if one.project == name and one.in_force]
            command = Command(Action.RESUME, Subject.project(name))
        else:
            undone: Pause | Ender = self.random.choice(undoable)
            ended = [undone] if isinstance(undone, Pause) else []
            command = Command(Action.UNDO, Subject.command(undone.command_id))
        answer = await self.gateway.desk.submit(command, ADA, dry_run=False)
        if not answer.applied:
            return
        ender = Ender(answer.command_id)
        for one in ended:
            one.enders.append(ender)
        if command.action is Action.UNDO and isinstance(undone, Ender):
            undone.living = False

    async def restart(self) -> None:
        """The process ends, orderly or by kill -9; the machine may start anew, with any clock."""
        await self._unlock()
        state, self.lives = self.config.state, self.lives + 1
        if self.random.random() < 0.5:
            following = self.directory / f"state-{self.lives}"
            if self.random.random() < 0.5:
                await self.gateway.ledger.flushed()
                self._copy_database(state)
            else:
                self.events_lost = True
            shutil.copytree(state, following, ignore=shutil.ignore_patterns("ledger.db*"))
            for path in (self.directory / "as-it-was").iterdir():
                shutil.copy(path, following / path.name)
            await self.gateway.close()
            shutil.rmtree(state)
            self.config = config_of(following, self.zones)
        else:
            await self.gateway.close()
        # What was under way is charged with all that it held.
        for flight in self.flights:
            self.spent[flight.open.project, flight.open.day] += BOUND_NANO
        self.flights.clear()
        down_us = self.random.choice((SECOND_US, 60 * SECOND_US, 7 * HOUR_US))
        self.clock.advance_ns(down_us * 1_000)
        if self.random.random() < 0.5:
            self.clock.reboot()
            await self.set_wall(self.random.choice((0, *STEPS_US)))
            self.steady_us += max(0, self.clock.wall_us() - self.mark_us)
        else:
            self.steady_us += down_us
        await self.boot()

    async def lock_ledger(self) -> None:
        """Another process keeps SQLite's lock, for some steps."""
        if self.lock:
            await self._unlock()
        else:
            lock = sqlite3.connect(self.config.state / "ledger.db", isolation_level=None, timeout=0)
            try:
                lock.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:  # the gateway's own writer has it
                lock.close()
                return
            self.lock = lock
            self._patience(0.02)

    def _patience(self, seconds: float) -> None:
        """How long requests wait for the ledger: no longer than it takes where it is locked."""
        self.gateway.data_plane.calls.days._patience_s = seconds

    # What is known beside the gateway

    def pass_us(self, us: int) -> None:
        self.clock.advance_ns(us * 1_000)
        self.steady_us += us

    def today(self, project: str) -> str:
        zone = ZoneInfo(self.zones[project])
        return datetime.fromtimestamp(self.clock.wall_us() // SECOND_US, zone).date().isoformat()

    def held(self, project: str, day: str) -> int:
        mine = [f for f in self.flights if (f.open.project, f.open.day) == (project, day)]
        return len(mine) * BOUND_NANO

    # What must hold

    async def boot(self) -> None:
        ledger = await Ledger.open(self.config.state, self.clock)
        self.gateway = await _assemble(self.config, self.clock, ledger)
        self._patience(30)
        self._copy_database(self.config.state)
        self.gateway.desk._tell_again()
        await self.look()

    def _copy_database(self, state: Path) -> None:
        """As a kill -9 may leave it: the journal runs ahead of it."""
        there = self.directory / "as-it-was"
        shutil.rmtree(there, ignore_errors=True)
        there.mkdir()
        for path in state.glob("ledger.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, there / path.name)

    async def _unlock(self) -> None:
        if self.lock:
            self.lock.close()
            self.lock = None
            self._patience(30)
            await self.gateway.ledger.flushed()

    async def look(self) -> None:
        """What the gateway does every second, and what is to be seen after it."""
        await self.gateway.desk.tick()
        await self.gateway.levels.record()
        self.mark_us = self.clock.wall_us()
        for pause in self.pauses:
            end_us, now_us = pause.steady_end_us, self.steady_us
            if end_us is None:
                end_us, now_us = pause.wall_end_us, self.clock.wall_us()
            if not pause.over and end_us <= now_us:
                self.told_ends += pause.in_force
                pause.over = True
        rows = await self._rows()
        for name in PROJECTS:
            self._compare(rows[name])

    async def _rows(self) -> dict[str, ProjectRow]:
        snapshot = self.gateway.feed._snapshot
        await snapshot()
        while not self.lock and (reading := self.gateway.data_plane.calls.days._reading):
            await asyncio.wait(set(reading.values()))
            await asyncio.sleep(0)
        return {row.id: row for row in (await snapshot()).projects}

    def _compare(self, row: ProjectRow) -> None:
        name, day = row.id, self.today(row.id)
        meant = [pause for pause in self.pauses if pause.project == name and pause.in_force]
        if row.paused != bool(meant):
            self.wrong.append(
                f"{name} is {'' if row.paused else 'not '}paused, and should not be so"
            )
        elif row.paused and meant[-1].steady_end_us is not None:
            (shown,) = (change.until_us for change in row.changes)
            left_us = (shown or 0) - self.clock.wall_us()
            if abs(left_us - (meant[-1].steady_end_us - self.steady_us)) > SECOND_US:
                self.wrong.append(f"{name}'s pause is shown to end in {left_us} µs")
        told = (row.budget.spent_nano, row.budget.held_nano)
        true = (self.spent[name, day], self.held(name, day))
        if told != true and not self.lock:
            self.wrong.append(f"{name} is shown {told} of {day}, and it is {true}")
        if sum(true) > BUDGET_NANO:
            self.wrong.append(f"{name} has {true} on {day}: more than its budget")

    async def _audit(self) -> None:
        """The ledger's own rows, and its log."""
        ledger = self.gateway.ledger
        await ledger.flushed()
        days = await ledger.reader.spent_after("")
        booked = {(name, day): nano for name, of in days.items() for day, nano in of.items()}
        calls = Counter[tuple[str, str]]()
        for _, call in await ledger.reader.calls(limit=-1):
            calls[call.project, call.day] += call.cost_nano_usd
        for key in self.spent.keys() | booked.keys():
            if booked.get(key, 0) != self.spent[key]:
                told = f"{key} has {booked.get(key, 0)} in the ledger, not {self.spent[key]}"
                self.wrong.append(told)
            # A clock that jumps for days makes calls old, and so has them deleted; their sums stay.
            if calls[key] != self.spent[key] and not self.days_off:
                self.wrong.append(f"{key} has calls of {calls[key]}, not {self.spent[key]}")
        events = [event for _, event in await ledger.reader.events(limit=-1)]
        ends = [event for event in events if event.told.kind.startswith("override.")]
        if len(ends) > self.told_ends or (len(ends) < self.told_ends and not self.events_lost):
            self.wrong.append(f"{len(ends)} ends were told of {self.told_ends}")
        recorded = [entry for entry in await ledger.reader.log() if entry.action is Action.END]
        ended = sorted(entry.ends[0] for entry in recorded)
        if len(set(ended)) != len(ended) or len(ended) != sum(one.over for one in self.pauses):
            self.wrong.append(f"{len(ended)} ends are on record")
