"""The one judgement as a table: a state before, a reading, the state now."""

from dataclasses import replace
from typing import Any

import pytest

from quotadeck.domain.cause import Cause
from quotadeck.domain.evidence import (
    HOUR_MS,
    DayBudget,
    Decided,
    Ended,
    Evidence,
    RefusedLately,
    Use,
)
from quotadeck.domain.judgement import judge
from quotadeck.domain.state import AT_REST, HELD_MONEY, NOT_COVERED, State, StateKind, Urgency
from quotadeck.domain.state_change import CLEARED_MS, HURTS_MS
from quotadeck.domain.subject import Subject

NOW = 10_000_000
GATEWAY = Subject.parse("gateway")
PROJECT = Subject.project("a")


def refused(
    cause: Cause,
    count: int,
    gate: Subject = PROJECT,
    *,
    ago_ms: int = 500,
    minute: int | None = None,
) -> RefusedLately:
    return RefusedLately(cause, gate, count, count if minute is None else minute, NOW - ago_ms)


def decided(
    admitted: int, *found: RefusedLately, in_row: tuple[Cause, ...] = (), **more: Any
) -> Decided:
    last = NOW - 100 if admitted and not in_row else NOW - 5_000 if admitted else None
    return Decided(admitted, admitted * 6, last, found, in_row=in_row, **more)


def failing(failed: int, ended: int, **more: Any) -> Ended:
    newest = Ended(ended, failed, ended, failed, last_failed_ms=NOW - 100, cause="upstream_5xx")
    return replace(newest, **more)


def well(in_row: int, over_ms: int, *, failed_ago_ms: int, failed: int, ended: int) -> Ended:
    return Ended(
        ended,
        failed,
        10,
        0,
        well_in_row=in_row,
        well_since_ms=NOW - over_ms,
        last_well_ms=NOW,
        last_failed_ms=NOW - failed_ago_ms,
    )


def day(spent: int, held: int = 0) -> DayBudget:
    return DayBudget(1_000, spent, held, 77)


MODEL, KEY, TARGET = Subject.model("gpt-4.1"), Subject.key("k"), Subject.target("m/x")
IN_ROW_3 = (Cause.BUDGET,) * 3
TROUBLE, ATTENTION, CALM = Urgency.TROUBLE, Urgency.ATTENTION, Urgency.CALM

