"""No row is ever stale: what is kept is what a picture built from nothing would show.

Seeded stories of requests, commands, ends, midnights, steps of the clock and silence are told to a
live picture; after every few steps each of its rows is compared with one built anew, and with what
a reader of the stream has made of the changes.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.prepared import prepare
from quotadeck.admission.size import Size
from quotadeck.domain.calls import Outcome
from quotadeck.domain.catalogue import Catalogue, Project
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry, Field
from quotadeck.domain.days import micros
from quotadeck.domain.limits import MICRO, Priority, RateLimit
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.snapshot import Level, Snapshot
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.flight import Flight
from quotadeck.gateway.plan import Plan, limits_of, recompile
from quotadeck.gateway.watch.levels import LevelKeeper
from quotadeck.gateway.watch.live import Live
from quotadeck.gateway.watch.rows import Rows
from quotadeck.limiter import Admitted, DayUnknown, MemoryLimiter
from quotadeck.wire.stream import Decoder, Encoder
from tests.clocks import HandClock
from tests.gateway.picture import VITALS
from tests.gateway.values import WINDOWS, call, catalogue, entry, lane, layers, plan
from tests.store import values
from tests.wire.snapshots import done

ZONES = ("UTC", "Asia/Tokyo", "America/St_Johns")
START_US = micros("2026-11-24T23:58:00Z")
STEPS = 250
LIMITS = (Field.RPM, Field.TPM, Field.BUDGET, Field.PAUSED)


def field_of(projects: int = 6) -> Catalogue:
    """Projects in three zones, some with every limit and some with none; two targets."""
    of = catalogue(target={"rpm": 600, "tpm": 900_000})
    made = {
        f"p{n}": Project(f"p{n}", f"P {n}", zone=ZONES[n % 3], limits=_limits(n))
        for n in range(projects)
    }
    return replace(of, projects=made)


def _limits(number: int) -> dict[Field, int]:
    if number == 5:
        return {}
    return {Field.RPM: 30 + number, Field.TPM: 9_000, Field.BUDGET: NANO_PER_USD // 100}


class Recorder:
    """The levels that were recorded last."""

    not_full: Mapping[str, int] = {}
    touched: Mapping[str, tuple[int, int]] = {}

    def levels(self, _: int, not_full: Mapping[str, int], touched: Any) -> None:
        self.not_full, self.touched = not_full, touched


@dataclass
class Story:
    """One gateway's life in memory, and everybody who looks at it."""

    dice: random.Random
    of: Catalogue = field(default_factory=field_of)
    clock: HandClock = field(default_factory=lambda: HandClock(START_US))
    entries: list[Entry] = field(default_factory=list)
    flights: list[Flight] = field(default_factory=list)
    acquired: list[Flight] = field(default_factory=list)
    unserved: str = ""
    deaf: bool = False
    """The ledger does not tell what a day has spent."""
    number: int = 0

    def __post_init__(self) -> None:
        self.limiter = MemoryLimiter(self.clock)
        self.days = BudgetDays(self.limiter, self.spent_on)
        self.plan: Plan = plan(self.of, now_us=self.clock.wall_us())
        self.live = Live(
            catalogue=self.of,
            plan=lambda: self.plan,
            limiter=self.limiter,
            days=self.days,
            clock=self.clock,
            vitals=lambda: VITALS,
            unserved=lambda: self.unserved,
        )
        self.recorder = Recorder()
        self.keeper = LevelKeeper(self.recorder, self.limiter, self.clock)  # type: ignore[arg-type]
        self.encoder, self.reader = Encoder(), Decoder()

    async def spent_on(self, days: Mapping[str, str]) -> Mapping[str, int]:
        if self.deaf:
            raise TimeoutError
        return dict.fromkeys(days, NANO_PER_USD // 300)

    # -- what happens ----------------------------------------------------------------------------

    async def acquire(self) -> None:
        """A request is admitted, or refused by a limit."""
        project = self.plan.projects[self.dice.choice(list(self.plan.projects))]
        route = self.plan.routes[self.dice.choice(["opus", "flash"])]
        target = self.plan.targets[route.serving]
        self.number += 1
        now_us = self.clock.wall_us()
        day = self.days.limit(project, now_us)
        cost = self.dice.randrange(NANO_PER_USD // 500)
        size = Size(self.dice.randrange(1, 3_000), 0, cost, bound_is_estimate=False)
        takes = prepare(project, target).takes_for(size, day)
        arrival = Arrival(f"req_{self.number}", now_us, self.clock.monotonic_ns())
        try:
            answer = await self.limiter.acquire(arrival.id, takes, Priority.MEDIUM, 60_000)
        except DayUnknown:
            self.days.look_up({project.project.id: day.day})
            return
        if not isinstance(answer, Admitted):
            owner, _, kind = answer.binding.rpartition(":")
            gate = Subject.parse(owner)
            cause = Cause(f"target_{kind}" if gate == Subject.target(route.serving) else kind)
            self.live.refused(
                project.project.id, route.route.model, cause, gate, answer.wait_ms or 0
            )
            return
        opened = values.opened(arrival.id, at_us=now_us, project=project.project.id)._replace(
            day=day.day, model=route.route.model, target=route.serving, takes=()
        )
        nothing: Any = None
        ticket: Any = SimpleNamespace(levels=())
        asked = lane(self.plan, project.project.id, route.route.model)
        self.acquired.append(Flight(opened, arrival, asked, nothing, ticket, 0))

    async def begin(self) -> None:
        """One that was admitted is dispatched, or has gone away meanwhile."""
        if not self.acquired:
            return await self.acquire()
        flight = self.acquired.pop(self.dice.randrange(len(self.acquired)))
        if self.dice.random() < 0.1:
            await self.limiter.release(flight.open.id)
            return None
        self.live.begun(flight.open, flight.arrival.at_ns)
        self.flights.append(flight)
        return None

    async def end(self) -> None:
        """One under way ends, well or not."""
        if not self.flights:
            return
        opened = self.flights.pop(self.dice.randrange(len(self.flights))).open
        failed = self.dice.random() < 0.2
        ended = call(
            id=opened.id,
            day=opened.day,
            project=opened.project,
            target=opened.target,
            model=opened.model,
            cost_nano_usd=self.dice.choice([0, 1_000_000]),
            total_ms=self.dice.randrange(1, 5_000),
            **({"outcome": Outcome.UPSTREAM_ERROR, "cause": Cause.UPSTREAM_429} if failed else {}),
        )
        used = {f"project:{opened.project}:budget": ended.cost_nano_usd}
        used[f"target:{opened.target}:tpm"] = self.dice.randrange(4_000) * MICRO
        await self.limiter.settle(opened.id, used)
        self.live.ended(ended)

    async def expire(self) -> None:
        """What nobody ended in time is charged."""
        lost = set(await self.limiter.expire())
        self.acquired = [one for one in self.acquired if one.open.id not in lost]
        for flight in [one for one in self.flights if one.open.id in lost]:
            self.flights.remove(flight)
            opened = flight.open
            self.live.ended(
                call(
                    id=opened.id,
                    project=opened.project,
                    target=opened.target,
                    model=opened.model,
                    outcome=Outcome.UNKNOWN,
                    cause=Cause.TIMEOUT,
                )
            )

    async def command(self) -> None:
        """A limit is changed or a pause set, for a while or for good."""
        self.number += 1
        name = self.dice.choice(LIMITS)
        subject = Subject.project(self.dice.choice(list(self.plan.projects)))
        if self.dice.random() < 0.3:
            name, subject = Field.RPM, Subject.target("main/opus")
        if self.dice.random() < 0.2:
            name, subject = Field.PAUSED, Subject.model("opus")
        value: Any = self.dice.random() < 0.7
        if name is not Field.PAUSED:
            value = self.dice.randrange(5, 100) * (1 if name is Field.RPM else 1_000_000)
        until = self.clock.wall_us() + 45_000_000 if self.dice.random() < 0.5 else None
        self.entries.append(entry(self.number, subject, name, value, until_us=until))
        await self.changed({subject})

    async def changed(self, subjects: set[Subject]) -> None:
        folded = layers(self.of, *self.entries)
        now_us = self.clock.wall_us()
        self.plan = recompile(self.plan, subjects, self.of, folded, WINDOWS, now_us)
        await self.limiter.relimit(limits_of(self.plan, subjects))
        self.live.changed(subjects)

    async def ends(self) -> None:
        """Overrides whose end was reached."""
        now_us = self.clock.wall_us()
        over = {one.subject for one in self.entries if one.until_us and one.until_us <= now_us}
        self.entries = [one for one in self.entries if not one.until_us or one.until_us > now_us]
        if over:
            await self.changed(over)

    async def wait(self) -> None:
        """Time passes: an instant, a second, minutes, hours."""
        self.clock.advance_ms(
            self.dice.choice([1, 400, 1_000, 7_300, 13_000, 23_000, 61_000, 299_999])
        )
        if self.dice.random() < 0.05:
            self.clock.advance_ms(5 * 3_600_000)

    async def step_clock(self) -> None:
        """Somebody sets the wall clock."""
        hours = self.dice.choice([-49, -25, -1, 1, 30])
        self.clock.set_wall(self.clock.wall_us() + hours * 3_600_000_000)

    async def sicken(self) -> None:
        """The ledger's health, and what it can tell."""
        self.unserved = self.dice.choice(["", "ledger"])
        self.deaf = self.dice.random() < 0.5

    async def silence(self) -> None:
        """The second's own job, with nobody listening."""
        await self.live.second()
        await self.keeper.second()

    # -- what is seen ----------------------------------------------------------------------------

    async def look(self) -> None:
        """Compare what is kept with what is built from nothing."""
        kept = await self.live.snapshot()
        anew = Rows(self.limiter, self.days, self.clock, self.live._states, self.live._flows)
        tables = await anew.read(self.plan)
        now_ns = self.clock.monotonic_ns()
        for mine, built in zip((kept.projects, kept.targets, kept.routes), tables, strict=True):
            assert list(map(_bare, mine)) == list(map(_bare, built))
            for one, other in zip(mine, built, strict=True):
                assert _same_levels(one, other, now_ns // 1_000_000), (one, other)
        self._stream(kept)
        await self.keeper.record()
        await self._levels()

    def _stream(self, kept: Snapshot) -> None:
        changes = done(self.encoder.changes(kept))
        whole = done(self.encoder.full(kept))
        if changes is None:
            self.reader.apply("snapshot", whole)
        else:
            assert self.reader.apply("changes", changes) == kept
        assert Decoder().apply("snapshot", whole) == kept

    async def _levels(self) -> None:
        """Every bucket that is not full is on record, and no other."""
        states = await self.limiter.levels(list(limits_of(self.plan)))
        expected = {
            key: state.level for key, state in states.items() if isinstance(state.limit, RateLimit)
        }
        recorded = self.recorder.not_full
        for key, level in expected.items():
            limit = states[key].limit
            assert isinstance(limit, RateLimit)
            # The part step under way at the last look is not in the record.
            assert 0 <= level - recorded.get(key, limit.capacity) <= limit.gain
        assert recorded.keys() <= expected.keys()


def _bare(row: Any) -> Any:
    """A row without its buckets' levels; a route has none."""
    if not hasattr(row, "limits"):
        return row
    return replace(row, limits=tuple(replace(one, level=None) for one in row.limits))


def _buckets(row: Any) -> list[tuple[int, Level]]:
    limits = getattr(row, "limits", ())
    return [(one.limit, one.level) for one in limits if one.level is not None]


def _same_levels(one: Any, other: Any, now_ms: int) -> bool:
    """A bucket may be told as of two instants, each rounded to a millisecond."""
    for (per_minute, mine), (_, built) in zip(_buckets(one), _buckets(other), strict=True):
        assert mine.capacity == built.capacity
        rate = per_minute * MICRO // 60_000
        levels = [min(x.capacity, x.level + rate * (now_ms - x.at_ms)) for x in (mine, built)]
        if abs(levels[0] - levels[1]) > 3 * (rate + 1) + (now_ms - min(mine.at_ms, built.at_ms)):
            return False
    return True


@pytest.mark.parametrize("seed", range(12))
async def test_no_row_is_ever_stale(seed: int) -> None:
    dice = random.Random(seed)
    it = Story(dice)
    deeds = [
        (12, it.acquire),
        (12, it.begin),
        (10, it.end),
        (2, it.expire),
        (3, it.command),
        (2, it.ends),
        (12, it.wait),
        (1, it.step_clock),
        (1, it.sicken),
        (4, it.silence),
        (14, it.look),
    ]
    told = []
    for _ in range(STEPS):
        (deed,) = dice.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])
        told.append(deed.__name__)
        try:
            await deed()
        except AssertionError as stale:
            raise AssertionError(f"after {told[-8:]}") from stale
        if dice.random() < 0.5:
            await asyncio.sleep(0)
    await it.look()
