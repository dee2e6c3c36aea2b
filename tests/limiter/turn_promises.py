"""What every limiter promises to those who wait: an instant of one's own, kept for each."""

import pytest

from quotadeck.domain.limits import MICRO, Priority, Take, rpm, tpm
from quotadeck.limiter import Admitted, Refused, TurnName
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

SECOND_MS = 1_000


async def waits(
    rig: Rig,
    *takes: Take,
    turn: str,
    priority: Priority = Priority.MEDIUM,
    owner: str = "a",
) -> int:
    """What a request that asks for a turn is told to wait; it must be promised one."""
    answer = await rig.ask(*takes, priority=priority, turn=turn, owner=owner)
    assert isinstance(answer, Refused), answer
    assert answer.turn
    assert answer.wait_ms is not None
    return answer.wait_ms


class TurnPromises:
    """Turns of rates: one after the other, kept against newcomers, and no longer than promised."""

    async def test_those_refused_together_are_told_one_instant_after_the_other(
        self, rig: Rig
    ) -> None:
        take = one(rpm(60))
        await rig.passing(take)
        told = [await waits(rig, take, turn=f"turn {n}") for n in range(8)]
        assert told == [n * SECOND_MS for n in range(1, 9)]
        for number in range(8):
            rig.clock.advance_ms(SECOND_MS)
            assert isinstance(await rig.ask(take, turn=f"turn {number}"), Admitted)

    async def test_nothing_is_promised_to_who_asks_for_no_turn(self, rig: Rig) -> None:
        take = one(rpm(60))
        await rig.passing(take)
        for _ in range(3):
            assert await rig.ask(take) == Refused(RPM, SECOND_MS)

    async def test_a_newcomer_does_not_take_what_is_kept(self, rig: Rig) -> None:
        take = one(rpm(60))
        await rig.passing(take)
        await waits(rig, take, turn="mine")
        rig.clock.advance_ms(SECOND_MS)
        assert await rig.ask(take) == Refused(RPM, SECOND_MS)
        assert isinstance(await rig.ask(take, turn="mine"), Admitted)
        assert await rig.ask(take) == Refused(RPM, SECOND_MS)

    async def test_a_newcomer_takes_what_delays_nobody(self, rig: Rig) -> None:
        take, limit = one(rpm(60)), tpm(60_000)
        await rig.ask(tokens(60_000, limit))
        assert await waits(rig, tokens(30_000, limit), turn="large") == 30 * SECOND_MS
        await rig.passes(take)
        rig.clock.advance_ms(10 * SECOND_MS)
        assert await rig.ask(tokens(1_000, limit)) == Refused(TPM, 21 * SECOND_MS)
        rig.clock.advance_ms(20 * SECOND_MS)
        assert isinstance(await rig.ask(tokens(30_000, limit), turn="large"), Admitted)

    async def test_room_before_a_turn_that_is_far_is_not_wasted(self, rig: Rig) -> None:
        own, shared = rpm(6), rpm(600)
        both = (one(own), one(shared, TARGET_RPM))
        await rig.ask(*both)
        assert await waits(rig, *both, turn="slow") == 10 * SECOND_MS
        assert await rig.passing(one(shared, TARGET_RPM)) == 99, "it refills long before that turn"
        rig.clock.advance_ms(10 * SECOND_MS)
        assert isinstance(await rig.ask(*both, turn="slow"), Admitted)

    async def test_a_turn_lapses_two_seconds_after_its_instant(self, rig: Rig) -> None:
        take = one(rpm(60))
        await rig.passing(take)
        await waits(rig, take, turn="late")
        rig.clock.advance_ms(3 * SECOND_MS)
        assert await rig.passing(take) == 2, "one of three is kept"
        rig.clock.advance_ms(1)
        assert await rig.passing(take) == 1
        assert await rig.ask(take, turn="late") == Refused(RPM, 999, turn=True)

    async def test_who_comes_early_keeps_his_place(self, rig: Rig) -> None:
        take = one(rpm(60))
        await rig.passing(take)
        assert await waits(rig, take, turn="a") == SECOND_MS
        assert await waits(rig, take, turn="b") == 2 * SECOND_MS
        rig.clock.advance_ms(400)
        assert await waits(rig, take, turn="b") == 1_600
        assert await waits(rig, take, turn="a") == 600

    async def test_what_is_given_back_brings_a_turn_nearer(self, rig: Rig) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(60_000, limit), name="a")
        assert await waits(rig, tokens(20_000, limit), turn="mine") == 20 * SECOND_MS
        await rig.limiter.settle("a", {TPM: 45_000 * MICRO})
        assert await waits(rig, tokens(20_000, limit), turn="mine") == 5 * SECOND_MS

    async def test_a_debt_delays_a_turn_and_it_keeps_its_place(self, rig: Rig) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(60_000, limit), name="a")
        for name in "bc":
            await waits(rig, tokens(10_000, limit), turn=name)
        await rig.limiter.settle("a", {TPM: 65_000 * MICRO})
        rig.clock.advance_ms(10 * SECOND_MS)
        assert await waits(rig, tokens(10_000, limit), turn="b") == 5 * SECOND_MS
        rig.clock.advance_ms(5 * SECOND_MS)
        assert isinstance(await rig.ask(tokens(10_000, limit), turn="b"), Admitted)

    async def test_a_turn_given_up_is_free_for_all(self, rig: Rig) -> None:
        take = one(rpm(60))
        await rig.passing(take)
        await waits(rig, take, turn="mine")
        await rig.limiter.forget(TurnName("a", "mine"))
        await rig.limiter.forget(TurnName("a", "mine"))
        rig.clock.advance_ms(SECOND_MS)
        assert await rig.passes(take)

    async def test_at_most_a_capacity_is_promised(self, rig: Rig) -> None:
        take = one(rpm(60))
        await rig.passing(take)
        for number in range(10):
            await waits(rig, take, turn=str(number))
        assert await rig.ask(take, turn="one more") == Refused(RPM, 11 * SECOND_MS)

    async def test_nothing_is_promised_beyond_a_minute(self, rig: Rig) -> None:
        take = one(rpm(1))
        await rig.passing(take)
        rig.clock.advance_ms(1)
        await waits(rig, take, turn="within")
        assert await rig.ask(take, turn="beyond") == Refused(RPM, 119_999)
        slow = one(rpm(1), TARGET_RPM)
        await rig.passing(slow)
        assert await waits(rig, slow, turn="at") == 60_000

    async def test_money_is_never_promised(self, rig: Rig) -> None:
        day = budget(100, rig.clock)
        await rig.ask(money(100, day), one(rpm(60)))
        answer = await rig.ask(money(1, day), one(rpm(60)), turn="mine")
        assert isinstance(answer, Refused)
        assert (answer.binding, answer.turn) == (MONEY, False)

    async def test_a_higher_class_finds_room_among_the_turns_of_a_lower_one(self, rig: Rig) -> None:
        take = one(rpm(600), TARGET_RPM, shared=True)
        await rig.passing(take, priority=Priority.HIGH)
        low = [await waits(rig, take, turn=f"l{n}", priority=Priority.LOW) for n in range(5)]
        assert low == [3_100, 3_200, 3_300, 3_400, 3_500]
        high = [await waits(rig, take, turn=f"h{n}", priority=Priority.HIGH) for n in range(5)]
        assert high == [100, 200, 300, 400, 500]
        for name in ("h0", "h1", "h2", "h3", "h4"):
            rig.clock.advance_ms(100)
            answer = await rig.ask(take, turn=name, priority=Priority.HIGH)
            assert isinstance(answer, Admitted)
        rig.clock.advance_ms(2_600)
        assert await rig.passing(take, priority=Priority.HIGH) == 25, (
            "31 less 5, less one that is due"
        )
        answer = await rig.ask(take, turn="l0", priority=Priority.LOW)
        assert isinstance(answer, Admitted), "a promise holds, whoever came since"

    async def test_a_request_larger_than_a_bucket_has_its_turn_when_it_is_full(
        self, rig: Rig
    ) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(30_000, limit))
        assert await waits(rig, tokens(90_000, limit), turn="huge") == 30 * SECOND_MS
        rig.clock.advance_ms(10 * SECOND_MS)
        assert not await rig.passes(tokens(100, limit))
        rig.clock.advance_ms(20 * SECOND_MS)
        assert isinstance(await rig.ask(tokens(90_000, limit), turn="huge"), Admitted)

    async def test_of_a_shared_bucket_no_turn_keeps_more_than_a_part(self, rig: Rig) -> None:
        limit = tpm(60_000)
        await rig.ask(tokens(60_000, limit, TARGET_TPM, shared=True), priority=Priority.HIGH)
        large = tokens(15_001, limit, TARGET_TPM, shared=True)
        answer = await rig.ask(large, turn="large")
        assert isinstance(answer, Refused)
        assert not answer.turn, "who asks for so much would hold up all others"
        rig.clock.advance_ms(SECOND_MS)
        small = tokens(100, limit, TARGET_TPM, shared=True)
        assert await rig.passes(small, priority=Priority.HIGH)
        await waits(rig, tokens(15_000, limit, TARGET_TPM, shared=True), turn="part")

    async def test_of_a_small_shared_bucket_a_single_request_has_its_turn(self, rig: Rig) -> None:
        take = one(rpm(6), TARGET_RPM, shared=True)
        await rig.passing(take)
        assert await waits(rig, take, turn="mine") == 10 * SECOND_MS

    async def test_who_is_refused_a_turn_of_what_is_shared_finds_room_when_he_comes_again(
        self, rig: Rig
    ) -> None:
        take = one(rpm(60), TARGET_RPM, shared=True)
        await rig.passing(take, priority=Priority.HIGH)
        high = Priority.HIGH
        for number in range(10):  # alone, one may be promised all
            await waits(rig, take, turn=f"{number}", priority=high)
        late = await rig.ask(take, turn="late", owner="b", priority=high)
        assert late == Refused(TARGET_RPM, 11 * SECOND_MS)
        for number in range(5):
            rig.clock.advance_ms(SECOND_MS)
            claimed = await rig.ask(take, turn=f"{number}", priority=high)
            assert isinstance(claimed, Admitted)
            more = await rig.ask(take, turn=f"more {number}", priority=high)
            assert isinstance(more, Refused)
            assert not more.turn, "half of it is for the other"
        assert await waits(rig, take, turn="late", owner="b", priority=high) == 6 * SECOND_MS
        rig.clock.advance_ms(SECOND_MS)
        answer = await rig.ask(take, turn="5", priority=high)
        assert isinstance(answer, Admitted), "what was promised stays"
        await waits(rig, take, turn="again", priority=high)

    async def test_who_never_came_again_is_waited_for_no_longer_than_he_was_told(
        self, rig: Rig
    ) -> None:
        take = one(rpm(60), TARGET_RPM, shared=True)
        high = Priority.HIGH
        await rig.passing(take, priority=high)
        for number in range(10):
            await waits(rig, take, turn=f"{number}", priority=high)
        await rig.ask(take, turn="late", owner="b", priority=high)
        rig.clock.advance_ms(13 * SECOND_MS + 1)
        assert await rig.passing(take, priority=high) == 10
        for number in range(10):
            await waits(rig, take, turn=f"{number}", priority=high)

    async def test_to_look_takes_nothing_and_sees_what_is_promised(self, rig: Rig) -> None:
        take = one(rpm(60))
        first = rig.limiter.look([take], Priority.MEDIUM)
        assert first == Admitted("", (9 * MICRO,))
        assert await rig.passing(take) == 10
        await waits(rig, take, turn="mine")
        assert rig.limiter.look([take], Priority.MEDIUM) == Refused(RPM, 2 * SECOND_MS)
        rig.clock.advance_ms(3 * SECOND_MS + 1)
        looked = rig.limiter.look([Take(RPM, 3 * MICRO, rpm(60))], Priority.MEDIUM)
        assert looked == Admitted("", (1_000,)), "nothing that lapsed is kept"

    @pytest.mark.parametrize("seed", range(3))
    async def test_turns_admit_no_more_than_the_limit(self, rig: Rig, seed: int) -> None:
        take, due = one(rpm(600)), dict[str, int]()
        admitted = await rig.passing(take)
        for step in range(600):
            rig.clock.advance_ms(37 + seed)
            for name in [name for name, at in due.items() if at <= step]:
                del due[name]
                admitted += isinstance(await rig.ask(take, turn=name), Admitted)
            answer = await rig.ask(take, turn=f"{step}")
            if isinstance(answer, Admitted):
                admitted += 1
            elif answer.turn and answer.wait_ms is not None and step % 3:
                due[f"{step}"] = step - -answer.wait_ms // (37 + seed)
        most = 100 + 600 * (37 + seed) // 100
        assert admitted <= most
        assert admitted + await rig.left(RPM) // MICRO >= most * 98 // 100


class SlotTurnPromises:
    """A slot comes when somebody ends: told is what they still need as a rule."""

    async def test_the_wait_is_the_median_of_what_those_under_way_still_need(
        self, rig: Rig
    ) -> None:
        for name in "abc":
            await rig.ask(slot(3), name=name)
        rig.clock.advance_ms(4 * SECOND_MS)
        for name in "abc":
            await rig.limiter.release(name)
            await rig.ask(slot(3), name=name + name)
            rig.clock.advance_ms(SECOND_MS)
        assert await rig.ask(slot(3)) == Refused(SLOTS, 3 * SECOND_MS)

    async def test_a_slot_is_kept_from_its_instant_on(self, rig: Rig) -> None:
        await rig.ask(slot(1), name="a")
        rig.clock.advance_ms(2 * SECOND_MS)
        await rig.limiter.release("a")
        await rig.ask(slot(1), name="b")
        assert await waits(rig, slot(1), turn="mine") == 2 * SECOND_MS
        rig.clock.advance_ms(2 * SECOND_MS)
        await rig.limiter.release("b")
        assert not await rig.passes(slot(1))
        assert isinstance(await rig.ask(slot(1), turn="mine"), Admitted)
