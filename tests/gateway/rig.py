"""The data plane as an ASGI application over a real ledger, limiter and upstream client.

The server alone is missing: a test is the one who receives and sends.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.domain.calls import Call
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.commands import Entry
from quotadeck.domain.refusals import Refusal
from quotadeck.domain.snapshot import Vitals
from quotadeck.gateway.connection.connections import SEAT, Connections
from quotadeck.gateway.data.asgi import App, over_asgi
from quotadeck.gateway.data.call import Calls
from quotadeck.gateway.data.dataplane import DataPlane
from quotadeck.gateway.data.flight import Flights
from quotadeck.gateway.data.keys import Key, KeyRing
from quotadeck.gateway.data.lanes import Lanes
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.upstream.client import AiohttpUpstream
from quotadeck.gateway.watch.live import Live
from quotadeck.limiter import BucketState, MemoryLimiter
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.gateway.provider import PATIENCE_S
from tests.gateway.values import NOON_US, body, plan

SECRET = "qk_" + "s" * 43
BODY_LIMIT = 200_000
VITALS = Vitals("gateway", "0.1", "src_1", NOON_US)


@dataclass
class Exchange:
    """One request as the server would carry it. ``gone`` is the client hanging up."""

    data: bytes
    headers: dict[str, str]
    method: str = "POST"
    path: str = "/v1/chat/completions"
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    messages: list[dict[str, Any]] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    on_send: Callable[[dict[str, Any]], Awaitable[None]] | None = None
    _received: bool = False

    @property
    def scope(self) -> dict[str, Any]:
        named = {"authorization": f"Bearer {SECRET}", **self.headers}
        return {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "state": {SEAT: Connections("connections", 100).come(self.gone.set)},
        }

    async def receive(self) -> dict[str, Any]:
        if not self._received:
            self._received = True
            return {"type": "http.request", "body": self.data, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if self.on_send:
            await self.on_send(message)
        self.messages.append(message)
        async with self.arrived:
            self.arrived.notify_all()

    async def has(self, data: bytes) -> None:
        """Wait until the client has been sent this."""
        async with asyncio.timeout(PATIENCE_S), self.arrived:
            await self.arrived.wait_for(lambda: data in self.body)

    @property
    def status(self) -> int:
        (start,) = [one for one in self.messages if one["type"] == "http.response.start"]
        return int(start["status"])

    @property
    def sent_headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.messages)

    @property
    def whole(self) -> bool:
        """The reply's last byte was given to the server."""
        last = self.messages[-1] if self.messages else {}
        return last.get("type") == "http.response.body" and not last.get("more_body")

    @property
    def error(self) -> dict[str, Any]:
        return dict(orjson.loads(self.body)["error"])


@dataclass
class Rig:
    """The data plane under test, and what it did."""

    of: Catalogue
    ledger: Ledger
    clock: HandClock
    limiter: MemoryLimiter
    flights: Flights
    app: App
    live: Live
    estimator: Estimator
    plan: list[Plan]
    refused: list[Refusal]

    async def ask(self, data: bytes | None = None, **more: Any) -> Exchange:
        """One request, to its end."""
        exchange = Exchange(body() if data is None else data, {}, **more)
        async with asyncio.timeout(PATIENCE_S):
            await self.app(exchange.scope, exchange.receive, exchange.send)
        return exchange

    def start(self, data: bytes | None = None, **more: Any) -> tuple[Exchange, asyncio.Task[None]]:
        """One request, under way."""
        exchange = Exchange(body() if data is None else data, {}, **more)
        task = asyncio.ensure_future(self.app(exchange.scope, exchange.receive, exchange.send))
        return exchange, task

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
async def rig(directory: Path, of: Catalogue) -> AsyncIterator[Rig]:
    clock = HandClock(NOON_US)
    ledger = await Ledger.open(directory / "state", clock)
    limiter, estimator, upstream = MemoryLimiter(clock), Estimator(), AiohttpUpstream()
    in_force = [plan(of)]
    refused: list[Refusal] = []

    def note(it: RefusedRequest) -> None:
        refused.append(it.refusal)

    days = BudgetDays(limiter, ledger.reader.spent_on)
    live = Live(of, lambda: in_force[0], limiter, days, clock, lambda: VITALS)
    flights = Flights(limiter, ledger, estimator, clock, (live.begun,), (live.ended,))
    calls = Calls(
        lambda: in_force[0],
        limiter,
        days,
        estimator,
        flights,
        Lanes(),
        upstream,
        (note,),
        BODY_LIMIT,
    )
    ring = KeyRing({sha256(SECRET.encode()).hexdigest(): Key("k_prod", ("analytics", "search"))})
    app = over_asgi(DataPlane(calls, lambda: in_force[0], lambda: ring, NOON_US // 1_000_000))
    try:
        yield Rig(of, ledger, clock, limiter, flights, app, live, estimator, in_force, refused)
    finally:
        await upstream.close()
        await ledger.close()
