"""What a console once said wrong in a night, played again: each trouble, and its end."""

from quotadeck.domain.commands import Field
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.tui.forecast import project_gone_us
from quotadeck.tui.present import Present
from tests.gateway.picture import ANALYTICS
from tests.truth.night import FAILED, OPUS, Night

CENT = NANO_PER_USD // 100
WIDE = {"rpm": 6_000, "tpm": None, "daily_budget_usd": None}


async def test_a_paused_model_is_not_ok_for_as_long_as_the_pause_lasts() -> None:
    night = Night(**WIDE)
    await night.second(20, asks=2)
    night.change(OPUS, Field.PAUSED, True)
    for beat in range(40):
        state = await night.second(asks=2)
        assert (state.kind, state.urgency) == (StateKind.CUT_OFF, Urgency.TROUBLE)
        assert state.count == state.asked or beat < 10
    night.undo(OPUS)
    state = await night.second(asks=2)
    assert (state.kind, state.cleared) == (StateKind.OK, StateKind.CUT_OFF)
    await night.second(20, asks=2)
    assert night.contradictions() == []


async def test_a_pause_that_ends_hides_no_storm_that_goes_on() -> None:
    night = Night(**{**WIDE, "rpm": 60})
    assert (await night.second(20, asks=12)).kind is StateKind.STORM
    night.change(ANALYTICS, Field.PAUSED, True)
    state = await night.second(45, asks=12)
    assert state.kind is StateKind.PAUSED
    night.undo(ANALYTICS)
    kinds = [(await night.second(asks=12)).kind for _ in range(12)]
    assert kinds[0] is StateKind.THROTTLED, "as soon as its bucket is empty"
    assert kinds[-1] is StateKind.STORM
    assert night.row.state.cause == "rpm"
    assert (await night.second(60)).kind is StateKind.OK
    assert night.contradictions() == []


async def test_one_refusal_of_a_large_request_is_no_spent_budget() -> None:
    night = Night(**{**WIDE, "daily_budget_usd": 75 * CENT})
    await night.second(35, asks=2, cost_nano_usd=CENT)
    assert night.row.budget.spent_nano == 70 * CENT
    night.refuse_large()
    for _ in range(15):
        state = await night.second(asks=1, cost_nano_usd=0)
        assert not state.held(StateKind.SPENT)
    assert night.contradictions() == []


async def test_a_budget_is_spent_to_the_cent_and_no_longer_than_until_it_is_raised() -> None:
    night = Night(**{**WIDE, "daily_budget_usd": 75 * CENT})
    await night.second(40, asks=2, cost_nano_usd=CENT)
    state = night.row.state
    assert (state.kind, state.cause) == (StateKind.SPENT, "budget")
    night.change(ANALYTICS, Field.BUDGET, 150 * CENT)
    state = await night.second(asks=2, cost_nano_usd=CENT)
    assert (state.kind, state.cleared) == (StateKind.OK, StateKind.SPENT)
    await night.second(30, asks=2)
    assert night.contradictions() == []


async def test_failing_begins_at_its_full_size_and_is_over_with_what_goes_well() -> None:
    night = Night(**WIDE)
    await night.second(60, asks=2)
    shares = []
    for _ in range(25):
        state = await night.second(asks=2, **FAILED)
        shares.append(state.count * 100 // max(1, state.asked))
    assert state.kind is StateKind.FAILING
    assert shares[10:] == [100] * 15
    kinds = [(await night.second(asks=2)).kind for _ in range(12)]
    assert kinds[-1] is StateKind.OK, "twenty went well"
    assert night.row.state.cleared is StateKind.FAILING
    await night.second(60, asks=2)
    assert night.contradictions() == []


async def test_failed_and_never_asked_again_is_not_said_to_fail_now() -> None:
    night = Night(**WIDE)
    await night.second(10, asks=2, **FAILED)
    await night.second(90)
    assert night.words.word == "failed"
    assert night.words.when == "1m ago"
    await night.second(600)
    assert night.row.state.urgency is Urgency.ATTENTION
    assert night.contradictions() == []


async def test_few_that_all_fail_are_not_ok() -> None:
    night = Night(**WIDE)
    said = []
    for _ in range(4):
        await night.ask(**FAILED)
        said.append((await night.second(60)).kind)
    assert said == [StateKind.OK, StateKind.OK, StateKind.FAILING, StateKind.FAILING]
    for _ in range(2):
        await night.ask()
        await night.second(40)
    assert night.row.state.kind is StateKind.OK
    assert night.contradictions() == []


async def test_nothing_is_rounded_to_a_bound_and_nobody_silent_has_a_forecast() -> None:
    night = Night(**{**WIDE, "daily_budget_usd": 100 * CENT})
    await night.second(50, asks=2, cost_nano_usd=996 * CENT // 1000)
    assert night.row.budget.spent_nano * 1000 // (100 * CENT) == 996
    assert night.words.word == "budget 99.6%"
    assert gone(night) is not None
    await night.second(62)
    assert gone(night) is None, "who asks for nothing spends nothing"
    assert night.contradictions() == []


def gone(night: Night) -> int | None:
    last = night.frames[-1]
    return project_gone_us(night.row, Present(last.now_ms, last.at_us))
