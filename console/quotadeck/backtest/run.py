"""One replay: a trace's requests through the limiter, under some terms, with their own instants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final

from quotadeck.admission.days import BudgetDays, budget_key
from quotadeck.admission.prepared import Prepared, prepare
from quotadeck.admission.size import Size
from quotadeck.backtest.asked import Level, Request, Trace
from quotadeck.backtest.retries import Retries
from quotadeck.backtest.terms import Terms
from quotadeck.domain.bucket import refill
from quotadeck.domain.limits import RateLimit
from quotadeck.domain.price import bound_nano, cost_nano
from quotadeck.domain.rules import Measure, Used, bucket_of, rules_of
from quotadeck.domain.usage import Usage
from quotadeck.limiter import MemoryLimiter, Refused

ADMITTED: Final = ""
DROPPED: Final = "dropped"
PAUSED_PROJECT, PAUSED_MODEL, UNROUTED = "paused project", "paused model", "unrouted"
"""Verdicts on requests. Every other one is the bucket that refused it."""
_TTL_MS: Final = 86_400_000
LOOKS_EVERY: Final = 1_024


class HandClock:
    """A clock that stands where it was put: one for instants and for durations."""

    boot = ""

    def __init__(self, us: int) -> None:
        self.us = us

    def monotonic_ns(self) -> int:
        return self.us * 1_000

    def wall_us(self) -> int:
        return self.us


@dataclass(slots=True)
class Verdicts:
    """What became of each request of a trace."""

    of: list[str] = field(default_factory=list)
    cost_nano: list[int] = field(default_factory=list)
    """0 of one that was not admitted."""
    target: list[str] = field(default_factory=list)
    """Where it went, or would have."""


@dataclass(frozen=True, slots=True)
class _Lane:
    """A project's way to a model; ``verdict`` where there is none."""

    target: str
    prepared: Prepared | None
    verdict: str = ADMITTED


async def replay(
    trace: Trace, terms: Terms, look: Callable[[], None], *, drop_retries: bool = True
) -> Verdicts:
    """``look`` is called every thousand requests or so; what it raises ends the replay.

    It never suspends: see `quotadeck.limiter.at_once`.
    """
    clock = HandClock(trace.begin_us)
    limiter = MemoryLimiter(clock)
    days = BudgetDays(limiter, _nothing_to_learn)
    lanes: dict[tuple[str, ...], _Lane] = {}
    ends = await _begin(trace, terms, limiter, days)
    retries, verdicts = Retries(), Verdicts()
    acquire, settle = limiter.acquire, limiter.settle
    said, cost, where = verdicts.of, verdicts.cost_nano, verdicts.target
    for number, one in enumerate(trace.requests):
        if number % LOOKS_EVERY == LOOKS_EVERY - 1:
            look()
        at_us = one.at_us
        while ends and ends[0][0] <= at_us:
            clock.us, ended, charged = heappop(ends)
            await settle(str(ended), charged)
        clock.us = at_us
        lane = lanes.get(one[1:3])
        if lane is None:
            lane = lanes[one[1:3]] = _lane(terms, one)
        prepared = lane.prepared
        verdict, nano = lane.verdict, 0
        if drop_retries and (one.retry or one.client_id) and retries.is_one(one):
            verdict = DROPPED
        elif prepared is not None:
            size, used = one.size, one.used
            if one.target != lane.target:
                size, used = _elsewhere(one, terms, prepared)
            takes = prepared.takes_for(size, days.limit(prepared.project, at_us))
            answer = await acquire(str(number), takes, prepared.priority, _TTL_MS)
            if isinstance(answer, Refused):
                verdict = answer.binding
            else:
                nano = used.cost_nano
                left = prepared.charged(used)
                if one.unspent and one.target == lane.target:
                    left = dict.fromkeys([take.key for take in takes], 0)
                heappush(ends, (at_us + one.took_us, number, left))
                if not one.admitted:
                    retries.let_through(one)
        said.append(verdict)
        cost.append(nano)
        where.append(lane.target)
    return verdicts


async def _begin(
    trace: Trace, terms: Terms, limiter: MemoryLimiter, days: BudgetDays
) -> list[tuple[int, int, dict[str, int]]]:
    """Levels, money and what was under way, as they were; when what was under way ends."""
    levels: dict[str, tuple[int, RateLimit]] = {}
    for level in trace.levels:
        if limit := _limit_then(level, terms):
            begin_ns = trace.begin_us * 1_000
            left, _ = refill(level.level, level.at_us * 1_000, limit, begin_ns)
            levels[level.bucket] = left, limit
    await limiter.restore(levels)
    await limiter.restore_spent(
        {budget_key(project): spent for project, spent in trace.spent_nano.items()}
    )
    ends = []
    for number, one in enumerate(trace.under_way, 1):
        prepared = _lane(terms, one, paused=False).prepared
        if prepared is not None:
            takes = prepared.takes_for(one.size, days.limit(prepared.project, one.at_us))
            await limiter.hold(str(-number), takes, _TTL_MS)
            ends.append((one.at_us + one.took_us, -number, prepared.charged(one.used)))
    heapify(ends)
    return ends


def _limit_then(level: Level, terms: Terms) -> RateLimit | None:
    """What the level was measured under; None where that cannot be told."""
    subject, kind = bucket_of(level.bucket)
    rule = next((rule for rule in rules_of(subject.kind) if rule.kind == kind), None)
    if rule is None or rule.measure is not Measure.RATE or not level.limit:
        return None
    limit = terms.file.windows.limit(rule, level.limit)
    assert isinstance(limit, RateLimit)
    return limit


def _lane(terms: Terms, one: Request, *, paused: bool = True) -> _Lane:
    """In the order of `gateway.data.lanes`."""
    serving = terms.serving(one.model)
    project, target = terms.project(one.project), terms.target(serving)
    if project is None or target is None:
        return _Lane(serving, None, UNROUTED)
    if paused and one.project in terms.paused_projects:
        return _Lane(serving, None, PAUSED_PROJECT)
    if paused and one.model in terms.paused_models:
        return _Lane(serving, None, PAUSED_MODEL)
    return _Lane(serving, prepare(project, target))


def _elsewhere(one: Request, terms: Terms, prepared: Prepared) -> tuple[Size, Used]:
    """What it holds and uses at another target than its own, which has other prices.

    What failed at its own for nothing would have been served here: it uses what was estimated.
    """
    price, size, used = prepared.target.target.price, one.size, one.used
    before = terms.target(one.target)
    most_nano = bound_nano(price, size.input_tokens, size.output_tokens)
    if before is not None:
        was = bound_nano(before.target.price, size.input_tokens, size.output_tokens)
        most_nano = size.bound_nano * most_nano // was if was else size.bound_nano
    if one.failed:
        used = Used(size.input_tokens, size.output_tokens, 0)
    cost = cost_nano(
        price,
        Usage(used.input_tokens, one.cached_tokens, used.output_tokens, one.cache_write_tokens),
    )
    return size._replace(bound_nano=most_nano), used._replace(cost_nano=cost + one.fees_nano)


async def _nothing_to_learn(days: Mapping[str, str]) -> Mapping[str, int]:
    """Every day is known from the beginning."""
    return dict.fromkeys(days, 0)
