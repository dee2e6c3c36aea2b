"""Refusals told to the live picture: who refused, and whether a wait heals it."""

from collections.abc import Callable
from dataclasses import dataclass

from quotadeck.domain.refusals import BudgetSpent, LimitReached, gate_of
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.watch.live import Live


@dataclass(frozen=True, slots=True)
class RefusedPicture:
    """``spent_nano`` gives what is settled of a budget's day, by the budget's key and the day."""

    live: Live
    spent_nano: Callable[[str, str], int]

    def refused(self, it: RefusedRequest) -> None:
        """It counts for its project; a stranger's is in nobody's row, and counted apart."""
        if it.caller is None:
            self.live.refused_stranger()
            return
        refusal, project = it.refusal, it.project
        self.live.refused(
            project,
            it.model,
            refusal.cause,
            gate_of(refusal, project),
            wait_ms=(refusal.wait_ms or 0) if isinstance(refusal, LimitReached) else 0,
            money_held=isinstance(refusal, BudgetSpent) and self._held(it, refusal),
        )

    def _held(self, it: RefusedRequest, refusal: BudgetSpent) -> bool:
        """Whether only money that is held was in the way, which may come back."""
        spent_nano = self.spent_nano(it.plan.projects[it.project].budget.key, refusal.day)
        return spent_nano + refusal.bound_nano <= refusal.budget_nano
