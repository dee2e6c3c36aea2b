"""A live picture with its own limiter and clock, fed as the data plane feeds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quotadeck.admission.admit import admit, size_of
from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.prepared import prepare
from quotadeck.domain.calls import Call
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.commands import Entry
from quotadeck.domain.snapshot import ProjectRow, Vitals
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.flight import Flight, opened_of
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.watch.live import Live
from quotadeck.limiter import MemoryLimiter
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, call, lane, plan, request

HOUR_US = 3_600_000_000
ANALYTICS = Subject.project("analytics")
VITALS = Vitals("gateway", "0.1", "src_1", NOON_US)


@dataclass
class Picture:
    """A Live with its own field, limiter and clock, fed as the data plane feeds it."""

    of: Catalogue
    clock: HandClock = field(default_factory=lambda: HandClock(NOON_US))
    commands: tuple[Entry, ...] = ()
    begun: int = 0
    unserved: str = ""

    def __post_init__(self) -> None:
        self.limiter = MemoryLimiter(self.clock)
        self.days = BudgetDays(self.limiter, self.spent_on)
        self.plan: Plan = plan(self.of)
        self.live = Live(
            catalogue=self.of,
            plan=lambda: self.plan,
            limiter=self.limiter,
            days=self.days,
            clock=self.clock,
            vitals=lambda: VITALS,
            unserved=lambda: self.unserved,
        )

    async def spent_on(self, days: Mapping[str, str]) -> Mapping[str, int]:
        """The ledger: it had 7,000 nano-dollars of each project on each day."""
        return dict.fromkeys(days, 7_000)

    def command(self, *entries: Entry) -> None:
        self.plan = plan(self.of, *entries, now_us=self.clock.wall_us())

    async def begin(self, *, at_us: int | None = None) -> Flight:
        """A request of analytics for opus, admitted and dispatched."""
        asked = request(max_tokens=10)
        project, route = self.plan.projects["analytics"], self.plan.routes["opus"]
        target = self.plan.targets[route.serving]
        self.begun += 1
        now_us = self.clock.wall_us() if at_us is None else at_us
        arrival = Arrival(f"req_{self.begun}", now_us, self.clock.monotonic_ns())
        prepared = prepare(project, target)
        size = size_of(asked, prepared, Estimator())
        ticket = await admit(
            self.limiter,
            self.days,
            prepared,
            arrival.id,
            size,
            now_us=now_us,
            ttl_ms=1,
        )
        there = lane(self.plan)
        opened = opened_of(now_us, arrival, Caller("k_prod", "analytics"), there, asked, ticket)
        flight = Flight(opened, arrival, there, asked, ticket, arrival.at_ns)
        self.live.begun(flight.open, flight.arrival.at_ns)
        return flight

    async def end(self, flight: Flight, **more: Any) -> Call:
        opened = flight.open
        ended = call(id=opened.id, day=opened.day, target=opened.target, **more)
        await self.limiter.settle(opened.id, {f"{ANALYTICS}:budget": ended.cost_nano_usd})
        self.live.ended(ended)
        return ended

    async def row(self, name: str = "analytics") -> ProjectRow:
        rows = (await self.live.snapshot()).projects
        return next(row for row in rows if row.id == name)
