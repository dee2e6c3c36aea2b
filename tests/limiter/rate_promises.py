"""What every limiter promises of rates: how many, how fast, for whom, and under changed limits."""

import asyncio

import pytest

from quotadeck.domain.limits import MICRO, Priority, SlotLimit, Take, rpm, tpm
from quotadeck.limiter import Admitted, Refused
from tests.limiter.rig import (
    MONEY,
    RPM,
    SLOTS,
    TARGET_RPM,
    TARGET_TPM,
    TPM,
    Rig,
    budget,
    money,
    one,
    slot,
    tokens,
)

ALL = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)


class RatePromises:
    """Token buckets: how many, how fast, how exactly."""

    async def test_rpm_is_per_minute_not_per_second(self, rig: Rig) -> None:
        limit = rpm(60)
        assert await rig.passing(one(limit)) == 10
        passed = 0
        for _ in range(60):
            rig.clock.advance_ms(1_000)
            passed += await rig.passing(one(limit))
        assert passed == 60

    @pytest.mark.parametrize("step_ms", [7, 37, 333])
    async def test_90_a_minute_admits_900_in_600_s(self, rig: Rig, step_ms: int) -> None:
        limit = rpm(90)
        assert await rig.passing(one(limit)) == 15
        passed, left_ms = 0, 600_000
        while left_ms:
            step = min(step_ms, left_ms)
            rig.clock.advance_ms(step)
            left_ms -= step
            passed += await rig.passes(one(limit))
        assert passed == 900

    async def test_asking_often_neither_speeds_up_nor_slows_down(self, rig: Rig) -> None:
        limit = rpm(7, window_s=60)
        assert await rig.passing(one(limit)) == 7
        often, step_ns = 0, 1_714_291
        for _ in range(35_000):
            rig.clock.advance_ns(step_ns)
            often += await rig.passes(one(limit))
        assert often == 35_000 * step_ns * 7 // 60_000_000_000

    async def test_two_callers_never_pass_on_one_token(self, rig: Rig) -> None:
        limit = rpm(6)
        answers = await asyncio.gather(*(rig.ask(one(limit)) for _ in range(50)))
        assert sum(isinstance(answer, Admitted) for answer in answers) == 1

    async def test_a_bucket_never_holds_more_than_its_capacity(self, rig: Rig) -> None:
        limit = rpm(60)
        await rig.ask(one(limit))
        rig.clock.advance_ms(3_600_000)
        assert await rig.passing(one(limit)) == 10

    async def test_no_part_step_is_carried_over_a_full_bucket(self, rig: Rig) -> None:
        """7 units every 3 ns: a bucket one unit short is full before the step ends."""
        limit = rpm(140_000)
        assert (limit.gain, limit.every_ns) == (7, 3)
        await rig.ask(Take(RPM, 1, limit))
        rig.clock.advance_ns(2)
        assert await rig.passes(Take(RPM, limit.capacity, limit))
        rig.clock.advance_ns(1)
        assert await rig.left(RPM) * 3 <= 7

    async def test_a_request_larger_than_capacity_goes_when_full_and_leaves_debt(
        self, rig: Rig
    ) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(1, limit))
        big = tokens(150_000, limit)
        assert await rig.ask(big) == Refused(TPM, 1)
        rig.clock.advance_ms(1)
        assert await rig.passes(big)
        assert await rig.left(TPM) == -90_000 * MICRO
        assert await rig.ask(tokens(1, limit)) == Refused(TPM, 90_001)

    async def test_settling_a_huge_request_forgives_none_of_its_debt(self, rig: Rig) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(300_000, limit), name="huge")
        await rig.limiter.settle("huge", {TPM: 300_000 * MICRO})
        assert await rig.left(TPM) == -240_000 * MICRO

    @pytest.mark.parametrize("per_minute", [1, 7, 59, 90, 1_000, 60_001, 10**9])
    @pytest.mark.parametrize("idle_ms", [0, 1, 333])
    async def test_the_wait_is_exact(self, rig: Rig, per_minute: int, idle_ms: int) -> None:
        limit = tpm(per_minute)
        for amount in (limit.capacity, limit.capacity // 3 or 1, 1):
            take = Take(TPM, amount, limit)
            await rig.ask(Take(TPM, 0, limit))
            await rig.ask(Take(TPM, await rig.left(TPM), limit))
            rig.clock.advance_ms(idle_ms)
            answer = await rig.ask(take)
            if isinstance(answer, Admitted):
                continue
            assert answer.wait_ms is not None
            rig.clock.advance_ms(answer.wait_ms - 1)
            assert await rig.ask(take) == Refused(TPM, 1)
            rig.clock.advance_ms(1)
            assert await rig.passes(take)

    async def test_settling_gives_back_what_was_not_used(self, rig: Rig) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(50_000, limit), name="a")
        assert await rig.limiter.settle("a", {TPM: 20_000 * MICRO})
        assert await rig.left(TPM) == 40_000 * MICRO

    async def test_what_comes_back_late_never_lifts_a_bucket_over_its_capacity(
        self, rig: Rig
    ) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(50_000, limit), name="a")
        rig.clock.advance_ms(45_000)
        await rig.limiter.settle("a", {TPM: 0})
        assert await rig.left(TPM) == limit.capacity

    async def test_using_more_than_estimated_leaves_debt(self, rig: Rig) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(50_000, limit), name="a")
        await rig.limiter.settle("a", {TPM: 70_000 * MICRO})
        assert await rig.left(TPM) == -10_000 * MICRO

    async def test_one_absurd_reply_closes_a_bucket_for_one_window_at_most(self, rig: Rig) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(60_000, limit), name="a")
        rig.clock.advance_ms(60_000)
        await rig.limiter.settle("a", {TPM: 10**18})
        assert await rig.left(TPM) == -limit.capacity


