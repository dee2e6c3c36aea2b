"""Which calendar day's money a project spends now: the one answer, for admission and screen."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

from quotadeck.admission.planned import ProjectPlan
from quotadeck.domain.days import day_at
from quotadeck.domain.limits import BudgetLimit
from quotadeck.domain.refusals import LedgerUnavailable
from quotadeck.domain.rules import LimitKind, bucket_key
from quotadeck.domain.subject import Subject
from quotadeck.limiter import Limiter, Money

NO_BUDGET_NANO: Final = 1 << 62
"""Nano-dollars a day that no project spends; SQLite's integers hold it."""
_NO_MONEY: Final = Money()
PATIENCE_S: Final = 2.0
"""How long a request waits for the ledger to tell what was spent on its day."""


class Spent(NamedTuple):
    """A project's day, and its money in nano-dollars: 0 where it is not ``known`` yet."""

    plan: ProjectPlan
    day: BudgetLimit
    spent_nano: int
    held_nano: int
    known: bool


class BudgetDays:
    """Each project's day, worked out once and not per request.

    ``spent_on`` asks the ledger for all that is settled by project and its day, in nano-dollars; it
    raises LedgerUnavailable where that cannot be read.
    """

    def __init__(
        self,
        limiter: Limiter,
        spent_on: Callable[[Mapping[str, str]], Awaitable[Mapping[str, int]]],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._limiter = limiter
        self._spent_on = spent_on
        self._patience_s = patience_s
        self._today: dict[str, BudgetLimit] = {}
        self._reading: dict[tuple[str, str], asyncio.Task[str]] = {}

    def limit(self, project: ProjectPlan, now_us: int) -> BudgetLimit:
        """The budget of the day that ``now_us`` falls on, wherever the wall clock came from.

        Without a budget it is one that nothing reaches, so that a budget set later in the day
        knows what was spent before.
        """
        known = self._today.get(project.project.id)
        nano = NO_BUDGET_NANO if project.budget.value is None else project.budget.value
        if known and known.starts_at_us <= now_us < known.ends_at_us and known.nano_usd == nano:
            return known
        day = day_at(now_us, project.project.zone)
        fresh = BudgetLimit(nano, day.name, day.end_us, day.start_us)
        self._today[project.project.id] = fresh
        return fresh

    async def spent(self, plans: Sequence[ProjectPlan], now_us: int) -> list[Spent]:
        """What each project has spent of its day; what is not known is looked up meanwhile."""
        today = [(plan, self.limit(plan, now_us)) for plan in plans]
        money = await self._limiter.money({plan.budget.key: day.day for plan, day in today})
        self.look_up(
            {plan.project.id: day.day for plan, day in today if plan.budget.key not in money}
        )
        return [
            Spent(
                plan,
                day,
                money.get(plan.budget.key, _NO_MONEY).spent_nano,
                money.get(plan.budget.key, _NO_MONEY).held_nano,
                plan.budget.key in money,
            )
            for plan, day in today
        ]

    async def learn(self, project: str, day: str) -> None:
        """Tell the limiter what was spent on a day that it does not know.

        Raises LedgerUnavailable where the ledger cannot say: no budget is given out unread.
        """
        self.look_up({project: day})
        if why := await asyncio.shield(self._reading[project, day]):
            raise LedgerUnavailable(why)

    def look_up(self, days: Mapping[str, str]) -> None:
        """Begin to read what was spent on such days, by project, where that has not begun."""
        asked = {item: day for item, day in days.items() if (item, day) not in self._reading}
        if not asked:
            return
        reading = asyncio.create_task(self._read(asked))
        self._reading |= dict.fromkeys(asked.items(), reading)
        reading.add_done_callback(lambda _: [self._reading.pop(item) for item in asked.items()])

    async def _read(self, days: Mapping[str, str]) -> str:
        """Why it failed; empty when it did not.

        Nothing is settled on an unknown day meanwhile: one with money held is never forgotten.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                spent = await self._spent_on(days)
        except TimeoutError:
            return "the ledger does not tell what this day has spent"
        except LedgerUnavailable as unavailable:
            return unavailable.why
        await self._limiter.restore_spent(
            {budget_key(project): {day: spent[project]} for project, day in days.items()}
        )
        return ""


def budget_key(project: str) -> str:
    """The bucket of a project's money."""
    return bucket_key(Subject.project(project), LimitKind.BUDGET)
