"""What the data plane notices by itself and puts on record: budgets and upstreams."""

from collections.abc import Callable

from quotadeck.domain.calls import Call
from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject

BUDGET_STEPS_PERCENT = (80, 90, 100)
_CALM_NS = 60_000_000_000
_TROUBLE = {
    Cause.UNREACHABLE: "upstream.unreachable",
    Cause.UPSTREAM_5XX: "upstream.fails",
    Cause.UPSTREAM_AUTH: "upstream.refuses_key",
    Cause.TIMEOUT: "upstream.slow",
    Cause.BROKEN_REPLY: "upstream.breaks",
    Cause.UPSTREAM_429: "upstream.throttles",
}


class Alarms:
    """Each thing is told once: a budget's step once a day, an upstream's trouble until it calms."""

    def __init__(self, clock: Clock, tell: Callable[[Event], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._steps: dict[str, tuple[str, int]] = {}
        self._dry: dict[str, str] = {}
        self._trouble: dict[tuple[str, Cause], int] = {}

    def spent(self, project: str, day: str, spent_nano: int, budget_nano: int | None) -> None:
        """Look at a project's settled spend against its budget."""
        if not budget_nano:
            return
        percent = spent_nano * 100 // budget_nano
        reached = max((step for step in BUDGET_STEPS_PERCENT if percent >= step), default=0)
        told_day, told = self._steps.get(project, ("", 0))
        if not reached or (told_day == day and told >= reached):
            return
        self._steps[project] = (day, reached)
        self._emit(
            f"evt_budget_{project}_{day}_{reached}",
            str(Subject.project(project)),
            notice("budget.step", project=project, reached_percent=reached),
        )

    def no_money(self, project: str, day: str) -> None:
        """A request was refused because what is left of the day's money does not cover it."""
        if self._dry.get(project) == day:
            return
        self._dry[project] = day
        self._emit(
            f"evt_budget_{project}_{day}_dry",
            str(Subject.project(project)),
            notice("budget.dry", project=project),
        )

    def ended(self, call: Call) -> None:
        """Look at how a call ended at its target."""
        kind = _TROUBLE.get(call.cause)
        if kind is None:
            return
        now_ns = self._clock.monotonic_ns()
        before = self._trouble.get((call.target, call.cause))
        self._trouble[call.target, call.cause] = now_ns
        if before is None or now_ns - before > _CALM_NS:
            self._emit(
                f"evt_upstream_{call.id}",
                str(Subject.target(call.target)),
                Notice(kind, {"target": call.target}),
            )

    def _emit(self, event_id: str, subject: str, told: Notice) -> None:
        self._tell(Event(event_id, self._clock.wall_us(), subject, told))