class PriorityPromises:
    """Reserves of the classes above, on shared buckets only."""

    async def test_lower_classes_leave_a_reserve_in_a_shared_bucket(self, rig: Rig) -> None:
        take = one(rpm(600), TARGET_RPM, shared=True)
        assert await rig.passing(take, priority=Priority.LOW) == 70
        assert await rig.passing(take, priority=Priority.MEDIUM) == 20
        assert await rig.passing(take, priority=Priority.HIGH) == 10

    @pytest.mark.parametrize("priority", ALL)
    async def test_a_project_has_its_own_bucket_whole(self, rig: Rig, priority: Priority) -> None:
        assert await rig.passing(one(rpm(600)), priority=priority) == 100

    @pytest.mark.parametrize("priority", ALL)
    async def test_money_is_never_reserved(self, rig: Rig, priority: Priority) -> None:
        day = budget(100, rig.clock)
        assert await rig.passes(Take(MONEY, 100, day, shared=True), priority=priority)

    @pytest.mark.parametrize("priority", ALL)
    async def test_a_full_shared_bucket_serves_anyone_up_to_its_capacity(
        self, rig: Rig, priority: Priority
    ) -> None:
        limit = tpm(60_000)
        assert await rig.passes(tokens(60_000, limit, TARGET_TPM, shared=True), priority=priority)
        assert await rig.passes(one(rpm(6), TARGET_RPM, shared=True), priority=priority)

    async def test_the_wait_counts_the_reserve(self, rig: Rig) -> None:
        limit = rpm(600)
        take = one(limit, TARGET_RPM, shared=True)
        await rig.passing(take, priority=Priority.HIGH)
        answer = await rig.ask(take, priority=Priority.LOW)
        assert answer == Refused(TARGET_RPM, 31 * 100)
        rig.clock.advance_ms(3_100)
        assert await rig.passes(take, priority=Priority.LOW)


class RelimitPromises:
    """A changed limit keeps what was used, wherever it is learned."""

    @pytest.mark.parametrize("at_acquire", [True, False])
    @pytest.mark.parametrize(("new", "passes"), [(1_200, 150), (600, 50), (360, 10), (60, 0)])
    async def test_what_was_used_stays_used(
        self, rig: Rig, new: int, passes: int, at_acquire: bool
    ) -> None:
        for _ in range(50):
            await rig.ask(one(rpm(600)))
        if not at_acquire:
            await rig.limiter.relimit({RPM: rpm(new)})
            assert (await rig.state(RPM)).limit == rpm(new)
        assert await rig.passing(one(rpm(new))) == passes

    async def test_the_new_rate_counts_from_the_change_on(self, rig: Rig) -> None:
        await rig.passing(one(rpm(60)))
        rig.clock.advance_ms(5_000)
        await rig.limiter.relimit({RPM: rpm(120)})
        assert await rig.left(RPM) == 15 * MICRO
        rig.clock.advance_ms(1_000)
        assert await rig.left(RPM) == 17 * MICRO

    async def test_lowering_leaves_a_debt_of_one_capacity_at_most(self, rig: Rig) -> None:
        await rig.passing(one(rpm(6_000)))
        await rig.limiter.relimit({RPM: rpm(60)})
        assert await rig.left(RPM) == -10 * MICRO

    async def test_an_equal_limit_changes_nothing(self, rig: Rig) -> None:
        await rig.ask(tokens(300_000, tpm(60_000)))
        await rig.limiter.relimit({TPM: tpm(60_000)})
        assert await rig.left(TPM) == -240_000 * MICRO

    async def test_slots_follow_at_once_and_those_in_use_stay(self, rig: Rig) -> None:
        for name in "abc":
            await rig.ask(slot(3), name=name)
        await rig.limiter.relimit({SLOTS: SlotLimit(2)})
        assert await rig.left(SLOTS) == -1
        await rig.limiter.release("a")
        assert not await rig.passes(slot(2))
        await rig.limiter.release("b")
        assert await rig.passes(slot(2))

    @pytest.mark.parametrize(("new", "left"), [(2_000, 1_600), (500, 100), (300, -100)])
    async def test_a_changed_budget_keeps_what_was_spent(
        self, rig: Rig, new: int, left: int
    ) -> None:
        await rig.ask(money(400, budget(1_000, rig.clock)))
        await rig.limiter.relimit({MONEY: budget(new, rig.clock)})
        assert await rig.left(MONEY) == left
