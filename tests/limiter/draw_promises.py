"""What every limiter promises of a reservation that draws on another one."""

from quotadeck.domain.limits import MICRO, Priority, Take, rpm, tpm
from quotadeck.limiter import Admitted, Refused, TurnName
from tests.limiter.rig import (
    DAY_US,
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

MINE = TurnName("a", "mine")


async def draws(
    rig: Rig, name: str, *takes: Take, most: dict[str, int] | None = None
) -> Admitted | Refused | None:
    return await rig.limiter.draw("lease", name, takes, Priority.MEDIUM, 3_600_000, most)


class DrawPromises:
    """What is held is moved: no bucket counts it twice, and none is asked for it again."""

    async def _leased(self, rig: Rig) -> tuple[Take, ...]:
        """All of two rates, and some money; a call's takes, of what is held the most."""
        day = budget(1_000, rig.clock)
        held = (one(rpm(6)), tokens(6_000, tpm(6_000)), money(100, day))
        assert await rig.admits(*held, name="lease", ttl_ms=60_000) == ""
        return one(rpm(6)), tokens(100, tpm(6_000)), money(40, day), slot(2)

    async def test_what_is_held_is_moved_and_the_rest_is_taken(self, rig: Rig) -> None:
        takes = await self._leased(rig)
        answer = await draws(rig, "a", *takes, one(rpm(60), TARGET_RPM, shared=True))
        assert answer == Admitted("", (0, 0, 900, 1, 9 * MICRO))
        assert (await rig.state(MONEY)).held == 100
        assert await rig.limiter.settle("a", {TPM: 30 * MICRO, MONEY: 10}) is not None
        assert await rig.all_left(RPM, TPM, MONEY, SLOTS) == {
            RPM: 0,
            TPM: 70 * MICRO,
            MONEY: 930,
            SLOTS: 2,
        }
        assert await rig.limiter.settle("lease", {RPM: 0, TPM: 0, MONEY: 0}) == (
            0,
            5_970 * MICRO,
            990,
        )

    async def test_more_than_is_held_is_asked_of_the_bucket(self, rig: Rig) -> None:
        day = budget(1_000, rig.clock)
        await rig.admits(tokens(100, tpm(600)), money(100, day), name="lease")
        assert await draws(rig, "a", tokens(150, tpm(600)), money(300, day)) == Admitted(
            "", (450 * MICRO, 700)
        )
        refused = await draws(rig, "b", tokens(10, tpm(600)), money(701, day))
        assert isinstance(refused, Refused)
        assert (refused.binding, refused.levels) == (MONEY, (450 * MICRO, 700))
        assert await rig.limiter.release("a")
        assert await rig.all_left(TPM, MONEY) == {TPM: 600 * MICRO, MONEY: 1_000}

    async def test_a_refusal_moves_nothing(self, rig: Rig) -> None:
        takes = await self._leased(rig)
        await rig.ask(slot(2))
        await rig.ask(slot(2))
        before = await rig.all_left(RPM, TPM, MONEY, SLOTS)
        assert isinstance(await draws(rig, "a", *takes), Refused)
        assert await rig.all_left(RPM, TPM, MONEY, SLOTS) == before
        assert isinstance(await draws(rig, "a", *takes[:3]), Admitted)

    async def test_what_is_held_passes_a_bucket_in_debt(self, rig: Rig) -> None:
        await rig.admits(tokens(50, tpm(600)), name="lease")
        await rig.admits(tokens(550, tpm(600)), name="b")
        await rig.limiter.settle("b", {TPM: 900 * MICRO})
        assert await rig.left(TPM) == -350 * MICRO
        assert isinstance(await draws(rig, "a", tokens(50, tpm(600))), Admitted)
        assert isinstance(await draws(rig, "c", tokens(1, tpm(600))), Refused)

    async def test_no_more_is_moved_than_is_allowed(self, rig: Rig) -> None:
        await rig.admits(tokens(100, tpm(600)), name="lease")
        await draws(rig, "a", tokens(80, tpm(600)), most={TPM: 30 * MICRO})
        assert await rig.left(TPM) == 450 * MICRO
        await rig.limiter.release("lease")
        assert await rig.left(TPM) == 520 * MICRO

    async def test_a_drawing_repeated_draws_once(self, rig: Rig) -> None:
        takes = await self._leased(rig)
        first = await draws(rig, "a", *takes)
        assert await draws(rig, "a", *takes) == first
        await rig.limiter.release("a")
        await rig.limiter.release("lease")
        assert await rig.all_left(RPM, TPM, MONEY) == {
            RPM: MICRO,
            TPM: 6_000 * MICRO,
            MONEY: 1_000,
        }

    async def test_what_was_used_already_is_counted_whatever_is_left(self, rig: Rig) -> None:
        await rig.admits(tokens(500, tpm(600)), money(900, budget(1_000, rig.clock)))
        await rig.limiter.charge([tokens(300, tpm(600)), money(200, budget(1_000, rig.clock))])
        assert await rig.all_left(TPM, MONEY) == {TPM: -200 * MICRO, MONEY: -100}
        assert await rig.spent(MONEY) == 200

    async def test_of_one_that_ended_nothing_is_drawn(self, rig: Rig) -> None:
        takes = await self._leased(rig)
        await rig.limiter.release("lease")
        assert await draws(rig, "a", *takes) is None
        assert await rig.limiter.settle("a", {}) is None

    async def test_yesterdays_money_pays_for_nothing_today(self, rig: Rig) -> None:
        await rig.admits(money(400, budget(1_000, rig.clock)), name="lease")
        rig.clock.advance_ms(DAY_US // 1_000)
        today = budget(1_000, rig.clock, "2026-11-25")
        assert await draws(rig, "a", money(300, today)) == Admitted("", (700,))
        await rig.limiter.release("lease")
        assert await rig.left(MONEY) == 700
        await rig.limiter.release("a")
        assert await rig.left(MONEY) == 1_000

    async def test_a_reservation_may_move_to_a_larger_or_a_smaller_one(self, rig: Rig) -> None:
        await rig.admits(tokens(100, tpm(600)), name="lease")
        rig.clock.advance_ms(60_000)
        assert await draws(rig, "larger", tokens(300, tpm(600))) == Admitted("", (400 * MICRO,))
        await rig.limiter.release("lease")
        answer = await rig.limiter.draw(
            "larger", "smaller", [tokens(50, tpm(600))], Priority.MEDIUM, 60_000
        )
        await rig.limiter.release("larger")
        assert isinstance(answer, Admitted)
        assert await rig.left(TPM) == 600 * MICRO, (
            "what a full bucket got back is no more than full"
        )

    async def test_it_touches_what_it_moves(self, rig: Rig) -> None:
        takes = await self._leased(rig)
        await rig.limiter.touched("me")
        await draws(rig, "a", *takes)
        assert {RPM, TPM, MONEY, SLOTS} <= set(await rig.limiter.touched("me"))

    async def test_a_turn_is_promised_for_what_is_lacking_alone(self, rig: Rig) -> None:
        await rig.admits(tokens(500, tpm(600)), name="lease")
        await rig.ask(tokens(100, tpm(600)))
        asked = [tokens(530, tpm(600))]
        refused = await rig.limiter.draw("lease", "a", asked, Priority.MEDIUM, 60_000, turn=MINE)
        assert isinstance(refused, Refused)
        assert (refused.wait_ms, refused.turn) == (3_000, True)
        assert not await rig.passes(tokens(20, tpm(600)))
        rig.clock.advance_ms(3_000)
        assert not await rig.passes(tokens(1, tpm(600)))
        answer = await rig.limiter.draw("lease", "a", asked, Priority.MEDIUM, 60_000, turn=MINE)
        assert answer == Admitted("", (0,))
