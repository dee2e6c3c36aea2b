"""Whoever waits, in all orders of what can happen: nobody waits in vain, or for somebody behind.

The waiters are played as tasks and threads are: each asks when it was woken or its sleep is over,
may be cancelled before it does, and cannot ask while its loop stands still.
"""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from quotadeck.client import Estimate, QuotaError, Reservation, SyncQuotaManager, SyncRun
from quotadeck.client.line import Waiter
from quotadeck.domain.limits import BudgetLimit, Priority, RateLimit
from quotadeck.limiter import Admitted
from quotadeck.limiter.at_once import complete
from tests.clocks import HandClock

PROJECTS = ("a", "b", "c")
LIFETIME_S = 90
NS = 10**9
MOST_ASKS = 200
"""Of one waiter at one instant: who asks more often is spinning."""
RPM = st.sampled_from((None, None, 6, 60))
TPM = st.sampled_from((None, None, 60, 600))
BUDGET = st.sampled_from((None, None, "0.000001"))
SLOTS = st.sampled_from((None, None, 1, 2))
TOKENS = st.sampled_from((0, 1, 10, 60))
COST = st.sampled_from((0, 0, 100, 400, 600, 900))


class Asleep:
    """One that waits."""

    def __init__(self) -> None:
        self.woken, self.runs, self.asks = True, True, 0
        self.until_ns = 0
        self.waiter: Waiter[Any]

    def wake(self) -> None:
        self.woken = True


