"""A whole gateway, over a real ledger and without its sockets, through minutes of busy traffic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from quotadeck.admission.admit import admit
from quotadeck.admission.size import Size
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.calls import OpenCall
from quotadeck.domain.catalogue import Catalogue, Project, Route, Target
from quotadeck.domain.commands import Actor, Command, Field, Role
from quotadeck.domain.limits import Priority
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.refusals import Refusal
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.flight import Flight
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lanes import lane_of
from quotadeck.gateway.process.assembly import Gateway, _assemble
from quotadeck.gateway.upstream.failures import FAILED, Failure
from quotadeck.store import Ledger
from quotadeck.wire.config import GatewayConfig
from tests.clocks import HandClock
from tests.gateway.values import CHAT, FLASH, OPUS, PRICE, UPSTREAM, request

ADA = Actor("ada", Role.ADMIN, "socket")
FIELD = Catalogue(
    projects={
        "batch": Project("batch", "Batch", Priority.LOW, limits={Field.RPM: 30, Field.TPM: 9_000}),
        "chat": Project(
            "chat",
            "Chat",
            Priority.HIGH,
            "Asia/Tokyo",
            {Field.CONCURRENCY: 9, Field.RPM: 600, Field.BUDGET: NANO_PER_USD // 5},
        ),
        "idle": Project("idle", "Idle", limits={Field.RPM: 5}),
        "lab": Project("lab", "Lab", zone="Asia/Kolkata"),
    },
    upstreams={"main": UPSTREAM},
    targets={
        FLASH: Target(FLASH, "main", "flash-2.5", PRICE, {Field.RPM: 300}),
        OPUS: Target(OPUS, "main", "opus-4.7", PRICE),
    },
    routes={"flash": Route("flash", (FLASH,)), "opus": Route("opus", (OPUS, FLASH))},
)


def config_of(state: Path, field_of: Catalogue = FIELD) -> GatewayConfig:
    return GatewayConfig(
        name="night",
        listen_host="127.0.0.1",
        listen_port=0,
        socket=state / "s",
        state=state,
        socket_group=None,
        roles={},
        catalogue=field_of,
        request_window_s=10,
        token_window_s=60,
        body_limit_bytes=100_000,
    )


@dataclass
class Shift:
    """``fails`` is the share of requests that the upstream fails, by its target."""

    gateway: Gateway
    clock: HandClock
    random: Random
    fails: dict[str, float] = field(default_factory=dict)
    under_way: list[tuple[int, Flight]] = field(default_factory=list)

    def open_calls(self) -> list[OpenCall]:
        return [flight.open for flight in self.gateway.flights.under_way.values()]

    async def does(self, action: str, subject: Any, **asked: Any) -> None:
        """A command of an admin."""
        command = Command(action, subject, reason="a test", **asked)
        answer = await self.gateway.desk.submit(command, ADA, dry_run=False)
        assert answer.applied, answer

    async def ask(self, project: str, model: str, takes_ms: int) -> None:
        """A request that is refused, or ends so much later."""
        calls, flights = self.gateway.data_plane.calls, self.gateway.flights
        arrival, caller, ask = flights.arrival(), Caller("k", project), request()
        try:
            lane = lane_of(calls.plan(), project, model, OPENAI, CHAT)
            ticket = await admit(
                calls.limiter,
                calls.days,
                lane.stops[0].prepared,
                arrival.id,
                Size(100, 60, 800_000, False),
                now_us=flights.wall_us(),
                ttl_ms=3_600_000,
            )
        except Refusal as refusal:
            calls.refusals.tell(OPENAI, arrival, caller, ask, refusal)
            return
        flight = await flights.begin(arrival, caller, lane, ask, ticket)
        self.under_way.append((self.clock.wall_us() + takes_ms * 1_000, flight))

    async def run(self, ms: int) -> None:
        """Time passes, and what was to end by then ends at its instant."""
        until_us = self.clock.wall_us() + ms * 1_000
        for end_us, flight in sorted(self.under_way, key=lambda one: one[0]):
            if end_us > until_us:
                break
            self.clock.advance_ns((end_us - self.clock.wall_us()) * 1_000)
            self.under_way.remove((end_us, flight))
            failure: Failure | None = None
            if self.random.random() < self.fails.get(flight.open.target, 0):
                failure = FAILED
            usage = None if failure else Usage(self.random.randrange(80, 100), 0, 40)
            await self.gateway.flights.end(flight, failure, usage)
        self.clock.advance_ns((until_us - self.clock.wall_us()) * 1_000)

    async def second(self, rate: dict[tuple[str, str], float]) -> None:
        """A second of traffic at so many requests a second, by project and model."""
        asks = sorted(
            (self.random.randrange(990), project, model)
            for (project, model), each in rate.items()
            for _ in range(int(each) + (self.random.random() < each % 1))
        )
        now_ms = 0
        for at_ms, project, model in asks:
            await self.run(at_ms - now_ms)
            now_ms = at_ms
            await self.ask(project, model, self.random.choice((40, 300, 1_200, 9_000)))
        await self.run(999 - now_ms)

    async def tick(self) -> None:
        """The second is over."""
        await self.run(1)
        await self.gateway.desk.tick()
        await self.gateway.second()

    async def now(self) -> Snapshot:
        """The live picture, when what the ledger was asked for it has come."""
        await self.gateway.live.snapshot()
        while reading := self.gateway.data_plane.calls.days._reading:
            await asyncio.wait(set(reading.values()))
            await asyncio.sleep(0)
        return await self.gateway.live.snapshot()


@asynccontextmanager
async def shift(state: Path, field_of: Catalogue = FIELD, seed: int = 1) -> AsyncIterator[Shift]:
    """It begins at 2026-11-24T14:58:01Z: a day ends in Tokyo within two minutes."""
    clock = HandClock(1_795_532_281_000_000)
    ledger = await Ledger.open(state, clock)
    gateway = await _assemble(config_of(state, field_of), clock, ledger)
    try:
        yield Shift(gateway, clock, Random(seed))
    finally:
        await gateway.close()
