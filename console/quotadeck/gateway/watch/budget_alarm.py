"""Budgets on their way out, noticed as money is spent and refused, and put on record."""

from collections.abc import Callable

from quotadeck.domain.calls import Call
from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import notice
from quotadeck.domain.refusals import BudgetSpent
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.plan import Plan

BUDGET_STEPS_PERCENT = (80, 90, 100)


class BudgetAlarm:
    """Each step of a project's budget is told once a day, and once that a request found too little.

    ``spent_nano`` gives what is settled of a budget's day, by the budget's key and the day.
    """

    def __init__(
        self,
        plan: Callable[[], Plan],
        spent_nano: Callable[[str, str], int],
        clock: Clock,
        tell: Callable[[Event], None],
    ) -> None:
        self._plan = plan
        self._spent_nano = spent_nano
        self._clock = clock
        self._tell = tell
        self._steps: dict[str, tuple[str, int]] = {}
        self._dry: dict[str, str] = {}

    def ended(self, call: Call) -> None:
        """Look at what is settled of the call's day, against the budget in force."""
        project, day = call.project, call.day
        budget = self._plan().projects[project].budget
        if not budget.value:
            return
        percent = self._spent_nano(budget.key, day) * 100 // budget.value
        if percent < BUDGET_STEPS_PERCENT[0]:
            return
        reached = max(step for step in BUDGET_STEPS_PERCENT if percent >= step)
        told_day, told = self._steps.get(project, ("", 0))
        if told_day == day and told >= reached:
            return
        self._steps[project] = (day, reached)
        self._event(project, day, reached, "budget.step", reached_percent=reached)

    def refused(self, it: RefusedRequest) -> None:
        """What is left of the day's money did not cover a request."""
        if not isinstance(it.refusal, BudgetSpent):
            return
        project, day = it.project, it.refusal.day
        if self._dry.get(project) != day:
            self._dry[project] = day
            self._event(project, day, "dry", "budget.dry")

    def _event(self, project: str, day: str, what: object, kind: str, **facts: int) -> None:
        # By what it says: told again by the next process, it is still the same one.
        event_id = f"evt_budget_{project}_{day}_{what}"
        told = notice(kind, project=project, **facts)
        self._tell(Event(event_id, self._clock.wall_us(), str(Subject.project(project)), told))
