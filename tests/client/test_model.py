"""A manager beside the exact model that the limiters are held to: two projects, what they share,
lines, turns, limits that change, clocks that step."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from quotadeck.client import Estimate, QuotaError, Reservation, SyncQuotaManager
from quotadeck.client.line import Waiter
from quotadeck.domain.days import day_at
from quotadeck.domain.limits import MICRO, Priority, RateLimit
from quotadeck.limiter.at_once import complete
from tests.clocks import HandClock
from tests.limiter.exact import DayModel, RateModel

PROJECTS = ("a", "b")
LIFETIME_S = 30
REQUESTS, TOKENS = 10, 60
PER_MINUTE = st.integers(1, 5_000)
COST = st.integers(0, 400)
SIZE = st.one_of(st.integers(0, 50), st.integers(0, 20_000))


class Open:
    """A reservation that has not ended, as the model sees it."""

    def __init__(self, project: str, tokens: int, cost: int, day: str, deadline_ns: int) -> None:
        self.project, self.tokens, self.cost, self.day = project, tokens, cost, day
        self.deadline_ns = deadline_ns
        self.slots: dict[str, int] = {}
        self.rates: dict[str, int] = {}


class ManagerMachine(RuleBasedStateMachine):
    """Random work on a real manager and on the model, compared after each step."""

    @initialize(numbers=st.tuples(*[PER_MINUTE for _ in range(6)]))
    def begin(self, numbers: tuple[int, ...]) -> None:
        self.clock = HandClock()
        shared_rpm, shared_tpm, *own = numbers
        self.manager = SyncQuotaManager(
            shared_rpm,
            shared_tpm,
            "0.000005",
            REQUESTS,
            token_window=TOKENS,
            clock=self.clock,
            lifetime_s=LIFETIME_S,
        )
        self.core = self.manager._core
        self.rates: dict[str, RateModel] = {}
        self.in_force: dict[str, int | None] = {}
        self.slots: dict[str, int] = dict.fromkeys(PROJECTS, 0)
        self.days: dict[tuple[str, str], DayModel] = {}
        self.live: dict[str, Open] = {}
        self.held: dict[str, Reservation] = {}
        self.waiters: list[Waiter[Any]] = []
        self.charged = dict.fromkeys(PROJECTS, 0)
        self._rate("all:rpm", shared_rpm)
        self._rate("all:tpm", shared_tpm)
        self.in_force["all:budget"] = 5_000
        for project, rpm, tpm in zip(PROJECTS, own[::2], own[1::2], strict=True):
            self._set(project, rpm=rpm, tpm=tpm, concurrency=3, budget=2_000)

    def _rate(self, key: str, per_minute: int | None) -> None:
        self.in_force[key] = per_minute
        if per_minute is None:
            return
        limit = RateLimit(per_minute, REQUESTS if key.endswith("rpm") else TOKENS)
        known = self.rates.get(key)
        if known is None:
            now_ns = self.clock.monotonic_ns()
            self.rates[key] = RateModel(limit, Fraction(limit.capacity), now_ns, 1)
        else:
            known.relimit(limit)

    def _set(self, project: str, **limits: Any) -> None:
        self._reach_now()
        told = dict(limits)
        if limits.get("budget") is not None:
            told["budget"] = f"{limits['budget'] / 1e9:.9f}"
        self.manager.set_project_quota(project, **told)
        for name, value in limits.items():
            key = f"project:{project}:{name}"
            if name in ("rpm", "tpm"):
                self._rate(key, value)
            else:
                if name == "budget":
                    for (of, _), day in self.days.items():
                        day.bounded &= of != key
                self.in_force[key] = value

    def _reach_now(self) -> None:
        for model in self.rates.values():
            model.reach(self.clock.monotonic_ns())

    def _day(self, key: str, day: str) -> DayModel:
        return self.days.setdefault((key, day), DayModel())

    def _today(self) -> str:
        return day_at(self.clock.wall_us(), "UTC").name

    def _look_after(self) -> None:
        """As the manager does before it decides anything: what was lost is charged.

        Of the days that the limiter has forgotten nobody knows anything any more.
        """
        self._reach_now()
        for key, name in tuple(self.days):
            if not complete(self.core.limiter.money({key: name})):
                del self.days[key, name]
        now_ns = self.clock.monotonic_ns()
        if now_ns < self.core._next_look_ns:
            return
        for name in [name for name, one in self.live.items() if one.deadline_ns <= now_ns]:
            one = self.live.pop(name)
            self._end(one, one.tokens, one.cost)

    def _asked(self, project: str, tokens: int, cost: int) -> dict[str, int]:
        """What a request takes of each bucket that has a limit."""
        found = {}
        for key, value in self.in_force.items():
            if value is None or not key.startswith((f"project:{project}:", "all:")):
                continue
            kind = key.rpartition(":")[2]
            amounts = {"rpm": MICRO, "tpm": tokens * MICRO, "concurrency": 1, "budget": cost}
            found[key] = amounts[kind]
        return found

    def _room(self, key: str) -> int:
        """Of slots and money: what is left."""
        value = self.in_force[key]
        assert value is not None
        if key.endswith("concurrency"):
            return value - self.slots[key.split(":")[1]]
        day = self._day(key, self._today())
        return value - day.spent - day.held

    def _may_be_short(self, key: str, amount: int, priority: Priority) -> bool:
        """Whether the bucket cannot give so much, or is within what it may be behind."""
        model = self.rates.get(key)
        if model is None:
            return self._room(key) < amount
        need = model.need(amount, priority, shared=key.startswith("all:"))
        return model.level < need + model.behind

    def _took(
        self, found: Reservation, asked: dict[str, int], cost: int, priority: Priority
    ) -> None:
        """It was admitted: so it must fit, and the model takes as much."""
        project, today = found.project, self._today()
        one = Open(
            project,
            found.estimate.tokens,
            cost,
            today,
            self.clock.monotonic_ns() + LIFETIME_S * 10**9,
        )
        for key, amount in asked.items():
            model = self.rates.get(key)
            if model is None:
                assert self._room(key) >= amount
                if key.endswith("concurrency"):
                    one.slots[key] = amount
                continue
            shared = key.startswith("all:")
            assert model.level >= model.need(amount, priority, shared=shared)
            model.take(amount)
            one.rates[key] = amount
        # Money is counted also where a project has no budget.
        for key in (f"project:{project}:budget", "all:budget"):
            self._day(key, today).held += cost
        self.slots[project] += sum(one.slots.values())
        self.live[found.id] = one
        self.held[found.id] = found

    def _end(self, one: Open, tokens: int, cost: int) -> None:
        for key, amount in one.rates.items():
            self.rates[key].end(amount, tokens * MICRO if key.endswith("tpm") else amount)
        self.slots[one.project] -= sum(one.slots.values())
        for key in (f"project:{one.project}:budget", "all:budget"):
            day = self._day(key, one.day)
            day.held -= one.cost
            day.spent += cost
            day.bounded &= cost <= one.cost

    @rule(
        project=st.sampled_from(PROJECTS),
        tokens=SIZE,
        cost=COST,
        priority=st.sampled_from(Priority),
    )
    def acquire(self, project: str, tokens: int, cost: int, priority: Priority) -> None:
        self._look_after()
        asked = self._asked(project, tokens, cost)
        estimate = Estimate(tokens, cost_nano=cost)
        try:
            found = self.manager.acquire(project, estimate, priority, timeout=0)
        except QuotaError:
            assert self.waiters or any(
                self._may_be_short(key, amount, priority) for key, amount in asked.items()
            )
            return
        self._took(found, asked, cost, priority)

    @precondition(lambda self: len(self.waiters) < 6)
    @rule(
        project=st.sampled_from(PROJECTS),
        tokens=SIZE,
        cost=COST,
        priority=st.sampled_from(Priority),
    )
    def join(self, project: str, tokens: int, cost: int, priority: Priority) -> None:
        want = self.core.want(project, Estimate(tokens, cost_nano=cost), priority)
        self.waiters.append(self.core.join(want, lambda: None))

    @precondition(lambda self: self.waiters)
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        self._claim(data.draw(st.sampled_from(self.waiters)))

    def _claim(self, waiter: Waiter[Any]) -> float | None:
        """How long to wait still; 0 where he was served, or nothing can serve him."""
        self._look_after()
        want = waiter.wants
        try:
            found = self.core.claim(waiter)
        except QuotaError:
            self._leave(waiter)
            return 0
        if not isinstance(found, Reservation):
            return found
        assert want.project.line.head is not waiter
        self.waiters.remove(waiter)
        asked = self._asked(want.project.name, want.estimate.tokens, want.cost_nano)
        self._took(found, asked, want.cost_nano, Priority.HIGH)
        return 0

    @precondition(lambda self: self.waiters)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self._leave(data.draw(st.sampled_from(self.waiters)))

    def _leave(self, waiter: Waiter[Any]) -> None:
        self.core.leave(waiter)
        self.waiters.remove(waiter)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), share=st.floats(0, 3), paid=st.floats(0, 2))
    def settle(self, data: st.DataObject, share: float, paid: float) -> None:
        name = data.draw(st.sampled_from(sorted(self.held)))
        found = self.held.pop(name)
        tokens, cost = int(found.estimate.tokens * share), int(300 * paid)
        found.settle(tokens, cost_nano=cost)
        self._reach_now()
        self.charged[found.project] += 1
        if one := self.live.pop(name, None):
            self._end(one, tokens, cost)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.held)))
        self.held.pop(name).release()
        self._reach_now()
        if one := self.live.pop(name, None):
            for key in one.rates:
                self.rates[key].end(one.rates[key], 0)
            one.rates.clear()
            self._end(one, 0, 0)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        """Nobody has it any more."""
        name = data.draw(st.sampled_from(sorted(self.held)))
        self.charged[self.held[name].project] += 1
        one = self.live.pop(name, None)
        self._look_after()
        del self.held[name]
        self._reach_now()
        if one:
            self._end(one, one.tokens, one.cost)
        self.manager.usage_report()

    @rule(
        project=st.sampled_from(PROJECTS),
        limits=st.fixed_dictionaries(
            {},
            optional={
                "rpm": st.none() | PER_MINUTE,
                "tpm": st.none() | PER_MINUTE,
                "concurrency": st.none() | st.integers(1, 4),
                "budget": st.none() | st.integers(0, 4_000),
            },
        ),
    )
    def set_quota(self, project: str, limits: dict[str, int | None]) -> None:
        self._set(project, **limits)

    @rule(ns=st.one_of(st.integers(0, 100_000), st.integers(0, 40 * 10**9)))
    def pass_time(self, ns: int) -> None:
        self.clock.advance_ns(ns)

    @rule(days=st.integers(-3, 3))
    def step_wall_clock(self, days: int) -> None:
        self.clock.set_wall(self.clock.wall_us() + days * 86_400_000_000)

    @invariant()
    def levels_agree(self) -> None:
        if not hasattr(self, "core"):
            return
        self._look_after()
        report = {each.project: each for each in self.manager.usage_report().projects}
        states = complete(self.core.limiter.levels([*self.rates, *self.in_force]))
        for key, model in self.rates.items():
            if self.in_force[key] is not None and key in states:
                level = states[key].level
                assert level <= model.level < level + model.behind
        for (key, name), day in self.days.items():
            known = complete(self.core.limiter.money({key: name})).get(key)
            if known is not None:
                assert (known.spent_nano, known.held_nano) == (day.spent, day.held)
            value = self.in_force[key]
            assert not day.bounded or value is None or day.spent + day.held <= value
        for project in PROJECTS:
            waiting = sum(one.wants.project.name == project for one in self.waiters)
            assert report[project].waiting == waiting
            assert report[project].requests == self.charged[project]

    def teardown(self) -> None:
        """All that is open ends, and slots and money stand in nobody's way: all are served."""
        if not hasattr(self, "core"):
            return
        for name in sorted(self.held):
            self.held.pop(name).release()
        for project in PROJECTS:
            self.manager.set_project_quota(project, concurrency=None, budget=None)
        self.clock.set_wall(self.clock.wall_us() + 40 * 86_400_000_000)
        for _ in range(1_000):
            told = [(waiter, self._serve(waiter)) for waiter in tuple(self.waiters)]
            if not self.waiters:
                break
            # Who is held up by another one, or is no head, only looks again.
            sleeps = [s for one, s in told if s and one.needs_s is not None]
            self.clock.advance_ns(int(min(sleeps) * 1e9) if sleeps else 0)
        assert not self.waiters
        assert not self.core.limiter._turns.kept

    def _serve(self, waiter: Waiter[Any]) -> float | None:
        try:
            found = self.core.claim(waiter)
        except QuotaError:
            self._leave(waiter)
            return 0
        if isinstance(found, Reservation):
            self.waiters.remove(waiter)
            found.release()
            return 0
        return found


class LongManagerMachine(ManagerMachine):
    pass


TestManagerModel = ManagerMachine.TestCase
TestManagerModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)

TestManagerModelAtLength = pytest.mark.soak(LongManagerMachine.TestCase)
TestManagerModelAtLength.settings = settings(
    max_examples=2_000, stateful_step_count=50, deadline=None
)