class WaitingMachine(RuleBasedStateMachine):
    """Random work, and whenever it is quiet, who still waits has a reason."""

    @initialize(
        limits=st.tuples(RPM, TPM, BUDGET, SLOTS), own=st.booleans(), crowded=st.integers(0, 3)
    )
    def begin(self, limits: tuple[Any, ...], own: bool, crowded: int) -> None:
        if crowded == 3:
            self._begin((6, 60, None, None), own=False)
            # A turn is promised and about to come, and another one stands behind it.
            for project, tokens in (("c", 0), ("a", 10), ("b", 10)):
                self.ask(project, tokens, 0, Priority.MEDIUM, in_run=False)
            self._pass(9.5)
        else:
            self._begin(limits, own=own)

    def _begin(self, limits: tuple[Any, ...], own: bool) -> None:
        rpm, tpm, budget, slots = limits
        self.clock = HandClock()
        self.manager = SyncQuotaManager(
            rpm,
            tpm,
            budget,
            concurrency=slots,
            clock=self.clock,
            lifetime_s=LIFETIME_S,
        )
        self.core = self.manager._core
        if own:
            self.manager.set_project_quota("a", rpm=6, budget="0.0000008")
            self.manager.set_project_quota("b", concurrency=1, tpm=60)
        self.run: SyncRun = self.manager.run("job", budget="0.0000009", requests=6)
        self.asleep: list[Asleep] = []
        self.held: list[Reservation] = []

    @precondition(lambda self: len(self.asleep) < 8)
    @rule(
        project=st.sampled_from(PROJECTS),
        tokens=TOKENS,
        cost=COST,
        priority=st.sampled_from(Priority),
        in_run=st.booleans(),
    )
    def ask(self, project: str, tokens: int, cost: int, priority: Priority, in_run: bool) -> None:
        beyond = self.run._beyond if in_run else ()
        want = self.core.want(project, Estimate(tokens, cost_nano=cost), priority, None, beyond)
        try:
            found = self.core.admit(want)
        except QuotaError:
            return
        if found is not None:
            self.held.append(found)
            return
        one = Asleep()
        one.waiter = self.core.join(want, one.wake, lambda: one.runs)
        self.asleep.append(one)
        self._ask(one)

    def _ready(self) -> list[Asleep]:
        now_ns = self.clock.monotonic_ns()
        return [one for one in self.asleep if one.runs and (one.woken or one.until_ns <= now_ns)]

    @precondition(lambda self: self._ready())
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        self._ask(data.draw(st.sampled_from(self._ready())))

    def _ask(self, one: Asleep) -> None:
        one.woken = False
        one.asks += 1
        assert one.asks <= MOST_ASKS
        try:
            found = self.core.claim(one.waiter)
        except QuotaError:
            self._leave(one)
            return
        if isinstance(found, Reservation):
            self.held.append(found)
            self._leave(one)
        else:
            assert found > 0
            one.until_ns = self.clock.monotonic_ns() + int(found * NS) + 1

    def _leave(self, one: Asleep) -> None:
        self.core.leave(one.waiter)
        self.asleep.remove(one)

    @precondition(lambda self: self.asleep)
    @rule(data=st.data(), quiet=st.booleans())
    def cancel(self, data: st.DataObject, quiet: bool) -> None:
        self._leave(data.draw(st.sampled_from(self.asleep)))
        if quiet:
            self.is_quiet()

    @precondition(lambda self: self.asleep)
    @rule(data=st.data())
    def stop_or_start_a_loop(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.asleep))
        one.runs = not one.runs

    @precondition(lambda self: self.held)
    @rule(data=st.data(), how=st.sampled_from(("less", "as estimated", "more", "not", "forgotten")))
    def end(self, data: st.DataObject, how: str) -> None:
        one = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self._end(one, how)

    def _end(self, one: Reservation, how: str) -> None:
        if how == "as estimated":
            one.settle()
        elif how == "not":
            one.release()
        elif how != "forgotten":
            tokens, cost = one.estimate.tokens, one.estimate.cost_nano or 0
            least = how == "less"
            one.settle(
                tokens // 2 if least else tokens * 3 + 200, cost_nano=cost // 2 if least else cost
            )

    @rule(
        project=st.sampled_from(PROJECTS),
        limits=st.fixed_dictionaries(
            {},
            optional={
                "rpm": RPM,
                "concurrency": st.none() | st.integers(1, 2),
                "budget": st.none() | st.sampled_from(("0.0000003", "0.0000008")),
            },
        ),
    )
    def set_quota(self, project: str, limits: dict[str, Any]) -> None:
        self.manager.set_project_quota(project, **limits)

    @rule()
    def end_the_run(self) -> None:
        self.run.end()
        self._calm()
        assert not [one for one in self.asleep if one.runs and self._is_in_run(one)]
        self.run = self.manager.run("job", budget="0.0000009", requests=6)

    def _is_in_run(self, one: Asleep) -> bool:
        return self.run._terms in one.waiter.wants.beyond

    @rule(seconds=st.sampled_from((0.5, 2, 9.5, 40)))
    def pass_time(self, seconds: float) -> None:
        self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        """Let all ask as they are due until then, and be quiet at each instant."""
        end_ns = self.clock.monotonic_ns() + int(seconds * NS)
        self._calm()
        while True:
            next_ns = min((one.until_ns for one in self.asleep if one.runs), default=end_ns)
            self.clock.advance_ns(min(next_ns, end_ns) - self.clock.monotonic_ns())
            for one in self.asleep:
                one.asks = 0
            self._calm()
            if next_ns >= end_ns:
                return

    @rule()
    def is_quiet(self) -> None:
        """When all have asked that have a reason to, the others have one to wait."""
        self._calm()
        for one in self.asleep:
            head = one.waiter
            if one.runs and not head.gone and head.wants.project.line.head is head:
                self._has_a_reason(head)

    def _calm(self) -> None:
        while ready := self._ready():
            for one in ready:
                if one in self.asleep:
                    self._ask(one)

    def _fits(self, head: Waiter[Any]) -> bool:
        answer = self.core.limiter.look(head.wants.takes(), head.wants.priority)
        return isinstance(answer, Admitted)

    def _has_a_reason(self, head: Waiter[Any]) -> None:
        takes = head.wants.takes()
        bucket = self.core.waiting.heads.before(takes, head)
        if bucket:
            self._is_before(bucket, head, takes)
            return
        limits = {take.key: take.limit for take in takes}
        for take in takes:
            if isinstance(take.limit, BudgetLimit):
                state = complete(self.core.limiter.levels([take.key])).get(take.key)
                assert state is None or take.amount <= state.level + state.held, (
                    "it waits for what is spent"
                )
        # At a rate it waits for the instant that it was told, and may be early.
        assert isinstance(limits[head.binding], RateLimit) or not self._fits(head)

    def _is_before(self, bucket: str, head: Waiter[Any], takes: list[Any]) -> None:
        """It waits for another one, who waits for nobody in the end, and not for money."""
        seen = [head]
        while bucket:
            limit = next(take.limit for take in takes if take.key == bucket)
            assert not isinstance(limit, BudgetLimit), "another waits for money that is held"
            first = self.core.waiting.heads.first(bucket)
            assert first is not None
            assert first not in seen, "they wait for each other"
            seen.append(first)
            takes = first.wants.takes()
            bucket = self.core.waiting.heads.before(takes, first)

    def teardown(self) -> None:
        """All that is under way ends, or is overdue: soon nobody waits but whose loops stand."""
        if not hasattr(self, "core"):
            return
        for number, found in enumerate(self.held):
            if number % 4 < 3:
                self._end(found, ("less", "as estimated", "not")[number % 4])
        for _ in range(2 + len(self.asleep)):
            self._pass(LIFETIME_S + 60)
            while len(self.held) > 1:
                self.held.pop().settle(0, cost_nano=0)
        assert not [one for one in self.asleep if one.runs]
        for one in tuple(self.asleep):
            one.runs = True
        self._pass(LIFETIME_S + 60)
        for _ in range(len(self.asleep)):
            while self.held:
                self.held.pop().settle(0, cost_nano=0)
            self._pass(LIFETIME_S + 60)
        assert not self.asleep
        assert not self.core.limiter._turns.kept


class LongWaitingMachine(WaitingMachine):
    pass


TestWaitingModel = WaitingMachine.TestCase
TestWaitingModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

TestWaitingModelAtLength = pytest.mark.soak(LongWaitingMachine.TestCase)
TestWaitingModelAtLength.settings = settings(
    max_examples=3_000, stateful_step_count=50, deadline=None
)
