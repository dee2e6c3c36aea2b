"""What applications spent of their leases elsewhere than here: booked as they tell it.

A manager's calls may go to a provider directly. They are admitted by what is leased, so they belong
into the project's limits, its budget and the ledger, as one record a model and a renewal.
"""

import os
from collections.abc import Callable, Sequence
from typing import Final

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.planned import ProjectPlan
from quotadeck.domain.bucket import refill, wait_ns
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id
from quotadeck.domain.lease_refusals import TooManyReports
from quotadeck.domain.limits import MICRO, BudgetLimit, RateLimit, Take
from quotadeck.domain.price import UNKNOWN_VERSION, cost_nano
from quotadeck.domain.refusals import BadField, LedgerUnavailable
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lease_asked import Used
from quotadeck.gateway.plan import Plan
from quotadeck.limiter import DayUnknown, Limiter

TOLD: Final = "told"
"""In the place of a price's version: what it cost was told by who spent it."""
MOST_MANAGERS: Final = 256
"""Of a key, of which it is known what they have told; the one that told longest ago makes room."""
MOST_MODELS: Final = 64
"""Told apart in a project, as applications name them as they like; the rest has no name."""
REPORTS: Final = RateLimit(per_minute=6_000, window_s=10)
"""Of a key: each is a record in the ledger."""
MOST_A_DAY: Final = 10**15
"""Of a project: its requests, tokens and nano-dollars together, of which a million dollars is all.
"""


class Elsewhere:
    """Books; ``record`` writes a call down, and raises OSError where it cannot."""

    def __init__(
        self, limiter: Limiter, days: BudgetDays, clock: Clock, record: Callable[[Call], None]
    ) -> None:
        self._limiter = limiter
        self._days = days
        self._clock = clock
        self._record = record
        self._booked: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}
        self._told: dict[str, tuple[str, int]] = {}
        self._models: dict[str, set[str]] = {}
        self._reports: dict[str, tuple[int, int]] = {}

    async def book(
        self, plan: Plan, caller: Caller, manager: str, used: Sequence[Used], number: int
    ) -> None:
        """Write down what was used, and count it, whatever is left; where a manager, by what it is
        known, tells it again, nothing. What is told without its cost has that of this gateway's own
        prices. Raises LedgerUnavailable: it may be told again then, and
        goes on behind what is on record. Raises TooManyReports, and BadField for more than a
        project can have used in a day.
        """
        of_key, whose = self._booked.setdefault(caller.key_id, {}), (caller.project, manager)
        last, done = of_key.get(whose, (0, 0))
        if number < last or (number == last and done >= len(used)):
            return
        done = done if number == last else 0
        now_us, project = self._clock.wall_us(), plan.projects[caller.project]
        budget = self._days.limit(project, now_us)
        booked = [_priced(plan, each) for each in used[done:]]
        self._within_a_day(caller.project, budget.day, [each for each, _ in booked])
        self._not_too_often(caller.key_id, len(booked))
        if of_key.pop(whose, None) is None and len(of_key) >= MOST_MANAGERS:
            del of_key[next(iter(of_key))]
        of_key[whose] = number, done
        for each, version in booked:
            each = each._replace(model=self._told_apart(caller.project, each.model))
            try:
                self._record(_call(project, caller, each, version, budget, now_us))
            except OSError as error:
                raise LedgerUnavailable(error.strerror or str(error)) from error
            done += 1
            of_key[whose] = number, done
            try:
                await self._limiter.charge(_takes(project, each, budget))
            except DayUnknown as unknown:
                # The ledger has it: what is learned from there counts it.
                await self._days.learn(caller.project, unknown.day)

    def _within_a_day(self, project: str, day: str, used: Sequence[Used]) -> None:
        """Sums over many days and projects must stay what a ledger's integers hold."""
        of, told = self._told.get(project, ("", 0))
        told = (told if of == day else 0) + sum(sum(n or 0 for n in each[1:]) for each in used)
        if told > MOST_A_DAY:
            raise BadField("used", f"comes to more than {MOST_A_DAY:,} of a day, which none can be")
        self._told[project] = day, told

    def _not_too_often(self, key_id: str, reports: int) -> None:
        now_ns = self._clock.monotonic_ns()
        level, at_ns = self._reports.get(key_id, (REPORTS.capacity, now_ns))
        level, at_ns = refill(level, at_ns, REPORTS, now_ns)
        need = reports * MICRO
        if wait := wait_ns(level, at_ns, need, REPORTS, now_ns):
            raise TooManyReports(REPORTS.per_minute, -(-wait // 1_000_000))
        self._reports[key_id] = level - need, at_ns

    def _told_apart(self, project: str, model: str) -> str:
        known = self._models.setdefault(project, set())
        if model in known or len(known) < MOST_MODELS:
            known.add(model)
            return model
        return ""


def _priced(plan: Plan, used: Used) -> tuple[Used, str]:
    """With its cost, and by which prices; the most, where a model has several. Nothing is priced as
    something else: without a price it is on record as that."""
    if used.nano_usd is not None:
        return used, TOLD
    usage = Usage(used.input_tokens, 0, used.output_tokens)
    prices = [
        each.target.price
        for each in plan.targets.values()
        if used.model in (each.target.model, each.target.id) and each.target.price.is_known
    ]
    if (route := plan.routes.get(used.model)) and route.serving in plan.targets:
        prices.append(plan.targets[route.serving].target.price)
    nano, version = max(
        [(cost_nano(price, usage), price.version) for price in prices if price.is_known],
        default=(0, UNKNOWN_VERSION),
    )
    return used._replace(nano_usd=nano), version


def _takes(plan: ProjectPlan, used: Used, budget: BudgetLimit) -> list[Take]:
    tokens = used.input_tokens + used.output_tokens
    counts = {
        LimitKind.RPM: used.requests,
        LimitKind.TPM: tokens,
        LimitKind.BUDGET: used.nano_usd or 0,
    }
    return [
        Take(each.key, counts[each.rule.kind] * (MICRO if each.limit else 1), each.limit or budget)
        for each in plan.limits
        if each.rule.kind in counts
    ]


def _call(
    plan: ProjectPlan, caller: Caller, used: Used, version: str, budget: BudgetLimit, now_us: int
) -> Call:
    return Call(
        id=new_id("req", now_us, os.urandom(10)),
        at_us=now_us,
        day=budget.day,
        project=caller.project,
        key_id=caller.key_id,
        priority=int(plan.project.priority),
        model=used.model,
        outcome=Outcome.OK,
        cause=Cause.NONE,
        http_status=200,
        count=used.requests,
        served_model=used.model,
        cost_nano_usd=used.nano_usd or 0,
        price_version=version,
        usage=Usage(used.input_tokens, 0, used.output_tokens),
        charged=tuple((take.key, take.amount) for take in _takes(plan, used, budget)),
    )
