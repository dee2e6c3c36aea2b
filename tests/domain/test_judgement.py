"""The one judgement as a table: a state before, a reading, the state now."""

from dataclasses import replace
from typing import Any

import pytest

from quotadeck.domain.calls import Cause
from quotadeck.domain.judgement import CLEARED_MS, HURTS_MS, judge
from quotadeck.domain.reading import HOUR_MS, Decided, Ended, Money, Reading, Refused, Use
from quotadeck.domain.state import AT_REST, HELD_MONEY, NOT_COVERED, Kind, State, Urgency
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
) -> Refused:
    return Refused(cause, gate, count, count if minute is None else minute, NOW - ago_ms)


def decided(admitted: int, *found: Refused, in_row: tuple[Cause, ...] = (), **more: Any) -> Decided:
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


def day(spent: int, held: int = 0) -> Money:
    return Money(1_000, spent, held, 77)


MODEL, KEY, TARGET = Subject.model("gpt-4.1"), Subject.key("k"), Subject.target("m/x")
IN_ROW_3 = (Cause.BUDGET,) * 3
TROUBLE, ATTENTION, CALM = Urgency.TROUBLE, Urgency.ATTENTION, Urgency.CALM

AT_ONCE = [
    ("nothing asked", Reading(NOW), Kind.OK, CALM),
    ("all well", Reading(NOW, decided(20)), Kind.OK, CALM),
    # cut off
    ("model paused, all", Reading(NOW, decided(0, refused(Cause.PAUSED, 13, MODEL))),
     Kind.CUT_OFF, TROUBLE),
    ("model paused, a part", Reading(NOW, decided(90, refused(Cause.PAUSED, 1, MODEL))),
     Kind.CUT_OFF, TROUBLE),
    ("key revoked, nothing else", Reading(NOW, decided(0, refused(Cause.KEY_REVOKED, 2, KEY))),
     Kind.CUT_OFF, TROUBLE),
    ("key revoked, another works", Reading(NOW, decided(9, refused(Cause.KEY_REVOKED, 2, KEY))),
     Kind.OK, CALM),
    ("the only key revoked a moment ago",
     Reading(NOW, decided(9, refused(Cause.KEY_REVOKED, 2, KEY)), keyless=True),
     Kind.CUT_OFF, TROUBLE),
    # storm and throttled
    ("storm", Reading(NOW, decided(2, refused(Cause.RPM, 20))), Kind.STORM, TROUBLE),
    ("ten refused, over minutes", Reading(NOW, decided(0, refused(Cause.RPM, 10, minute=0))),
     Kind.THROTTLED, TROUBLE),
    ("few refused", Reading(NOW, decided(2, refused(Cause.RPM, 19))), Kind.THROTTLED, TROUBLE),
    ("a tenth", Reading(NOW, decided(27, refused(Cause.TPM, 3))), Kind.THROTTLED, TROUBLE),
    ("less than a tenth", Reading(NOW, decided(28, refused(Cause.TPM, 3))),
     Kind.THROTTLED, ATTENTION),
    ("the gateway is full", Reading(NOW, decided(0, refused(Cause.CROWDED, 1, GATEWAY))),
     Kind.THROTTLED, TROUBLE),
    ("calm for 10 s", Reading(NOW, decided(2, refused(Cause.RPM, 3, ago_ms=10_000))),
     Kind.OK, CALM),
    ("rarely asked, never admitted",
     Reading(NOW, decided(0, refused(Cause.RPM, 3, ago_ms=20_000), in_row=(Cause.RPM,) * 3,
                          apart_ms=15_000)), Kind.THROTTLED, TROUBLE),
    ("would be refused again",
     Reading(NOW, decided(0, refused(Cause.TPM, 1, ago_ms=20_000), in_row=(Cause.TPM,),
                          fits_ms=NOW + 1)), Kind.THROTTLED, TROUBLE),
    ("the last refusal a moment out of the present",
     Reading(NOW, decided(20, refused(Cause.RPM, 0, minute=3, ago_ms=9_500))), Kind.OK, CALM),
    # failing
    ("three of many", Reading(NOW, ended=failing(3, 61)), Kind.OK, CALM),
    ("three, a twentieth", Reading(NOW, ended=failing(3, 60)), Kind.FAILING, TROUBLE),
    ("two of two", Reading(NOW, ended=failing(2, 2, failed_in_row=2)), Kind.OK, CALM),
    ("three in a row, long apart",
     Reading(NOW, ended=failing(0, 0, failed_in_row=3, last_failed_ms=NOW - 840_000)),
     Kind.FAILING, ATTENTION),
    ("more than an hour ago",
     Reading(NOW, ended=failing(0, 0, failed_in_row=3, last_failed_ms=NOW - HOUR_MS - 1)),
     Kind.OK, CALM),
    # spent
    ("spent", Reading(NOW, money=day(1_000)), Kind.SPENT, TROUBLE),
    ("99.9 %", Reading(NOW, money=day(999)), Kind.NEAR, ATTENTION),
    ("one large request refused between small ones",
     Reading(NOW, decided(50, refused(Cause.BUDGET, 1)), money=day(930)),
     Kind.THROTTLED, ATTENTION),
    ("two refused right behind one that went through",
     Reading(NOW, decided(50, refused(Cause.BUDGET, 2), in_row=IN_ROW_3[:2]), money=day(930)),
     Kind.THROTTLED, ATTENTION),
    ("nothing goes through any more",
     Reading(NOW, decided(50, refused(Cause.BUDGET, 3), in_row=IN_ROW_3), money=day(930)),
     Kind.SPENT, TROUBLE),
    ("never anything went through",
     Reading(NOW, decided(0, refused(Cause.BUDGET, 1), in_row=IN_ROW_3[:1]), money=day(930)),
     Kind.SPENT, TROUBLE),
    ("small ones go past now and then",
     Reading(NOW, decided(2, refused(Cause.BUDGET, 8), in_row=IN_ROW_3,
                          past_budget_ms=NOW - 20_000), money=day(930)), Kind.THROTTLED, TROUBLE),
    ("small ones went past, once",
     Reading(NOW, decided(0, refused(Cause.BUDGET, 8), in_row=IN_ROW_3,
                          past_budget_ms=NOW - 30_000), money=day(930)), Kind.SPENT, TROUBLE),
    ("money held by what is under way",
     Reading(NOW, replace(decided(0, refused(Cause.BUDGET, 3), in_row=IN_ROW_3), money_held=True),
             money=day(400, 600)), Kind.THROTTLED, TROUBLE),
    ("held alone", Reading(NOW, money=day(400, 600)), Kind.NEAR, ATTENTION),
    # rejected
    ("most invalid", Reading(NOW, decided(3, refused(Cause.INVALID, 4))), Kind.REJECTED, TROUBLE),
    ("half invalid", Reading(NOW, decided(4, refused(Cause.INVALID, 4))), Kind.OK, CALM),
    ("two of two invalid", Reading(NOW, decided(0, refused(Cause.NEVER_FITS, 2))), Kind.OK, CALM),
    ("the upstream calls them wrong",
     Reading(NOW, decided(8), Ended(present=8, invalid=7, last_invalid_ms=NOW)),
     Kind.REJECTED, TROUBLE),
    # near
    ("near", Reading(NOW, uses=(Use("rpm", 80, 100),)), Kind.NEAR, ATTENTION),
    ("not near", Reading(NOW, uses=(Use("rpm", 79, 100),)), Kind.OK, CALM),
    ("a small limit", Reading(NOW, uses=(Use("rpm", 9, 9),)), Kind.OK, CALM),
    # paused, unserved
    ("paused", Reading(NOW, decided(0, refused(Cause.PAUSED, 40)), paused=True), Kind.PAUSED, CALM),
    ("paused at its limit", Reading(NOW, uses=(Use("rpm", 99, 100),), paused=True),
     Kind.PAUSED, CALM),
    ("paused with its money gone", Reading(NOW, money=day(1_000), paused=True),
     Kind.SPENT, TROUBLE),
    ("no ledger", Reading(NOW, decided(9), unserved="ledger"), Kind.UNSERVED, TROUBLE),
    ("no ledger for this one",
     Reading(NOW, decided(0, refused(Cause.UNRECORDED, 1), in_row=(Cause.UNRECORDED,))),
     Kind.UNSERVED, TROUBLE),
    # the worst is the word
    ("storm before failing",
     Reading(NOW, decided(1, refused(Cause.RPM, 40)), failing(9, 9)), Kind.STORM, TROUBLE),
    ("a spent budget behind a storm is seen",
     Reading(NOW, decided(1, refused(Cause.RPM, 40)), money=day(1_000)), Kind.STORM, TROUBLE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reading", "kind", "urgency"), [row[1:] for row in AT_ONCE], ids=[row[0] for row in AT_ONCE]
)
def test_a_reading_is_judged(reading: Reading, kind: Kind, urgency: Urgency) -> None:
    state = judge(AT_REST, reading)
    assert (state.kind, state.urgency) == (kind, urgency)
    assert (state.since_ms == NOW) is (kind is not Kind.OK)


@pytest.mark.parametrize("first", [row[1] for row in AT_ONCE], ids=[row[0] for row in AT_ONCE])
def test_the_same_reading_again_changes_nothing(first: Reading) -> None:
    state = judge(AT_REST, first)
    assert judge(state, first) == state


def test_what_stands_behind_the_worst_is_told_with_its_own_beginning() -> None:
    spent = judge(AT_REST, Reading(NOW - 60_000, money=day(1_000)))
    storm = judge(spent, Reading(NOW, decided(1, refused(Cause.RPM, 40)), money=day(1_000)))
    assert (storm.kind, storm.since_ms) == (Kind.STORM, NOW)
    assert [(held.kind, held.since_ms) for held in storm.others] == [(Kind.SPENT, NOW - 60_000)]


def test_throttled_that_grows_into_a_storm_is_not_over() -> None:
    throttled = Reading(NOW, decided(2, refused(Cause.RPM, 9)), uses=(Use("rpm", 99, 100),))
    assert judge(AT_REST, throttled).others == (), "at a limit is not near it"
    storm = after(throttled, Reading(NOW, decided(2, refused(Cause.RPM, 40))))
    assert (storm.kind, storm.cleared) == (Kind.STORM, None)
    slack = judge(storm, Reading(NOW, decided(4, refused(Cause.RPM, 4))))
    assert (slack.kind, slack.cleared) == (Kind.THROTTLED, Kind.STORM)


def test_causes_are_told_apart() -> None:
    def cause(reading: Reading) -> tuple[str, str]:
        state = judge(AT_REST, reading)
        return state.cause, state.who

    assert cause(Reading(NOW, decided(1, refused(Cause.TARGET_TPM, 3, TARGET)))) == (
        "target_tpm",
        str(TARGET),
    )
    assert cause(Reading(NOW, decided(0, refused(Cause.PAUSED, 1, MODEL)))) == (
        "paused",
        str(MODEL),
    )
    assert cause(Reading(NOW, money=day(1_000)))[0] == "budget"
    short = decided(0, refused(Cause.BUDGET, 3), in_row=IN_ROW_3)
    assert cause(Reading(NOW, short, money=day(930)))[0] == NOT_COVERED
    held = replace(short, money_held=True)
    assert cause(Reading(NOW, held, money=day(400, 600)))[0] == HELD_MONEY


def after(first: Reading, then: Reading) -> State:
    return judge(judge(AT_REST, first), then)


def test_a_storm_that_slackens_stays_one_until_it_is_clearly_none() -> None:
    storm = Reading(NOW, decided(2, refused(Cause.RPM, 40)))

    def later(admitted: int, minute: int) -> Kind:
        slack = replace(decided(4, refused(Cause.RPM, 4, minute=minute)), admitted_60s=admitted)
        assert judge(AT_REST, Reading(NOW, slack)).kind is Kind.THROTTLED
        return after(storm, Reading(NOW, slack)).kind

    assert later(10, 29) is Kind.STORM
    assert later(15, 29) is Kind.THROTTLED
    assert later(5, 14) is Kind.THROTTLED


def test_near_is_left_at_seventy_percent() -> None:
    near = Reading(NOW, uses=(Use("tpm", 80, 100),))
    assert after(near, Reading(NOW, uses=(Use("tpm", 70, 100),))).kind is Kind.NEAR
    assert after(near, Reading(NOW, uses=(Use("tpm", 69, 100),))).kind is Kind.OK
    assert after(near, Reading(NOW, uses=(Use("rpm", 75, 100),))).kind is Kind.OK


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
        Reading(NOW - 40_000, ended=failing(9, 9, failed_in_row=9)), Reading(NOW, ended=ended)
    )
    assert (state.kind is Kind.FAILING) is still
    if still and NOW - (ended.last_failed_ms or 0) >= 10_000:
        assert state.urgency is ATTENTION, "nothing has failed for ten seconds"


