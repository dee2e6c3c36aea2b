"""A desk over a real ledger, and what it did, for the tests of the control plane."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action, Actor, Command, Entry, Field, Role
from quotadeck.domain.layers import Layers, Slot
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.price import Price
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import NOTHING_USED, Usage
from quotadeck.gateway.control.desk import Desk
from quotadeck.gateway.control.replayer import Replayer
from quotadeck.store import Ledger
from quotadeck.words import commands as words
from tests.clocks import HandClock

HOUR_MS = 3_600_000
PRICE = Price(2_000_000, 8_000_000, 500_000, 2_000_000, "v1")
CHEAP = Price(200_000, 800_000, 50_000, 200_000, "v1")
ANALYTICS_LIMITS = {Field.RPM: 20, Field.TPM: 80_000, Field.BUDGET: 500 * NANO_PER_USD}
OPUS_LIMITS = {Field.RPM: 50, Field.TPM: 200_000}
CATALOGUE = Catalogue(
    projects={
        "analytics": Project(
            "analytics",
            "Analytics",
            limits=ANALYTICS_LIMITS,
        ),
        "search": Project("search", "Search", limits={Field.RPM: 640}),
    },
    upstreams={"main": Upstream("main", "http://127.0.0.1:9", "secret")},
    targets={
        "main/opus": Target("main/opus", "main", "opus", PRICE, limits=OPUS_LIMITS),
        "main/flash": Target("main/flash", "main", "flash", CHEAP),
    },
    routes={"opus": Route("opus", ("main/opus", "main/flash"))},
)
ADA = Actor("ada", Role.ADMIN, "socket")
MIKA = Actor("mika", Role.OPERATOR, "socket")
KEY = ProjectKey("a" * 64, ("analytics",), "prod")

ANALYTICS = Subject.project("analytics")
PAUSE = Command(Action.PAUSE, ANALYTICS, reason="batch bug", for_ms=HOUR_MS)
RESUME = Command(Action.RESUME, ANALYTICS)
RAISE = Command(
    Action.LIMIT,
    ANALYTICS,
    Field.RPM,
    40,
    reason="orders import",
    for_ms=HOUR_MS,
)
KEY_ADD = Command(Action.KEY_ADD, Subject.key("k_prod"), value=KEY)


@dataclass
class Bench:
    """A desk at work. ``changes`` are the slots whose values it had re-read, in order."""

    ledger: Ledger
    desk: Desk
    clock: HandClock
    changes: list[tuple[Slot, ...]] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    async def does(self, command: Command, actor: Actor = MIKA) -> CommandAnswer:
        answer = await self.desk.submit(command, actor, dry_run=False)
        assert answer.applied, answer
        return answer

    async def entries(self) -> list[Entry]:
        """The whole command log in its order."""
        return (await self.desk.log.page(before_seq=2**62, limit=1_000, subject=""))[::-1]

    def rpm(self) -> object:
        return self.desk.layers.in_force(ANALYTICS, Field.RPM, self.clock.wall_us()).value

    def paused(self) -> bool:
        now_us = self.clock.wall_us()
        return self.desk.layers.in_force(ANALYTICS, Field.PAUSED, now_us).value is True


@asynccontextmanager
async def bench(directory: Path, clock: HandClock | None = None) -> AsyncIterator[Bench]:
    """A desk over the ledger in ``directory``, as after a start of the gateway."""
    clock = clock or HandClock()
    ledger = await Ledger.open(directory, clock)
    changes: list[tuple[Slot, ...]] = []
    told: list[Event] = []

    async def changed(layers: Layers, slots: tuple[Slot, ...]) -> None:
        changes.append(slots)

    def tell(event: Event) -> None:
        told.append(event)
        ledger.event(event)

    replayer = Replayer(directory, patience_s=60)  # however busy the machine
    try:
        desk = Desk(ledger, CATALOGUE, clock, changed, tell, replayer)
        yield Bench(ledger, desk, clock, changes, told)
    finally:
        await replayer.close()
        await ledger.close()


def why(told: CommandAnswer | Entry) -> str:
    """The refusal in words; empty where it was none."""
    return words.refusal(told.refused) if told.refused else ""


def code(told: CommandAnswer | Entry) -> str:
    return told.refused.code if told.refused else ""


def with_key(command: Command, key: str) -> Command:
    return replace(command, idempotency_key=key)


def undo(answer: CommandAnswer) -> Command:
    return Command(Action.UNDO, Subject.command(answer.command_id))


def call(number: int, at_us: int, project: str = "analytics", **changes: object) -> Call:
    """A call of 90 input and 10 output tokens for 260,000 nano-dollars, or as changed."""
    whole = Call(
        id=f"req_{project}_{number}",
        at_us=at_us,
        day="2026-11-24",
        project=project,
        key_id="k",
        priority=1,
        model="opus",
        outcome=Outcome.OK,
        cause=Cause.NONE,
        http_status=200,
        target="main/opus",
        usage=Usage(90, 0, 10),
        cost_nano_usd=260_000,
        total_ms=900,
    )
    return whole._replace(**changes)  # type: ignore[arg-type]


def refusal(number: int, at_us: int, count: int, cause: Cause = Cause.RPM) -> Call:
    return call(
        number,
        at_us,
        outcome=Outcome.REFUSED,
        cause=cause,
        http_status=429,
        count=count,
        usage=NOTHING_USED,
        cost_nano_usd=0,
    )
