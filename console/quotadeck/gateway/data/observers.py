"""What the data plane tells of its requests, and to whom: the live picture, alarms, the record."""

from collections.abc import Callable
from dataclasses import dataclass

from quotadeck.admission.planned import ProjectPlan
from quotadeck.dialects.openai.errors import error_reply
from quotadeck.dialects.openai.request import ChatRequest
from quotadeck.domain.calls import Call
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import BudgetSpent, LimitReached, Refusal, UnknownModel, gate_of
from quotadeck.gateway.data.flight import Arrival, Flight
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.watch.alarms import Alarms
from quotadeck.gateway.watch.live import Live
from quotadeck.gateway.watch.refusal_log import RefusalLog


@dataclass(frozen=True, slots=True)
class Observers:
    """Its methods are the data plane's callbacks."""

    plan: Callable[[], Plan]
    live: Live
    alarms: Alarms
    refusals: RefusalLog
    spent_nano: Callable[[str, str], int]
    """What is settled of a budget's day, by the budget's key and the day."""

    def begun(self, flight: Flight) -> None:
        """A request was dispatched."""
        self.live.begun(flight)

    def ended(self, _: Flight, call: Call) -> None:
        """A dispatched request ended."""
        self.live.ended(call)
        self.alarms.ended(call)
        project = self.plan().projects[call.project]
        spent_nano = self.spent_nano(project.budget.key, call.day)
        self.alarms.spent(call.project, call.day, spent_nano, project.budget.value)

    def refused(
        self,
        arrival: Arrival,
        caller: Caller,
        at: Plan,
        request: ChatRequest | None,
        refusal: Refusal,
    ) -> None:
        """A request was refused by us; ``request`` is None where it was not read."""
        if refusal.cause is Cause.NONE:
            return
        if isinstance(refusal, UnknownModel):
            request = None  # any text: on record it would be a model of ours
        project = at.projects[caller.project]
        self.live.refused(
            caller.project,
            request.model if request else "",
            refusal.cause,
            gate_of(refusal, caller.project),
            wait_ms=(refusal.wait_ms or 0) if isinstance(refusal, LimitReached) else 0,
            money_held=isinstance(refusal, BudgetSpent) and self._no_money(project, refusal),
        )
        self.refusals.add(
            arrival,
            caller,
            project,
            request,
            refusal,
            lambda: error_reply(refusal).status,
        )

    def _no_money(self, project: ProjectPlan, refusal: BudgetSpent) -> bool:
        """Tell of it; whether only money that is held was in the way, which may come back."""
        self.alarms.no_money(project.project.id, refusal.day)
        spent_nano = self.spent_nano(project.budget.key, refusal.day)
        return spent_nano + refusal.bound_nano <= refusal.budget_nano
