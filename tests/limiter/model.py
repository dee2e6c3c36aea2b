"""The machine that drives a real limiter beside one in exact fractions.

The model decides nothing about rates by itself: it checks that the real limiter, which credits
whole steps only, is never more generous than continuous refill and never behind it by more than
the part steps it dropped.
"""

from collections.abc import Coroutine
from copy import deepcopy
from fractions import Fraction
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from quotadeck.domain.limits import BudgetLimit, Limit, Priority, RateLimit, SlotLimit, Take
from quotadeck.limiter import Admitted, Levels, Limiter, Refused
from tests.clocks import HandClock
from tests.limiter.exact import DayModel, Live, RateModel

T = TypeVar("T")
SHARED = frozenset({"target:u/m:rpm", "target:u/m:tpm"})
RATES = ("project:a:rpm", "project:a:tpm", "project:a:itpm", *sorted(SHARED))
SLOTS, MONEY = "project:a:concurrency", "project:a:budget"
SHADOW = frozenset({"project:a:itpm"})
DAYS = ("2026-11-24", "2026-11-25", "2026-11-26")


class LimiterMachine(RuleBasedStateMachine):
    """Random operations on a real limiter and on the model, compared after each of them."""

    def limiter_over(self, clock: HandClock) -> Limiter:
        raise NotImplementedError

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Complete a call; one that suspends wants an override."""
        try:
            call.send(None)
        except StopIteration as done:
            result: T = done.value
            return result
        raise AssertionError("the call suspended")

    @initialize(numbers=st.tuples(*[st.integers(1, 200_000) for _ in RATES]))
    def begin(self, numbers: tuple[int, ...]) -> None:
        self.clock = HandClock()
        self.limiter = self.limiter_over(self.clock)
        now_ns = self.clock.monotonic_ns()
        self.rates = {
            key: RateModel(limit, Fraction(limit.capacity), now_ns, 1)
            for key, number in zip(RATES, numbers, strict=True)
            for limit in (RateLimit(number, 10),)
        }
        self.slots, self.in_use = 4, 0
        self.budget, self.day, self.latest = 10_000, DAYS[0], 0
        self.days = {day: DayModel() for day in DAYS}
        self.live: dict[str, Live] = {}
        self.ended: list[str] = []
        self.touched: set[str] = set()
        self.number = 0

    def _reach_now(self) -> None:
        for model in self.rates.values():
            model.reach(self.clock.monotonic_ns())

    def _limit(self, key: str) -> Limit:
        if key == SLOTS:
            return SlotLimit(self.slots)
        if key == MONEY:
            return BudgetLimit(self.budget, self.day, self.clock.wall_us() + 5_000_000)
        return self.rates[key].limit

    def _take(self, key: str, share: float) -> Take:
        """A share of what the bucket holds: up to three capacities of rates and slots."""
        if key == SLOTS:
            amount = 1
        elif key == MONEY:
            amount = int(self.budget * share / 2)
        else:
            amount = int(self.rates[key].limit.capacity * share)
        return Take(key, amount, self._limit(key), shared=key in SHARED, shadow=key in SHADOW)

    @rule(
        shares=st.dictionaries(
            st.sampled_from((*RATES, SLOTS, MONEY)),
            st.one_of(st.floats(0, 0.3), st.floats(0, 3)),
            min_size=1,
        ),
        priority=st.sampled_from(Priority),
        ttl_ms=st.integers(1, 60_000),
    )
    def acquire(self, shares: dict[str, float], priority: Priority, ttl_ms: int) -> None:
        self._reach_now()
        self.number += 1
        name = f"req_{self.number}"
        takes = [self._take(key, share) for key, share in shares.items()]
        answer = self.run(self.limiter.acquire(name, takes, priority, ttl_ms))
        self.touched |= shares.keys()
        if isinstance(answer, Refused):
            self._check_refused(answer, takes, priority)
            return
        held = self._took(answer, takes, priority)
        deadline_ns = self.clock.monotonic_ns() + ttl_ms * 1_000_000
        keys = [take.key for take in takes]
        live = self.live[name] = Live(deadline_ns, answer.shadowed, keys, held, self.day)
        self._check_levels(live, answer.levels)

    def _took(self, answer: Admitted, takes: list[Take], priority: Priority) -> dict[str, int]:
        """Check that it could be admitted, and take as much of the model; what is held now."""
        held: dict[str, int] = {}
        for take in takes:
            model = self.rates.get(take.key)
            if model is None:
                assert self._fits_exactly(take)
            elif take.key in SHADOW and answer.shadowed == take.key:
                assert model.level < model.need(take.amount, priority, shared=False) + model.behind
                continue
            else:
                shared = take.key in SHARED
                assert model.level >= model.need(take.amount, priority, shared=shared)
                model.take(take.amount)
            held[take.key] = take.amount
        self.in_use += held.get(SLOTS, 0)
        self.days[self.day].held += held.get(MONEY, 0)
        return held

    def _check_levels(self, live: Live, levels: Levels | None) -> None:
        """What an answer says is left is what is left, of the reservation's own day."""
        states = self.run(self.limiter.levels(live.keys))
        assert levels is not None
        for key, level in zip(live.keys, levels, strict=True):
            limit = states[key].limit
            if not isinstance(limit, BudgetLimit) or limit.day == live.day:
                assert level == states[key].level

    def _fits_exactly(self, take: Take) -> bool:
        if take.key == SLOTS:
            return self.in_use + take.amount <= self.slots
        day = self.days[self.day]
        return day.spent + day.held + take.amount <= self.budget

    def _check_refused(self, answer: Refused, takes: list[Take], priority: Priority) -> None:
        by_key = {take.key: take for take in takes if not take.shadow}
        binding = by_key[answer.binding]
        exact = [k for k in (MONEY, SLOTS) if k in by_key and not self._fits_exactly(by_key[k])]
        if exact:
            assert answer.binding == exact[0]
            if exact[0] == SLOTS:
                assert answer.wait_ms is None or answer.wait_ms >= 0, "nobody knows"
            else:
                assert answer.wait_ms == (None if binding.amount > self.budget else 5_000)
            return
        waits = {}
        for key, take in by_key.items():
            if model := self.rates.get(key):
                need = model.need(take.amount, priority, shared=take.shared)
                waits[key] = model.wait_ns(need), Fraction(model.behind) / model.per_ns
        assert answer.wait_ms is not None
        wait_ns, slack_ns = waits[answer.binding]
        told_ns = answer.wait_ms * 1_000_000
        assert wait_ns <= told_ns < wait_ns + slack_ns + 1_000_001
        assert all(other <= told_ns for other, _ in waits.values())

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def acquire_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.live)))
        takes = [self._take(key, 0.1) for key in RATES]
        again = self.run(self.limiter.acquire(name, takes, Priority.HIGH, 1))
        assert isinstance(again, Admitted)
        assert again.shadowed == self.live[name].shadowed
        self._check_levels(self.live[name], again.levels)

    @precondition(lambda self: self.live)
    @rule(
        data=st.data(),
        shares=st.dictionaries(st.sampled_from((*RATES, SLOTS, MONEY)), st.floats(0, 0.6)),
        used=st.floats(0, 2),
        priority=st.sampled_from(Priority),
        ttl_ms=st.integers(1, 60_000),
    )
    def exchange(
        self,
        data: st.DataObject,
        shares: dict[str, float],
        used: float,
        priority: Priority,
        ttl_ms: int,
    ) -> None:
        self._reach_now()
        name = data.draw(st.sampled_from(sorted(self.live)))
        live = self.live[name]
        drawn = data.draw(st.sets(st.sampled_from(live.keys))) if live.keys else set()
        gone = {key: int(live.held.get(key, 0) * used) for key in sorted(drawn)}
        takes = [self._take(k, s) for k, s in shares.items() if k in gone or k not in live.keys]
        asked = [take.key for take in takes]
        before = deepcopy((self.rates, self.days, self.in_use))
        for key in gone.keys() & asked:
            self._end_one(live, key, gone[key])
        answer = self.run(self.limiter.exchange(name, gone, takes, priority, ttl_ms))
        self.touched |= set(asked)
        if isinstance(answer, Refused):
            self._check_refused(answer, takes, priority)
            self.rates, self.days, self.in_use = before
            return
        assert answer is not None
        held = self._took(answer, takes, priority)
        for key in gone.keys() - asked:
            self._end_one(live, key, gone[key])
        stay = [key for key in live.keys if key not in gone or key in asked]
        live.keys = stay + [key for key in asked if key not in stay]
        live.held = {k: v for k, v in live.held.items() if k not in gone} | held
        live.shadowed = answer.shadowed
        if MONEY in asked:
            live.day = self.day
        if gone or asked:
            live.deadline_ns = self.clock.monotonic_ns() + ttl_ms * 1_000_000
        self._check_levels(live, answer.levels)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), share=st.floats(0, 3) | st.just(50.0))
    def settle(self, data: st.DataObject, share: float) -> None:
        name = data.draw(st.sampled_from(sorted(self.live)))
        held = self.live[name].held
        keys = data.draw(st.sets(st.sampled_from(sorted(held)))) if held else set()
        actual = {key: int(held[key] * share) for key in keys}
        live = self.live[name]
        levels = self.run(self.limiter.settle(name, actual))
        self._end(name, actual)
        self._check_levels(live, levels)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.live)))
        assert self.run(self.limiter.release(name))
        self._end(name, dict.fromkeys(self.live[name].held, 0))

    @rule()
    def expire(self) -> None:
        now_ns = self.clock.monotonic_ns()
        late = {name for name, live in self.live.items() if live.deadline_ns <= now_ns}
        told = self.run(self.limiter.expire())
        assert len(told) == len(late)
        assert set(told) == late
        for name in sorted(late):
            self._end(name, {})

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def end_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.ended))
        assert not self.run(self.limiter.settle(name, {MONEY: 0, "project:a:rpm": 0}))
        assert not self.run(self.limiter.release(name))

    def _end(self, name: str, actual: dict[str, int]) -> None:
        self._reach_now()
        live = self.live.pop(name)
        self.ended.append(name)
        for key, held in live.held.items():
            self._end_one(live, key, actual.get(key, held))

    def _end_one(self, live: Live, key: str, used: int) -> None:
        held = live.held.get(key)
        if held is None:
            return
        if key == SLOTS:
            self.in_use -= held
        elif key == MONEY:
            day = self.days[live.day]
            day.held -= held
            day.spent += used
            day.bounded &= used <= held
        else:
            self.rates[key].end(held, used)

    @rule(key=st.sampled_from(RATES), per_minute=st.integers(1, 200_000))
    def relimit_rate(self, key: str, per_minute: int) -> None:
        self._reach_now()
        limit = RateLimit(per_minute, 10)
        self.run(self.limiter.relimit({key: limit}))
        model = self.rates[key]
        if key in self.touched:
            model.relimit(limit)
        else:
            self.rates[key] = RateModel(limit, Fraction(limit.capacity), model.at_ns, 1)

    @rule(slots=st.integers(0, 6), budget=st.integers(0, 20_000))
    def relimit_others(self, slots: int, budget: int) -> None:
        for day in self.days.values():
            day.bounded &= budget >= self.budget
        self.slots, self.budget = slots, budget
        self.run(self.limiter.relimit({key: self._limit(key) for key in (SLOTS, MONEY)}))

    @rule(ns=st.one_of(st.integers(0, 100_000), st.integers(0, 20_000_000_000)))
    def pass_time(self, ns: int) -> None:
        self.clock.advance_ns(ns)

    @rule(us=st.integers(0, 10**17))
    def step_wall_clock(self, us: int) -> None:
        self.clock.set_wall(us)

    @rule(later=st.booleans())
    def cross_midnight(self, later: bool) -> None:
        """Forward, or back by one: the limiter remembers two days."""
        place = DAYS.index(self.day) + (1 if later else -1)
        if max(0, self.latest - 1) <= place < len(DAYS):
            self.day = DAYS[place]
            self.latest = max(self.latest, place)

    @invariant()
    def levels_agree(self) -> None:
        if not hasattr(self, "limiter"):
            return
        self._reach_now()
        states = self.run(self.limiter.levels([*RATES, SLOTS, MONEY]))
        assert states.keys() == self.touched
        for key in sorted(self.touched & self.rates.keys()):
            model, state = self.rates[key], states[key]
            assert state.limit == model.limit
            assert state.level <= model.limit.capacity
            assert state.level <= model.level < state.level + model.behind
        if SLOTS in states:
            assert (states[SLOTS].level, states[SLOTS].held) == (
                self.slots - self.in_use,
                self.in_use,
            )
        if MONEY in states:
            limit = states[MONEY].limit
            assert isinstance(limit, BudgetLimit)
            day = self.days[limit.day]
            assert states[MONEY].level == limit.nano_usd - day.spent - day.held
            assert states[MONEY].held == day.held
            assert not day.bounded or day.spent + day.held <= limit.nano_usd

    @invariant()
    def money_is_held_by_the_living(self) -> None:
        if not hasattr(self, "limiter"):
            return
        for name, day in self.days.items():
            held = (one.held.get(MONEY, 0) for one in self.live.values() if one.day == name)
            assert day.held == sum(held)