def test_trouble_that_hurts_nobody_for_ten_minutes_is_attention() -> None:
    first = Reading(NOW, decided(0, refused(Cause.PAUSED, 13, MODEL)))
    later = NOW + HURTS_MS
    stale = replace(first, now_ms=later - 501)
    assert after(first, stale).urgency is TROUBLE
    assert after(first, replace(first, now_ms=later)).urgency is ATTENTION
    assert after(first, replace(first, now_ms=later)).kind is Kind.CUT_OFF


def test_what_was_cleared_stands_for_five_minutes_and_then_all_is_at_rest() -> None:
    storm = judge(AT_REST, Reading(NOW, decided(2, refused(Cause.RPM, 40))))
    ok = judge(storm, Reading(NOW + 1_000))
    assert (ok.kind, ok.cleared, ok.cleared_ms) == (Kind.OK, Kind.STORM, NOW + 1_000)
    assert judge(ok, Reading(NOW + 1_000 + CLEARED_MS - 1)).cleared is Kind.STORM
    assert judge(ok, Reading(NOW + 1_000 + CLEARED_MS)) == AT_REST


def test_what_comes_back_is_not_called_cleared() -> None:
    storm = Reading(NOW, decided(2, refused(Cause.RPM, 40)))
    ok = after(storm, Reading(NOW + 1_000))
    again = judge(ok, replace(storm, now_ms=NOW + 2_000))
    assert (again.kind, again.cleared, again.since_ms) == (Kind.STORM, None, NOW + 2_000)


