"""What the data plane notices by itself and puts on record: budgets and upstreams."""

from collections.abc import Callable

from quotadeck.domain.calls import Call, Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.snapshot import Event, EventKind
from quotadeck.domain.subject import Subject

BUDGET_STEPS_PERCENT = (80, 90, 100)
_CALM_NS = 60_000_000_000
_TROUBLE = {
    Cause.UNREACHABLE: "cannot be reached",
    Cause.UPSTREAM_5XX: "fails",
    Cause.UPSTREAM_AUTH: "refuses the gateway's key",
    Cause.TIMEOUT: "does not answer in time",
    Cause.BROKEN_REPLY: "cuts or garbles its replies",
    Cause.UPSTREAM_429: "is rate limited by its provider",
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
        text = f"{project}: {reached}% of today's budget is spent"
        self._emit(
            f"evt_budget_{project}_{day}_{reached}",
            EventKind.BUDGET,
            str(Subject.project(project)),
            text,
        )

    def no_money(self, project: str, day: str) -> None:
        """A request was refused because what is left of the day's money does not cover it."""
        if self._dry.get(project) == day:
            return
        self._dry[project] = day
        self._emit(
            f"evt_budget_{project}_{day}_dry",
            EventKind.BUDGET,
            str(Subject.project(project)),
            f"{project}: what is left of today's budget no longer covers its requests",
        )

    def ended(self, call: Call) -> None:
        """Look at how a call ended at its target."""
        words = _TROUBLE.get(call.cause)
        if words is None:
            return
        now_ns = self._clock.monotonic_ns()
        before = self._trouble.get((call.target, call.cause))
        self._trouble[call.target, call.cause] = now_ns
        if before is None or now_ns - before > _CALM_NS:
            self._emit(
                f"evt_upstream_{call.id}",
                EventKind.UPSTREAM,
                str(Subject.target(call.target)),
                f"{call.target} {words}",
            )

    def _emit(self, event_id: str, kind: EventKind, subject: str, text: str) -> None:
        self._tell(Event(event_id, self._clock.wall_us(), kind, subject, text))
