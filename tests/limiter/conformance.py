"""What every limiter promises. A subclass makes a limiter; the tests are then collected."""

import pytest

from quotadeck.domain.gate import Gate
from quotadeck.domain.limits import MICRO, Take, rpm, tpm
from quotadeck.limiter import Limiter, Refused
from tests.clocks import HandClock
from tests.limiter.budget_promises import BudgetPromises
from tests.limiter.draw_promises import DrawPromises
from tests.limiter.exchange_promises import ExchangePromises, LevelPromises, RestorePromises
from tests.limiter.rate_promises import PriorityPromises, RatePromises, RelimitPromises
from tests.limiter.rig import (
    MONEY,
    RPM,
    SLOTS,
    TARGET_RPM,
    TPM,
    Rig,
    budget,
    money,
    one,
    slot,
    tokens,
)
from tests.limiter.turn_promises import SlotTurnPromises, TurnPromises


class AdmissionPromises:
    """All or nothing, in one step, and a refusal that helps."""

    async def test_a_refusal_takes_nothing_anywhere(self, rig: Rig) -> None:
        day = budget(1_000, rig.clock)
        takes = (one(rpm(60)), tokens(10, tpm(6_000)), slot(2), money(400, day))
        assert await rig.passing(*takes) == 2
        before = await rig.all_left(RPM, TPM, SLOTS, MONEY)
        assert not await rig.passes(*takes)
        assert await rig.all_left(RPM, TPM, SLOTS, MONEY) == before

    async def test_a_refusal_names_the_longest_wait_whatever_the_order(self, rig: Rig) -> None:
        quick, slow = one(rpm(600)), one(rpm(6), TARGET_RPM)
        await rig.passing(quick)
        await rig.passing(slow)
        assert await rig.ask(quick, slow) == Refused(TARGET_RPM, 10_000)
        assert await rig.ask(slow, quick) == Refused(TARGET_RPM, 10_000)

    async def test_money_is_named_before_slots_and_slots_before_rates(self, rig: Rig) -> None:
        rate, place, day = one(rpm(6)), slot(1), budget(100, rig.clock, in_us=5_000_500)
        await rig.ask(rate, place, money(100, day))
        assert await rig.ask(rate, place, money(1, day)) == Refused(MONEY, 5_001)
        assert await rig.ask(rate, place) == Refused(SLOTS, None)
        assert await rig.ask(rate) == Refused(RPM, 10_000)

    async def test_a_refusal_has_the_level_of_every_bucket_that_refused(self, rig: Rig) -> None:
        rate, place, day = one(rpm(6)), slot(1), budget(100, rig.clock)
        full, free = tokens(10, tpm(6_000)), one(rpm(600), TARGET_RPM)
        await rig.ask(rate, place, money(70, day))
        rig.clock.advance_ms(1_000)
        answer = await rig.ask(rate, free, full, place, money(31, day))
        assert isinstance(answer, Refused)
        assert answer.gates == (
            Gate(MONEY, 100, 31, 30),
            Gate(RPM, 6, MICRO, MICRO // 10),
            Gate(SLOTS, 1, 1, 0),
        )

    async def test_more_than_a_whole_budget_has_no_wait(self, rig: Rig) -> None:
        day = budget(100, rig.clock)
        assert await rig.ask(money(101, day)) == Refused(MONEY, None)

    async def test_the_same_reservation_is_admitted_once(self, rig: Rig) -> None:
        limit = rpm(60)
        for _ in range(3):
            assert await rig.admits(one(limit), slot(1), name="same") == ""
        assert await rig.all_left(RPM, SLOTS) == {RPM: 9 * MICRO, SLOTS: 0}

    async def test_a_refused_reservation_may_ask_again(self, rig: Rig) -> None:
        await rig.ask(slot(1), name="first")
        assert await rig.ask(slot(1), name="second") == Refused(SLOTS, None)
        await rig.limiter.release("first")
        assert await rig.admits(slot(1), name="second") == ""

    async def test_a_bucket_named_twice_is_an_error_and_takes_nothing(self, rig: Rig) -> None:
        limit = rpm(60)
        await rig.ask(one(limit))
        with pytest.raises(ValueError, match="twice"):
            await rig.ask(one(limit), one(limit))
        assert await rig.left(RPM) == 9 * MICRO

    async def test_a_negative_amount_is_an_error_and_gives_nothing(self, rig: Rig) -> None:
        limit = rpm(60)
        await rig.ask(one(limit), name="a")
        with pytest.raises(ValueError, match="-1"):
            await rig.ask(Take(RPM, -1, limit))
        with pytest.raises(ValueError, match="-1"):
            await rig.limiter.settle("a", {RPM: -1})
        assert await rig.left(RPM) == 9 * MICRO

    async def test_a_bucket_never_touched_has_no_state(self, rig: Rig) -> None:
        await rig.limiter.relimit({RPM: rpm(60)})
        assert await rig.limiter.levels([RPM, "project:b:rpm"]) == {}

    async def test_a_request_bound_by_nothing_goes(self, rig: Rig) -> None:
        assert await rig.admits() == ""


class ShadowPromises:
    """A shadow limit is told about and refuses nothing."""

    async def test_a_short_shadow_limit_is_named_and_takes_nothing(self, rig: Rig) -> None:
        shadow = one(rpm(6), shadow=True)
        assert await rig.admits(shadow, slot(5), name="a") == ""
        assert await rig.admits(shadow, slot(5), name="b") == RPM
        assert await rig.admits(shadow, slot(5), name="b") == RPM
        assert await rig.all_left(RPM, SLOTS) == {RPM: 0, SLOTS: 3}
        await rig.limiter.settle("b", {RPM: 5 * MICRO})
        assert await rig.all_left(RPM, SLOTS) == {RPM: 0, SLOTS: 4}

    async def test_a_real_limit_still_refuses_beside_a_shadow(self, rig: Rig) -> None:
        day = budget(0, rig.clock)
        shadow = money(1, day, shadow=True)
        await rig.ask(slot(1))
        assert await rig.ask(shadow, slot(1)) == Refused(SLOTS, None)


class TouchPromises:
    """Who keeps what a bucket is made of is told which to read again."""

    async def test_each_reader_is_told_of_each_touched_bucket_once(self, rig: Rig) -> None:
        await rig.ask(one(rpm(60)), slot(5), name="a")
        assert set(await rig.limiter.touched("one")) == {RPM, SLOTS}, "at first, of all"
        await rig.ask(one(rpm(60)), name="b")
        assert set(await rig.limiter.touched("one")) == {RPM}
        assert set(await rig.limiter.touched("two")) == {RPM, SLOTS}
        assert [set(await rig.limiter.touched(reader)) for reader in ("one", "two")] == [set()] * 2

    async def test_whatever_moves_a_bucket_touches_it(self, rig: Rig) -> None:
        async def touched() -> set[str]:
            return set(await rig.limiter.touched("me"))

        day, limit, place = budget(1_000, rig.clock), rpm(60), slot(5)
        for name in "abc":
            await rig.ask(one(limit), place, name=name, ttl_ms=1_000)
        assert await touched() == {RPM, SLOTS}
        await rig.limiter.settle("a", {RPM: 0})
        assert await touched() == {RPM, SLOTS}
        await rig.limiter.release("b")
        assert await touched() == {RPM, SLOTS}
        rig.clock.advance_ms(1_000)
        assert await touched() == set(), "time alone touches nothing"
        await rig.limiter.expire()
        assert await touched() == {RPM, SLOTS}
        await rig.limiter.relimit({RPM: rpm(90)})
        assert await touched() == {RPM}
        await rig.limiter.restore_spent({MONEY: {"2026-11-24": 7}})
        assert await touched() == {MONEY}
        await rig.ask(money(1, day), name="d")
        assert await touched() == {MONEY}
        assert isinstance(await rig.ask(money(1_000, day), place), Refused)
        assert await touched() == set(), "a refusal takes nothing"


class EndPromises:
    """Every reservation ends exactly once."""

    async def _full_house(self, rig: Rig) -> None:
        day = budget(1_000, rig.clock)
        takes = (one(rpm(60)), tokens(600, tpm(6_000)), slot(2), money(400, day))
        assert await rig.admits(*takes, name="a", ttl_ms=30_000) == ""

    async def test_settle_replaces_the_keys_given_and_keeps_the_rest(self, rig: Rig) -> None:
        await self._full_house(rig)
        assert await rig.limiter.settle("a", {TPM: 100 * MICRO, MONEY: 50, "project:b:tpm": 7})
        left = await rig.all_left(RPM, TPM, SLOTS, MONEY)
        assert left == {RPM: 9 * MICRO, TPM: 5_900 * MICRO, SLOTS: 2, MONEY: 950}
        assert (await rig.state(MONEY)).held == 0
        assert await rig.spent(MONEY) == 50

    async def test_settle_without_figures_charges_the_estimates(self, rig: Rig) -> None:
        await self._full_house(rig)
        assert await rig.limiter.settle("a", {})
        left = await rig.all_left(RPM, TPM, SLOTS, MONEY)
        assert left == {RPM: 9 * MICRO, TPM: 5_400 * MICRO, SLOTS: 2, MONEY: 600}
        assert await rig.spent(MONEY) == 400

    async def test_release_gives_everything_back(self, rig: Rig) -> None:
        await self._full_house(rig)
        assert await rig.limiter.release("a")
        left = await rig.all_left(RPM, TPM, SLOTS, MONEY)
        assert left == {RPM: 10 * MICRO, TPM: 6_000 * MICRO, SLOTS: 2, MONEY: 1_000}
        assert await rig.spent(MONEY) == 0

    async def test_an_expired_reservation_is_charged_in_full(self, rig: Rig) -> None:
        await self._full_house(rig)
        rig.clock.advance_ms(29_999)
        assert await rig.limiter.expire() == ()
        rig.clock.advance_ms(1)
        assert await rig.limiter.expire() == ("a",)
        assert await rig.limiter.expire() == ()
        assert await rig.spent(MONEY) == 400
        assert await rig.left(SLOTS) == 2

    @pytest.mark.parametrize("end", ["settle", "release", "expire"])
    async def test_a_reservation_that_ended_ends_no_more(self, rig: Rig, end: str) -> None:
        await self._full_house(rig)
        if end == "expire":
            rig.clock.advance_ms(30_000)
            await rig.limiter.expire()
        elif end == "settle":
            await rig.limiter.settle("a", {MONEY: 10})
        else:
            await rig.limiter.release("a")
        before = await rig.all_left(RPM, TPM, SLOTS, MONEY)
        assert not await rig.limiter.settle("a", {MONEY: 0})
        assert not await rig.limiter.release("a")
        assert await rig.limiter.expire() == ()
        assert await rig.all_left(RPM, TPM, SLOTS, MONEY) == before

    async def test_a_reservation_nobody_made_ends_nothing(self, rig: Rig) -> None:
        assert not await rig.limiter.settle("nobody", {RPM: 1})
        assert not await rig.limiter.release("nobody")

    async def test_a_late_settlement_counts_if_nobody_expired_it(self, rig: Rig) -> None:
        await self._full_house(rig)
        rig.clock.advance_ms(40_000)
        assert await rig.limiter.settle("a", {MONEY: 7})
        assert await rig.limiter.expire() == ()
        assert await rig.spent(MONEY) == 7


class LimiterPromises(
    RatePromises,
    PriorityPromises,
    AdmissionPromises,
    ShadowPromises,
    EndPromises,
    LevelPromises,
    ExchangePromises,
    RestorePromises,
    TouchPromises,
    RelimitPromises,
    BudgetPromises,
    TurnPromises,
    SlotTurnPromises,
    DrawPromises,
):
    """All of them, for an implementation that says how to make an empty limiter on a clock."""

    @pytest.fixture
    def rig(self) -> Rig:
        clock = HandClock()
        return Rig(self.limiter_over(clock), clock)

    async def test_a_store_that_began_anew_says_so(self, rig: Rig) -> None:
        epoch = await rig.limiter.epoch()
        await rig.passing(one(rpm(60)), slot(5))
        assert await rig.limiter.epoch() == epoch
        assert await self.limiter_over(rig.clock).epoch() != epoch

    def limiter_over(self, clock: HandClock) -> Limiter:
        raise NotImplementedError