def test_a_paused_model_names_whom_it_cuts_off() -> None:
    state = judge(AT_REST, Reading(NOW, paused=True, until_us=9, cuts_off=("chat", "search")))
    assert (state.who, state.until_us) == ("chat, search", 9)


BY_RPM = Reading(NOW, decided(1, refused(Cause.RPM, 40)))


@pytest.mark.parametrize(
    "trouble",
    [BY_RPM, Reading(NOW, ended=failing(9, 9, failed_in_row=9)),
     Reading(NOW, decided(0, refused(Cause.PAUSED, 9, MODEL)))],
    ids=["storm", "failing", "cut off"],
)  # fmt: skip
@pytest.mark.parametrize("cover", [{"paused": True}, {"unserved": "ledger"}], ids=str)
def test_what_a_pause_or_a_sick_gateway_hides_is_not_called_over(
    trouble: Reading, cover: dict[str, Any]
) -> None:
    assert after(trouble, Reading(NOW + 1_000, **cover)).cleared is None


def test_refusals_by_budget_under_another_word_are_not_over() -> None:
    storm = Reading(NOW, decided(5, refused(Cause.BUDGET, 40)), money=day(930))
    spent = Reading(NOW, decided(0, refused(Cause.BUDGET, 40), in_row=IN_ROW_3), money=day(930))
    for one, other in ((storm, spent), (spent, storm)):
        state = after(one, other)
        assert (state.kind, state.cleared) == (judge(AT_REST, other).kind, None)


