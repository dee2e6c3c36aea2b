"""A gateway's traffic on record: real admission, real limiter, real ledger, a clock of ours.

Requests come and end at whole microseconds, as the ledger has them; so a replay can be exact.
"""

import heapq
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from quotadeck.admission.admit import admit
from quotadeck.admission.days import BudgetDays, budget_key
from quotadeck.admission.prepared import prepare
from quotadeck.admission.size import Size
from quotadeck.backtest.asked import UnderWay
from quotadeck.backtest.records import Records
from quotadeck.backtest.run import Verdicts, replay
from quotadeck.backtest.sharing import sharing
from quotadeck.backtest.terms import File, Terms
from quotadeck.backtest.trace import read
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.cause import Cause
from quotadeck.domain.days import day_at
from quotadeck.domain.layers import Layers
from quotadeck.domain.price import cost_nano
from quotadeck.domain.refusals import Refusal
from quotadeck.domain.rules import Used, Windows
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.gateway.plan import Plan, compile_plan, file_layer
from quotadeck.gateway.watch.levels import LevelKeeper
from quotadeck.limiter import MemoryLimiter
from quotadeck.limiter.at_once import complete
from quotadeck.store import Ledger
from quotadeck.store import file_layer as on_record
from quotadeck.store.places import ledger_file
from quotadeck.store.sqlite.schema import reading_uri
from tests.clocks import HandClock

WINDOWS = Windows()
_NEVER_US = 1 << 62


class Coming(NamedTuple):
    """A request to come: ``after_us`` the one before it, to last ``ms``."""

    after_us: int
    project: str
    model: str
    input_tokens: int = 100
    output_tokens: int = 50
    used_input: int = 90
    used_output: int = 20
    ms: int = 800
    key: str = "k"
    retry: int = 0
    name: str = ""


@dataclass
class Recorder:
    """What a gateway does with requests, without its sockets."""

    ledger: Ledger
    catalogue: Catalogue
    clock: HandClock
    decided: list[str] = field(default_factory=list)
    """Of each request in its order: empty where it was admitted, else the bucket."""

    came: list[tuple[int, str]] = field(default_factory=list)
    """(instant, project) of each."""

    def __post_init__(self) -> None:
        self.limiter = MemoryLimiter(self.clock)
        self.levels = LevelKeeper(self.ledger, self.limiter, self.clock)
        self.days = BudgetDays(self.limiter, self._spent_on)
        layers = Layers(file_layer(self.catalogue))
        self.plan: Plan = compile_plan(self.catalogue, layers, WINDOWS, self.clock.wall_us())
        self._ends: list[tuple[int, int, Call]] = []
        self._number = 0
        content = on_record(self.catalogue, request_window_s=10, token_window_s=60)
        self.ledger.catalogue(content, self.clock.wall_us())
        self._record_us = self.clock.wall_us() + 10_000_000

    async def _spent_on(self, days: Mapping[str, str]) -> dict[str, int]:
        return dict.fromkeys(days, 0)

    async def begin(self) -> None:
        nothing = {budget_key(project): {"2026-11-24": 0} for project in self.catalogue.projects}
        await self.limiter.restore_spent(nothing, known_after="2026-11-20")

    async def comes(self, coming: Iterable[Coming]) -> None:
        for one in coming:
            await self.until(self.clock.wall_us() + one.after_us)
            await self._ask(one)
        await self.ledger.flushed()

    async def until(self, at_us: int) -> None:
        """Let end what ends by then, and have levels recorded every ten seconds."""
        while True:
            end_us = self._ends[0][0] if self._ends else _NEVER_US
            due_us = min(end_us, self._record_us)
            if due_us > at_us:
                break
            self._to(due_us)
            if end_us <= self._record_us:
                _, _, call = heapq.heappop(self._ends)
                await self.limiter.settle(call.id, dict(call.charged))
                self.ledger.end_call(call)
            else:
                await self.levels.record()
                self._record_us += 10_000_000
        self._to(at_us)

    def _to(self, at_us: int) -> None:
        self.clock.advance_ns((at_us - self.clock.wall_us()) * 1_000)

    async def _ask(self, one: Coming) -> None:
        self._number += 1
        self.came.append((self.clock.wall_us(), one.project))
        now_us, name = self.clock.wall_us(), f"req_{self._number}"
        project = self.plan.projects[one.project]
        target = self.plan.targets[self.plan.routes[one.model].serving]
        price = target.target.price
        prepared = prepare(project, target)
        bound = cost_nano(price, Usage(one.input_tokens, 0, one.output_tokens))
        size = Size(one.input_tokens, one.output_tokens, bound, False)
        call = Call(
            name, now_us, day_at(now_us, project.project.zone).name, one.project, one.key,
            int(project.project.priority), one.model, Outcome.OK, Cause.NONE, 200,
            client_request_id=one.name, retry=one.retry, target=target.target.id,
            estimated_input=one.input_tokens, estimated_output=one.output_tokens,
            held_nano_usd=bound,
        )  # fmt: skip
        try:
            await admit(
                self.limiter, self.days, prepared, name, size, now_us=now_us, ttl_ms=600_000
            )
        except Refusal as refusal:
            self.decided.append(refusal.gates[0].bucket)
            self.ledger.end_now(
                call._replace(
                    outcome=Outcome.REFUSED, cause=refusal.cause, http_status=429, target="",
                    binding=refusal.gates[0].bucket, wait_ms=refusal.wait_ms, gates=refusal.gates,
                )
            )  # fmt: skip
            return
        self.decided.append("")
        used = Usage(one.used_input, 0, one.used_output)
        cost = cost_nano(price, Usage(one.used_input, 0, one.used_output))
        charged = prepared.charged(Used(one.used_input, one.used_output, cost))
        call = call._replace(
            usage=used, cost_nano_usd=cost, total_ms=one.ms, charged=tuple(charged.items())
        )
        heapq.heappush(self._ends, (now_us + one.ms * 1_000, self._number, call))

    @property
    def under_way(self) -> list[UnderWay]:
        return [
            UnderWay(
                *(call.at_us, call.project, call.model, call.key_id, call.client_request_id),
                *(call.retry, call.estimated_input, call.estimated_output, call.held_nano_usd),
                call.target,
            )
            for _, _, call in self._ends
        ]


@asynccontextmanager
async def recorder(directory: Path, catalogue: Catalogue) -> AsyncIterator[Recorder]:
    clock = HandClock()
    ledger = await Ledger.open(directory, clock)
    try:
        made = Recorder(ledger, catalogue, clock)
        await made.begin()
        yield made
    finally:
        await ledger.close()


def records_of(directory: Path) -> Records:
    return Records(reading_uri(ledger_file(directory), immutable=False))


def replayed(
    directory: Path,
    since_us: int,
    until_us: int,
    changed: Iterable[Subject],
    *,
    drop_retries: bool = False,
    **values: dict[str, object],
) -> tuple[list[tuple[int, str]], Verdicts]:
    """(instant, project) of the requests in a time, and what became of them under the values."""
    with closing(records_of(directory)) as records, records.one_picture():
        file = File(records.file())
        terms = Terms(file, values)  # type: ignore[arg-type]
        callers = records.callers(0)
        shared = sharing(tuple(changed), callers, (terms,))
        trace = read(records, terms, shared, (since_us, until_us), 1.0)
    verdicts = complete(replay(trace, terms, lambda: None, drop_retries=drop_retries))
    return [(one.at_us, one.project) for one in trace.requests], verdicts
