"""The data plane over a real ledger, limiter and upstream client.

The server alone is missing: a test is the one who asks and gets the answer.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.dialects.base import Dialect
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.calls import Call
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.commands import Entry
from quotadeck.domain.refusals import Refusal
from quotadeck.domain.snapshot import Event, Vitals
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.exchange import Header
from quotadeck.gateway.data.call import Calls
from quotadeck.gateway.data.dataplane import DataPlane
from quotadeck.gateway.data.flights import Flights
from quotadeck.gateway.data.keys import Key, KeyRing
from quotadeck.gateway.data.lanes import Lanes
from quotadeck.gateway.data.lease_log import LeaseLog
from quotadeck.gateway.data.leases import Leases
from quotadeck.gateway.data.observers import Observers, Refusals, RefusedRequest
from quotadeck.gateway.data.turns import TurnBook
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.upstream.pool import Pool
from quotadeck.gateway.watch.live import Live
from quotadeck.limiter import BucketState, MemoryLimiter
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.gateway.provider import PATIENCE_S
from tests.gateway.values import NOON_US, body, plan

SECRET = "qk_" + "s" * 43
OTHER = "qk_" + "t" * 43
BODY_LIMIT = 200_000
VITALS = Vitals("gateway", "0.1", "src_1", NOON_US)


class Reply:
    """What a client has got so far. ``on_send`` sees each piece before, and whether it is last."""

    def __init__(self, on_send: Callable[[bytes, bool], Awaitable[None]] | None = None) -> None:
        self.status = 0
        self.sent_headers: dict[str, str] = {}
        self.body = b""
        self.whole = False
        self.on_send = on_send
        self._arrived = asyncio.Condition()
        self._gone: list[Callable[[], None]] = []

    async def has(self, data: bytes) -> None:
        """Wait until the client has been sent this."""
        async with asyncio.timeout(PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: data in self.body)

    def hang_up(self) -> None:
        """The client goes."""
        for told in self._gone:
            told()

    @property
    def error(self) -> dict[str, Any]:
        return dict(orjson.loads(self.body)["error"])

    def head(self, status: int, head: bytes) -> None:
        """An answer begins."""
        assert not self.status
        self.status = status
        lines = [line.decode().split(": ", 1) for line in head.split(b"\r\n") if line]
        self.sent_headers = {name: value for name, value in lines}  # noqa: C416

    async def piece(self, data: bytes, *, last: bool) -> None:
        """A piece of it."""
        if self.on_send:
            await self.on_send(data, last)
        self.body += data
        self.whole = last
        async with self._arrived:
            self._arrived.notify_all()

    def watch(self, gone: Callable[[], None]) -> None:
        """Have ``gone`` called where the client goes."""
        self._gone.append(gone)


class Request:
    """One request as the server would carry it: an `Exchange`.

    ``on_read`` is called where its body is asked for.
    """

    def __init__(
        self,
        reply: Reply,
        data: bytes,
        headers: Mapping[str, str],
        method: str = "POST",
        path: str = "/v1/chat/completions",
        on_read: Callable[[], None] | None = None,
        *,
        taking: bool = False,
    ) -> None:
        named = {"authorization": f"Bearer {SECRET}", **headers}
        self.method = method
        self.path = path
        self.headers: Sequence[Header] = [
            (name.encode(), value.encode()) for name, value in named.items()
        ]
        self.seat = Connections("connections", 100).come(reply.hang_up)
        self.watch = reply.watch
        self._reply = reply
        self._data = data
        self._on_read = on_read
        self.taking = taking
        """Otherwise all waits for the test."""
        self._written = set[asyncio.Task[None]]()

    @property
    def begun(self) -> bool:
        return self._reply.status != 0

    async def body(self, grow: Callable[[int], None]) -> bytes:
        if self._on_read:
            self._on_read()
        grow(len(self._data))
        return self._data

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        self._reply.head(status, head)
        await self._reply.piece(body, last=True)

    async def begin(self, status: int, head: bytes) -> None:
        self._reply.head(status, head)

    async def write(self, data: bytes) -> None:
        await self._reply.piece(data, last=False)

    def write_now(self, data: bytes) -> None:
        assert self.taking, f"{data!r} is written although nothing is taken"
        self._written.add(asyncio.create_task(self._reply.piece(data, last=False)))

    async def finish(self, data: bytes) -> None:
        await self._reply.piece(data, last=True)


@dataclass
class Rig:
    """The data plane under test, and what it did."""

    of: Catalogue
    ledger: Ledger
    clock: HandClock
    limiter: MemoryLimiter
    flights: Flights
    app: DataPlane
    live: Live
    estimator: Estimator
    plan: list[Plan]
    refused: list[Refusal]
    leases: Leases
    told: list[Event]
    ring: KeyRing
    turns: TurnBook

    async def ask(self, data: bytes | None = None, **more: Any) -> Reply:
        """One request, to its end."""
        reply, task = self.start(data, **more)
        async with asyncio.timeout(PATIENCE_S):
            await task
        return reply

    def start(
        self,
        data: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        on_send: Callable[[bytes, bool], Awaitable[None]] | None = None,
        **more: Any,
    ) -> tuple[Reply, asyncio.Task[None]]:
        """One request, under way."""
        reply = Reply(on_send)
        request = Request(reply, body() if data is None else data, headers or {}, **more)
        return reply, asyncio.create_task(self.app(request))

    def command(self, *entries: Entry) -> None:
        """Put commands in force."""
        self.plan[0] = plan(self.of, *entries)

    async def calls(self) -> list[Call]:
        """What stands in the ledger."""
        await self.ledger.flushed()
        return [call for _, call in await self.ledger.reader.calls()]

    async def call(self) -> Call:
        (one,) = await self.calls()
        return one

    async def bucket(self, key: str) -> BucketState:
        return (await self.limiter.levels([key]))[key]


@asynccontextmanager
async def rig(
    directory: Path,
    of: Catalogue,
    dialects: Sequence[Dialect] = (OPENAI,),
    lanes: Lanes | None = None,
) -> AsyncIterator[Rig]:
    clock = HandClock(NOON_US)
    ledger = await Ledger.open(directory / "state", clock)
    limiter, estimator, upstream = MemoryLimiter(clock), Estimator(), Pool()
    in_force = [plan(of)]
    refused: list[Refusal] = []

    def note(it: RefusedRequest) -> None:
        refused.append(it.refusal)

    days = BudgetDays(limiter, ledger.reader.spent_on)
    live = Live(
        catalogue=of,
        plan=lambda: in_force[0],
        limiter=limiter,
        days=days,
        clock=clock,
        vitals=lambda: VITALS,
    )
    observers = Observers(
        begun=(live.begun,), moved=(live.moved,), ended=(live.ended,), refused=(note,)
    )
    told: list[Event] = []
    turns = TurnBook(limiter, clock)
    leases = Leases(
        lambda: in_force[0],
        limiter,
        days,
        clock,
        LeaseLog(clock, told.append),
        ledger.end_now,
        turns,
    )
    flights = Flights(limiter, ledger, estimator, clock, observers)
    calls = Calls(
        lambda: in_force[0],
        limiter,
        days,
        estimator,
        flights,
        Lanes() if lanes is None else lanes,
        upstream,
        Refusals(lambda: in_force[0], observers.refused),
        BODY_LIMIT,
        turns,
        leases,
    )
    keys = {SECRET: Key("k_prod", ("analytics", "search")), OTHER: Key("k_batch", ("analytics",))}
    ring = KeyRing({sha256(secret.encode()).hexdigest(): key for secret, key in keys.items()})
    app = DataPlane(calls, lambda: in_force[0], lambda: ring, NOON_US // 1_000_000, dialects)
    try:
        yield Rig(
            of,
            ledger,
            clock,
            limiter,
            flights,
            app,
            live,
            estimator,
            in_force,
            refused,
            leases,
            told,
            ring,
            turns,
        )
    finally:
        await upstream.close()
        await ledger.close()
