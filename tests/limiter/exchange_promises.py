"""What every limiter promises of levels: told as of now, moved between buckets, and begun with."""

import pytest

from quotadeck.domain.limits import MICRO, Priority, RateLimit, Take, rpm, tpm
from quotadeck.limiter import Admitted, Limiter, Refused
from tests.limiter.rig import (
    DAY_US,
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

OTHER_RPM, OTHER_TPM = "target:u/n:rpm", "target:u/n:tpm"
EVERY = (RPM, SLOTS, MONEY, TARGET_RPM, TARGET_TPM, OTHER_RPM, OTHER_TPM)


class LevelPromises:
    """Answers carry what is left, as of now and in the order of the takes."""

    async def test_each_answer_has_the_levels_in_the_order_of_the_takes(self, rig: Rig) -> None:
        day = budget(1_000, rig.clock)
        takes = (slot(3), tokens(100, tpm(6_000)), money(400, day), one(rpm(60)))
        keys = [take.key for take in takes]
        for name in "ab":
            answer = await rig.ask(*takes, name=name)
            assert isinstance(answer, Admitted)
            assert answer.levels == tuple((await rig.all_left(*keys)).values())
            rig.clock.advance_ms(500)
        assert answer.levels == (1, 5_850 * MICRO, 200, 8_500_000)
        left = await rig.limiter.settle("a", {TPM: 10 * MICRO, MONEY: 150})
        assert left == (2, 5_990 * MICRO, 450, 9 * MICRO)
        assert await rig.limiter.settle("a", {}) is None

    async def test_asking_again_has_the_levels_of_now(self, rig: Rig) -> None:
        await rig.ask(one(rpm(60)), name="a")
        rig.clock.advance_ms(250)
        again = await rig.ask(one(rpm(60)), name="a")
        assert again == Admitted("", (9_250_000,))

    async def test_a_refusal_has_the_levels_of_all_that_was_asked(self, rig: Rig) -> None:
        takes = (one(rpm(60)), slot(1), tokens(10, tpm(6_000)))
        await rig.ask(*takes)
        rig.clock.advance_ms(500)
        answer = await rig.ask(*takes)
        assert isinstance(answer, Refused)
        assert answer.levels == (9_500_000, 0, 6_000 * MICRO)

    async def test_a_short_shadow_limit_has_its_place(self, rig: Rig) -> None:
        takes = (one(rpm(6), shadow=True), slot(5))
        await rig.ask(*takes)
        rig.clock.advance_ms(1_000)
        assert await rig.ask(*takes, name="b") == Admitted(RPM, (100_000, 3))
        assert await rig.limiter.settle("b", {RPM: 0}) == (100_000, 4)

    async def test_the_levels_of_money_are_of_the_reservations_own_day(self, rig: Rig) -> None:
        await rig.ask(money(400, budget(1_000, rig.clock)), name="late")
        rig.clock.advance_ms(DAY_US // 1_000)
        await rig.ask(money(10, budget(1_000, rig.clock, "2026-11-25")))
        assert await rig.limiter.settle("late", {MONEY: 300}) == (700,)

    async def test_states_are_as_of_now(self, rig: Rig) -> None:
        await rig.passing(one(rpm(60)))
        rig.clock.advance_ms(1_500)
        assert (await rig.state(RPM)).level == 1_500_000
        assert (await rig.state(RPM)).level == 1_500_000, "looking takes no part step away"


class ExchangePromises:
    """A reservation moves to other buckets in one step, and still ends once."""

    async def _begin(self, rig: Rig, *more: Take) -> None:
        day = budget(1_000, rig.clock)
        takes = (one(rpm(60)), slot(2), money(400, day), *self._target(TARGET_RPM, TARGET_TPM))
        assert await rig.admits(*takes, *more, name="a", ttl_ms=30_000) == ""

    @staticmethod
    def _target(rpm_key: str, tpm_key: str) -> tuple[Take, Take]:
        return (
            one(rpm(60), rpm_key, shared=True),
            tokens(600, tpm(6_000), tpm_key, shared=True),
        )

    async def test_the_old_buckets_end_with_what_was_used_and_the_new_are_held(
        self, rig: Rig
    ) -> None:
        await self._begin(rig)
        gone = {TARGET_RPM: MICRO, TARGET_TPM: 100 * MICRO}
        answer = await rig.moves("a", gone, *self._target(OTHER_RPM, OTHER_TPM))
        assert answer == Admitted("", (9 * MICRO, 1, 600, 9 * MICRO, 5_400 * MICRO))
        assert await rig.all_left(TARGET_RPM, TARGET_TPM) == {
            TARGET_RPM: 9 * MICRO,
            TARGET_TPM: 5_900 * MICRO,
        }
        assert await rig.limiter.settle("a", {OTHER_TPM: 50 * MICRO, TARGET_TPM: 7, MONEY: 30}) == (
            9 * MICRO,
            2,
            970,
            9 * MICRO,
            5_950 * MICRO,
        )
        assert await rig.left(TARGET_TPM) == 5_900 * MICRO, "what is gone ended"
        assert await rig.limiter.settle("a", {}) is None

    async def test_refused_it_changes_nothing_and_is_held_as_before(self, rig: Rig) -> None:
        await self._begin(rig)
        other = self._target(OTHER_RPM, OTHER_TPM)
        while await rig.passes(*other):
            pass
        before = await rig.all_left(*EVERY)
        day = budget(1_000, rig.clock)
        gone = {TARGET_RPM: 0, TARGET_TPM: 0, MONEY: 100}
        answer = await rig.moves("a", gone, money(500, day), *other)
        assert isinstance(answer, Refused)
        assert answer.binding == OTHER_TPM
        assert await rig.all_left(*EVERY) == before
        with pytest.raises(ValueError, match="-1"):
            await rig.moves("a", gone, money(500, day), one(rpm(60), OTHER_RPM)._replace(amount=-1))
        assert await rig.all_left(*EVERY) == before
        assert await rig.limiter.release("a")
        assert (await rig.state(MONEY)).held == 0
        assert await rig.all_left(TARGET_RPM, SLOTS) == {TARGET_RPM: 10 * MICRO, SLOTS: 2}

    async def test_what_comes_back_to_a_bucket_counts_where_it_is_taken_anew(
        self, rig: Rig
    ) -> None:
        await self._begin(rig)
        day = budget(1_000, rig.clock)
        refused = await rig.moves("a", {MONEY: 100}, money(901, day))
        assert isinstance(refused, Refused)
        assert (refused.binding, refused.gates[0].level) == (MONEY, 900)
        answer = await rig.moves("a", {MONEY: 100}, money(900, day))
        assert isinstance(answer, Admitted)
        assert answer.levels[2] == 0, "in its old place"
        assert await rig.spent(MONEY) == 100
        assert await rig.limiter.release("a")
        assert await rig.left(MONEY) == 900

    async def test_another_attempt_on_the_same_target_is_charged_again(self, rig: Rig) -> None:
        await self._begin(rig)
        target = self._target(TARGET_RPM, TARGET_TPM)
        for _ in range(2):
            await rig.moves("a", {TARGET_RPM: MICRO, TARGET_TPM: 10 * MICRO}, *target)
        assert await rig.all_left(TARGET_RPM, TARGET_TPM) == {
            TARGET_RPM: 7 * MICRO,
            TARGET_TPM: 5_380 * MICRO,
        }

    async def test_told_twice_it_happens_once(self, rig: Rig) -> None:
        await self._begin(rig)
        gone, other = {TARGET_RPM: 0, TARGET_TPM: 5 * MICRO}, self._target(OTHER_RPM, OTHER_TPM)
        first = await rig.moves("a", gone, *other)
        assert await rig.moves("a", gone, *other) == first

    async def test_one_that_ended_moves_nowhere(self, rig: Rig) -> None:
        await self._begin(rig)
        await rig.limiter.settle("a", {})
        assert await rig.moves("a", {}, one(rpm(60), OTHER_RPM)) is None
        assert await rig.moves("nobody", {}, one(rpm(60), OTHER_RPM)) is None
        assert await rig.limiter.levels([OTHER_RPM]) == {}

    async def test_what_is_held_is_not_taken_beside_itself(self, rig: Rig) -> None:
        await self._begin(rig)
        before = await rig.all_left(RPM, SLOTS)
        with pytest.raises(ValueError, match=SLOTS):
            await rig.moves("a", {TARGET_RPM: 0}, slot(2), one(rpm(60), OTHER_RPM))
        assert await rig.all_left(RPM, SLOTS) == before

    async def test_it_expires_once_by_its_new_deadline_with_what_it_holds_then(
        self, rig: Rig
    ) -> None:
        await self._begin(rig)
        rig.clock.advance_ms(20_000)
        gone = {TARGET_RPM: 0, TARGET_TPM: 0}
        await rig.moves("a", gone, *self._target(OTHER_RPM, OTHER_TPM), ttl_ms=30_000)
        rig.clock.advance_ms(29_999)
        assert await rig.limiter.expire() == ()
        rig.clock.advance_ms(1)
        assert await rig.limiter.expire() == ("a",)
        assert await rig.limiter.expire() == ()
        assert (await rig.spent(MONEY), await rig.left(SLOTS)) == (400, 2)

    async def test_it_touches_what_it_gives_up_and_what_it_takes(self, rig: Rig) -> None:
        await self._begin(rig)
        await rig.limiter.touched("me")
        await rig.moves("a", {TARGET_RPM: 0, TARGET_TPM: 0}, one(rpm(60), OTHER_RPM))
        assert {TARGET_RPM, TARGET_TPM, OTHER_RPM} <= set(await rig.limiter.touched("me"))

    async def test_a_shadow_limit_that_was_passed_by_may_be_given_up(self, rig: Rig) -> None:
        shadow = one(rpm(6), OTHER_RPM, shadow=True)
        await rig.ask(shadow)
        assert await rig.admits(shadow, slot(5), name="b") == OTHER_RPM
        answer = await rig.moves("b", {OTHER_RPM: MICRO}, one(rpm(60), TARGET_RPM))
        assert answer == Admitted(OTHER_RPM, (4, 9 * MICRO))
        assert await rig.left(OTHER_RPM) == 0


class RestorePromises:
    """What a store that began anew is told of rates."""

    @staticmethod
    async def _restore(limiter: Limiter, **levels: tuple[int, RateLimit]) -> None:
        await limiter.restore({f"project:{name}:rpm": level for name, level in levels.items()})

    async def test_levels_restored_are_as_of_now_and_never_over_capacity(self, rig: Rig) -> None:
        await self._restore(rig.limiter, a=(3 * MICRO, rpm(60)), b=(10**18, rpm(60)))
        assert await rig.left("project:b:rpm") == 10 * MICRO
        rig.clock.advance_ms(1_000)
        assert await rig.passing(one(rpm(60))) == 4

    async def test_debt_is_restored(self, rig: Rig) -> None:
        await self._restore(rig.limiter, a=(-3 * MICRO, rpm(60)))
        assert await rig.ask(one(rpm(60))) == Refused(RPM, 4_000)

    @pytest.mark.parametrize("priority", [Priority.HIGH, Priority.LOW])
    async def test_what_is_in_use_already_knows_better(self, rig: Rig, priority: Priority) -> None:
        await rig.ask(one(rpm(60)), priority=priority)
        await self._restore(rig.limiter, a=(0, rpm(60)))
        assert await rig.left(RPM) == 9 * MICRO