def test_a_share_is_of_the_present_and_not_of_a_calm_minute_before_it() -> None:
    outage = judge(AT_REST, Reading(NOW, ended=failing(20, 400, present=20, failed_in_row=20)))
    assert (outage.count, outage.asked) == (20, 20)
    sudden = judge(AT_REST, Reading(NOW, decided(5, refused(Cause.RPM, 45))))
    assert (sudden.count, sudden.asked, sudden.over_ms) == (45, 50, 0)
    lasting = judge(AT_REST, Reading(NOW, decided(5, refused(Cause.RPM, 5, minute=300))))
    assert (lasting.count, lasting.asked, lasting.over_ms) == (300, 330, 60_000)


def test_one_revoked_key_is_one_trouble() -> None:
    state = judge(AT_REST, Reading(NOW, decided(0, refused(Cause.KEY_REVOKED, 9, KEY))))
    assert (state.kind, state.others) == (Kind.CUT_OFF, ())


def test_what_is_at_its_limit_is_not_near_it_as_well() -> None:
    reading = Reading(
        NOW,
        decided(9, refused(Cause.TARGET_RPM, 5, TARGET)),
        uses=(Use("rpm", 99, 100),),
    )
    assert judge(AT_REST, reading).others == ()
    held = replace(decided(0, refused(Cause.BUDGET, 3), in_row=IN_ROW_3), money_held=True)
    assert judge(AT_REST, Reading(NOW, held, money=day(400, 600))).others == ()