AT_ONCE = [
    ("nothing asked", Evidence(NOW), StateKind.OK, CALM),
    ("all well", Evidence(NOW, decided(20)), StateKind.OK, CALM),
    # cut off
    ("model paused, all", Evidence(NOW, decided(0, refused(Cause.PAUSED, 13, MODEL))),
     StateKind.CUT_OFF, TROUBLE),
    ("model paused, a part", Evidence(NOW, decided(90, refused(Cause.PAUSED, 1, MODEL))),
     StateKind.CUT_OFF, TROUBLE),
    ("key revoked, nothing else", Evidence(NOW, decided(0, refused(Cause.KEY_REVOKED, 2, KEY))),
     StateKind.CUT_OFF, TROUBLE),
    ("key revoked, another works", Evidence(NOW, decided(9, refused(Cause.KEY_REVOKED, 2, KEY))),
     StateKind.OK, CALM),
    ("the only key revoked a moment ago",
     Evidence(NOW, decided(9, refused(Cause.KEY_REVOKED, 2, KEY)), keyless=True),
     StateKind.CUT_OFF, TROUBLE),
    # storm and throttled
    ("storm", Evidence(NOW, decided(2, refused(Cause.RPM, 20))), StateKind.STORM, TROUBLE),
    ("ten refused, over minutes", Evidence(NOW, decided(0, refused(Cause.RPM, 10, minute=0))),
     StateKind.THROTTLED, TROUBLE),
    ("few refused", Evidence(NOW, decided(2, refused(Cause.RPM, 19))),
     StateKind.THROTTLED, TROUBLE),
    ("a tenth", Evidence(NOW, decided(27, refused(Cause.TPM, 3))), StateKind.THROTTLED, TROUBLE),
    ("less than a tenth", Evidence(NOW, decided(28, refused(Cause.TPM, 3))),
     StateKind.THROTTLED, ATTENTION),
    ("the gateway is full", Evidence(NOW, decided(0, refused(Cause.CROWDED, 1, GATEWAY))),
     StateKind.THROTTLED, TROUBLE),
    ("calm for 10 s", Evidence(NOW, decided(2, refused(Cause.RPM, 3, ago_ms=10_000))),
     StateKind.OK, CALM),
    ("rarely asked, never admitted",
     Evidence(NOW, decided(0, refused(Cause.RPM, 3, ago_ms=20_000), in_row=(Cause.RPM,) * 3,
                          apart_ms=15_000)), StateKind.THROTTLED, TROUBLE),
    ("would be refused again",
     Evidence(NOW, decided(0, refused(Cause.TPM, 1, ago_ms=20_000), in_row=(Cause.TPM,),
                          fits_ms=NOW + 1)), StateKind.THROTTLED, TROUBLE),
    ("the last refusal a moment out of the present",
     Evidence(NOW, decided(20, refused(Cause.RPM, 0, minute=3, ago_ms=9_500))), StateKind.OK, CALM),
    # failing
    ("three of many", Evidence(NOW, ended=failing(3, 61)), StateKind.OK, CALM),
    ("three, a twentieth", Evidence(NOW, ended=failing(3, 60)), StateKind.FAILING, TROUBLE),
    ("two of two", Evidence(NOW, ended=failing(2, 2, failed_in_row=2)), StateKind.OK, CALM),
    ("three in a row, long apart",
     Evidence(NOW, ended=failing(0, 0, failed_in_row=3, last_failed_ms=NOW - 840_000)),
     StateKind.FAILING, ATTENTION),
    ("more than an hour ago",
     Evidence(NOW, ended=failing(0, 0, failed_in_row=3, last_failed_ms=NOW - HOUR_MS - 1)),
     StateKind.OK, CALM),
    # spent
    ("spent", Evidence(NOW, money=day(1_000)), StateKind.SPENT, TROUBLE),
    ("99.9 %", Evidence(NOW, money=day(999)), StateKind.NEAR, ATTENTION),
    ("one large request refused between small ones",
     Evidence(NOW, decided(50, refused(Cause.BUDGET, 1)), money=day(930)),
     StateKind.THROTTLED, ATTENTION),
    ("two refused right behind one that went through",
     Evidence(NOW, decided(50, refused(Cause.BUDGET, 2), in_row=IN_ROW_3[:2]), money=day(930)),
     StateKind.THROTTLED, ATTENTION),
    ("nothing goes through any more",
     Evidence(NOW, decided(50, refused(Cause.BUDGET, 3), in_row=IN_ROW_3), money=day(930)),
     StateKind.SPENT, TROUBLE),
    ("never anything went through",
     Evidence(NOW, decided(0, refused(Cause.BUDGET, 1), in_row=IN_ROW_3[:1]), money=day(930)),
     StateKind.SPENT, TROUBLE),
    ("small ones go past now and then",
     Evidence(NOW, decided(2, refused(Cause.BUDGET, 8), in_row=IN_ROW_3,
                          past_budget_ms=NOW - 20_000), money=day(930)),
     StateKind.THROTTLED, TROUBLE),
    ("small ones went past, once",
     Evidence(NOW, decided(0, refused(Cause.BUDGET, 8), in_row=IN_ROW_3,
                          past_budget_ms=NOW - 30_000), money=day(930)), StateKind.SPENT, TROUBLE),
    ("money held by what is under way",
     Evidence(NOW, replace(decided(0, refused(Cause.BUDGET, 3), in_row=IN_ROW_3), money_held=True),
             money=day(400, 600)), StateKind.THROTTLED, TROUBLE),
    ("held alone", Evidence(NOW, money=day(400, 600)), StateKind.NEAR, ATTENTION),
    # rejected
    ("most invalid", Evidence(NOW, decided(3, refused(Cause.INVALID, 4))),
     StateKind.REJECTED, TROUBLE),
    ("half invalid", Evidence(NOW, decided(4, refused(Cause.INVALID, 4))), StateKind.OK, CALM),
    ("two of two invalid", Evidence(NOW, decided(0, refused(Cause.NEVER_FITS, 2))),
     StateKind.OK, CALM),
    ("the upstream calls them wrong",
     Evidence(NOW, decided(8), Ended(present=8, invalid=7, last_invalid_ms=NOW)),
     StateKind.REJECTED, TROUBLE),
    # near
    ("near", Evidence(NOW, uses=(Use("rpm", 80, 100),)), StateKind.NEAR, ATTENTION),
    ("not near", Evidence(NOW, uses=(Use("rpm", 79, 100),)), StateKind.OK, CALM),
    ("a small limit", Evidence(NOW, uses=(Use("rpm", 9, 9),)), StateKind.OK, CALM),
    # paused, unserved
    ("paused", Evidence(NOW, decided(0, refused(Cause.PAUSED, 40)), paused=True),
     StateKind.PAUSED, CALM),
    ("paused at its limit", Evidence(NOW, uses=(Use("rpm", 99, 100),), paused=True),
     StateKind.PAUSED, CALM),
    ("paused with its money gone", Evidence(NOW, money=day(1_000), paused=True),
     StateKind.SPENT, TROUBLE),
    ("no ledger", Evidence(NOW, decided(9), unserved="ledger"), StateKind.UNSERVED, TROUBLE),
    ("no ledger for this one",
     Evidence(NOW, decided(0, refused(Cause.UNRECORDED, 1), in_row=(Cause.UNRECORDED,))),
     StateKind.UNSERVED, TROUBLE),
    # the worst is the word
    ("storm before failing",
     Evidence(NOW, decided(1, refused(Cause.RPM, 40)), failing(9, 9)), StateKind.STORM, TROUBLE),
    ("a spent budget behind a storm is seen",
     Evidence(NOW, decided(1, refused(Cause.RPM, 40)), money=day(1_000)), StateKind.STORM, TROUBLE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reading", "kind", "urgency"), [row[1:] for row in AT_ONCE], ids=[row[0] for row in AT_ONCE]
)
def test_a_reading_is_judged(reading: Evidence, kind: StateKind, urgency: Urgency) -> None:
    state = judge(AT_REST, reading)
    assert (state.kind, state.urgency) == (kind, urgency)
    assert (state.since_ms == NOW) is (kind is not StateKind.OK)


@pytest.mark.parametrize("first", [row[1] for row in AT_ONCE], ids=[row[0] for row in AT_ONCE])
def test_the_same_reading_again_changes_nothing(first: Evidence) -> None:
    state = judge(AT_REST, first)
    assert judge(state, first) == state


def test_what_stands_behind_the_worst_is_told_with_its_own_beginning() -> None:
    spent = judge(AT_REST, Evidence(NOW - 60_000, money=day(1_000)))
    storm = judge(spent, Evidence(NOW, decided(1, refused(Cause.RPM, 40)), money=day(1_000)))
    assert (storm.kind, storm.since_ms) == (StateKind.STORM, NOW)
    assert [(held.kind, held.since_ms) for held in storm.others] == [
        (StateKind.SPENT, NOW - 60_000)
    ]


def test_throttled_that_grows_into_a_storm_is_not_over() -> None:
    throttled = Evidence(NOW, decided(2, refused(Cause.RPM, 9)), uses=(Use("rpm", 99, 100),))
    assert judge(AT_REST, throttled).others == (), "at a limit is not near it"
    storm = after(throttled, Evidence(NOW, decided(2, refused(Cause.RPM, 40))))
    assert (storm.kind, storm.cleared) == (StateKind.STORM, None)
    slack = judge(storm, Evidence(NOW, decided(4, refused(Cause.RPM, 4))))
    assert (slack.kind, slack.cleared) == (StateKind.THROTTLED, StateKind.STORM)


def test_who_has_no_money_left_is_no_storm_for_asking_as_ever() -> None:
    budget = refused(Cause.BUDGET, 40)
    passing = decided(1, budget, in_row=IN_ROW_3, past_budget_ms=NOW - 5_000)
    state = judge(AT_REST, Evidence(NOW, passing, money=day(930)))
    assert (state.kind, state.cause) == (StateKind.THROTTLED, "budget")
    both = replace(passing, refused=(budget, refused(Cause.RPM, 30)))
    state = judge(AT_REST, Evidence(NOW, both, money=day(930)))
    assert (state.kind, state.cause, state.count) == (StateKind.STORM, "rpm", 30)


def test_whom_a_neighbour_leaves_no_room_is_no_storm() -> None:
    """Of a gate that is shared it is what everybody gets through that counts."""

    def kind(count: int) -> StateKind:
        one = replace(refused(Cause.TARGET_RPM, count, TARGET), passed=8, passed_60s=50)
        return judge(AT_REST, Evidence(NOW, decided(1, one))).kind

    assert kind(24) is StateKind.THROTTLED
    assert kind(250) is StateKind.STORM


def test_causes_are_told_apart() -> None:
    def cause(reading: Evidence) -> tuple[str, str]:
        state = judge(AT_REST, reading)
        return state.cause, state.who

    assert cause(Evidence(NOW, decided(1, refused(Cause.TARGET_TPM, 3, TARGET)))) == (
        "target_tpm",
        str(TARGET),
    )
    assert cause(Evidence(NOW, decided(0, refused(Cause.PAUSED, 1, MODEL)))) == (
        "paused",
        str(MODEL),
    )
    assert cause(Evidence(NOW, money=day(1_000)))[0] == "budget"
    short = decided(0, refused(Cause.BUDGET, 3), in_row=IN_ROW_3)
    assert cause(Evidence(NOW, short, money=day(930)))[0] == NOT_COVERED
    held = replace(short, money_held=True)
    assert cause(Evidence(NOW, held, money=day(400, 600)))[0] == HELD_MONEY


def after(first: Evidence, then: Evidence) -> State:
    return judge(judge(AT_REST, first), then)


def test_a_storm_that_slackens_stays_one_until_it_is_clearly_none() -> None:
    storm = Evidence(NOW, decided(2, refused(Cause.RPM, 40)))

    def later(admitted: int, minute: int) -> StateKind:
        slack = replace(decided(4, refused(Cause.RPM, 4, minute=minute)), admitted_60s=admitted)
        assert judge(AT_REST, Evidence(NOW, slack)).kind is StateKind.THROTTLED
        return after(storm, Evidence(NOW, slack)).kind

    assert later(10, 29) is StateKind.STORM
    assert later(15, 29) is StateKind.THROTTLED
    assert later(5, 14) is StateKind.THROTTLED


def test_near_is_left_at_seventy_percent() -> None:
    near = Evidence(NOW, uses=(Use("tpm", 80, 100),))
    assert after(near, Evidence(NOW, uses=(Use("tpm", 70, 100),))).kind is StateKind.NEAR
    assert after(near, Evidence(NOW, uses=(Use("tpm", 69, 100),))).kind is StateKind.OK
    assert after(near, Evidence(NOW, uses=(Use("rpm", 75, 100),))).kind is StateKind.OK


RECOVERIES = [
    ("19 after a full failure", well(19, 9_000, failed_ago_ms=9_500, failed=25, ended=44), True),
    ("20 after a full failure", well(20, 9_000, failed_ago_ms=9_500, failed=25, ended=45), False),
    ("20 where one in twenty fails", well(20, 900, failed_ago_ms=950, failed=6, ended=100), True),
    ("20, and none failed for 10 s", well(20, 9_000, failed_ago_ms=10_000, failed=6, ended=100),
     False),
    ("30 s of few", well(3, 30_000, failed_ago_ms=31_000, failed=9, ended=12), False),
    ("29 s of few", well(3, 29_000, failed_ago_ms=31_000, failed=9, ended=12), True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ended", "still"), [row[1:] for row in RECOVERIES], ids=[row[0] for row in RECOVERIES]
)
def test_failing_is_left_by_what_goes_well(ended: Ended, still: bool) -> None:
    state = after(
        Evidence(NOW - 40_000, ended=failing(9, 9, failed_in_row=9)), Evidence(NOW, ended=ended)
    )
    assert (state.kind is StateKind.FAILING) is still
    if still and NOW - (ended.last_failed_ms or 0) >= 10_000:
        assert state.urgency is ATTENTION, "nothing has failed for ten seconds"


def test_trouble_that_hurts_nobody_for_ten_minutes_is_attention() -> None:
    first = Evidence(NOW, decided(0, refused(Cause.PAUSED, 13, MODEL)))
    later = NOW + HURTS_MS
    stale = replace(first, now_ms=later - 501)
    assert after(first, stale).urgency is TROUBLE
    assert after(first, replace(first, now_ms=later)).urgency is ATTENTION
    assert after(first, replace(first, now_ms=later)).kind is StateKind.CUT_OFF


def test_what_was_cleared_stands_for_five_minutes_and_then_all_is_at_rest() -> None:
    storm = judge(AT_REST, Evidence(NOW, decided(2, refused(Cause.RPM, 40))))
    ok = judge(storm, Evidence(NOW + 1_000))
    assert (ok.kind, ok.cleared, ok.cleared_ms) == (StateKind.OK, StateKind.STORM, NOW + 1_000)
    assert judge(ok, Evidence(NOW + 1_000 + CLEARED_MS - 1)).cleared is StateKind.STORM
    assert judge(ok, Evidence(NOW + 1_000 + CLEARED_MS)) == AT_REST


def test_what_comes_back_is_not_called_cleared() -> None:
    storm = Evidence(NOW, decided(2, refused(Cause.RPM, 40)))
    ok = after(storm, Evidence(NOW + 1_000))
    again = judge(ok, replace(storm, now_ms=NOW + 2_000))
    assert (again.kind, again.cleared, again.since_ms) == (StateKind.STORM, None, NOW + 2_000)


def test_a_paused_model_names_whom_it_cuts_off() -> None:
    state = judge(AT_REST, Evidence(NOW, paused=True, until_us=9, cuts_off=("chat", "search")))
    assert (state.who, state.until_us) == ("chat, search", 9)


BY_RPM = Evidence(NOW, decided(1, refused(Cause.RPM, 40)))


@pytest.mark.parametrize(
    "trouble",
    [BY_RPM, Evidence(NOW, ended=failing(9, 9, failed_in_row=9)),
     Evidence(NOW, decided(0, refused(Cause.PAUSED, 9, MODEL)))],
    ids=["storm", "failing", "cut off"],
)  # fmt: skip
@pytest.mark.parametrize("cover", [{"paused": True}, {"unserved": "ledger"}], ids=str)
def test_what_a_pause_or_a_sick_gateway_hides_is_not_called_over(
    trouble: Evidence, cover: dict[str, Any]
) -> None:
    assert after(trouble, Evidence(NOW + 1_000, **cover)).cleared is None


def test_refusals_by_budget_under_another_word_are_not_over() -> None:
    storm = Evidence(NOW, decided(5, refused(Cause.BUDGET, 40)), money=day(930))
    spent = Evidence(NOW, decided(0, refused(Cause.BUDGET, 40), in_row=IN_ROW_3), money=day(930))
    for one, other in ((storm, spent), (spent, storm)):
        state = after(one, other)
        assert (state.kind, state.cleared) == (judge(AT_REST, other).kind, None)


def test_a_share_is_of_the_present_and_not_of_a_calm_minute_before_it() -> None:
    outage = judge(AT_REST, Evidence(NOW, ended=failing(20, 400, present=20, failed_in_row=20)))
    assert (outage.count, outage.asked) == (20, 20)
    sudden = judge(AT_REST, Evidence(NOW, decided(5, refused(Cause.RPM, 45))))
    assert (sudden.count, sudden.asked, sudden.over_ms) == (45, 50, 0)
    lasting = judge(AT_REST, Evidence(NOW, decided(5, refused(Cause.RPM, 5, minute=300))))
    assert (lasting.count, lasting.asked, lasting.over_ms) == (300, 330, 60_000)


def test_one_revoked_key_is_one_trouble() -> None:
    state = judge(AT_REST, Evidence(NOW, decided(0, refused(Cause.KEY_REVOKED, 9, KEY))))
    assert (state.kind, state.others) == (StateKind.CUT_OFF, ())


def test_what_is_at_its_limit_is_not_near_it_as_well() -> None:
    reading = Evidence(
        NOW,
        decided(9, refused(Cause.TARGET_RPM, 5, TARGET)),
        uses=(Use("rpm", 99, 100),),
    )
    assert judge(AT_REST, reading).others == ()
    held = replace(decided(0, refused(Cause.BUDGET, 3), in_row=IN_ROW_3), money_held=True)
    assert judge(AT_REST, Evidence(NOW, held, money=day(400, 600))).others == ()
