"""What applications spent of their leases elsewhere than here: booked as they tell it.

A manager's calls may go to a provider directly. They are admitted by what is leased, so they belong
into the project's limits, its budget and the ledger, as one record a model and a renewal.
"""

import os
from collections.abc import Callable, Sequence
from typing import Final

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.planned import ProjectPlan
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id
from quotadeck.domain.limits import MICRO, BudgetLimit, Take
from quotadeck.domain.refusals import BadField, LedgerUnavailable
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lease_asked import Used
from quotadeck.limiter import DayUnknown, Limiter

TOLD: Final = "told"
"""In the place of a price's version: what it cost was told by who spent it."""
MOST_KNOWN: Final = 4_096
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
        self._booked: dict[tuple[Caller, str], tuple[int, int]] = {}
        self._told: dict[str, tuple[str, int]] = {}

    async def book(
        self, plan: ProjectPlan, caller: Caller, manager: str, used: Sequence[Used], number: int
    ) -> None:
        """Write down what was used, and count it, whatever is left; where a manager tells it again,
        nothing. Raises LedgerUnavailable: it may be told again then, and goes on behind what is on
        record. Raises BadField for more than a project can have used in a day.
        """
        whose = caller, manager
        last, done = self._booked.get(whose, (0, 0))
        if number < last or (number == last and done >= len(used)):
            return
        done = done if number == last else 0
        now_us = self._clock.wall_us()
        budget = self._days.limit(plan, now_us)
        self._within_a_day(plan.project.id, budget.day, used[done:])
        if whose not in self._booked and len(self._booked) >= MOST_KNOWN:
            del self._booked[next(iter(self._booked))]
        for each in used[done:]:
            try:
                self._record(_call(plan, caller, each, budget, now_us))
            except OSError as error:
                raise LedgerUnavailable(error.strerror or str(error)) from error
            done += 1
            self._booked[whose] = number, done
            try:
                await self._limiter.charge(_takes(plan, each, budget))
            except DayUnknown as unknown:
                # The ledger has it: what is learned from there counts it.
                await self._days.learn(plan.project.id, unknown.day)

    def _within_a_day(self, project: str, day: str, used: Sequence[Used]) -> None:
        """Sums over many days and projects must stay what a ledger's integers hold."""
        of, told = self._told.get(project, ("", 0))
        told = (told if of == day else 0) + sum(sum(each[1:]) for each in used)
        if told > MOST_A_DAY:
            raise BadField("used", f"comes to more than {MOST_A_DAY:,} of a day, which none can be")
        self._told[project] = day, told


def _takes(plan: ProjectPlan, used: Used, budget: BudgetLimit) -> list[Take]:
    tokens = used.input_tokens + used.output_tokens
    counts = {LimitKind.RPM: used.requests, LimitKind.TPM: tokens, LimitKind.BUDGET: used.nano_usd}
    return [
        Take(each.key, counts[each.rule.kind] * (MICRO if each.limit else 1), each.limit or budget)
        for each in plan.limits
        if each.rule.kind in counts
    ]


def _call(plan: ProjectPlan, caller: Caller, used: Used, budget: BudgetLimit, now_us: int) -> Call:
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
        cost_nano_usd=used.nano_usd,
        price_version=TOLD,
        usage=Usage(used.input_tokens, 0, used.output_tokens),
        charged=tuple((take.key, take.amount) for take in _takes(plan, used, budget)),
    )
