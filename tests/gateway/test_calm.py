"""Who is calm is judged in haste, and no other word comes of it."""

import random
from typing import Any

import pytest

from quotadeck.domain import judgement
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.evidence import DayBudget, Ended, Evidence, Use
from quotadeck.domain.judgement import judge
from quotadeck.domain.state import AT_REST
from quotadeck.domain.subject import Subject
from quotadeck.gateway.watch.tally import Tally
from tests.gateway.values import call

SECOND_NS = 1_000_000_000
GATES = (Subject.project("a"), Subject.model("opus"), Subject.target("main/opus"))
ENDS = (
    (Outcome.OK, Cause.NONE),
    (Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX),
    (Outcome.CLIENT_ERROR, Cause.UPSTREAM_4XX),
)
CAUSES = (Cause.RPM, Cause.BUDGET, Cause.PAUSED, Cause.KEY_REVOKED, Cause.INVALID, Cause.UNRECORDED)


def happen(dice: random.Random, tally: Tally, now_ns: int, *, trouble: bool) -> None:
    for _ in range(dice.randrange(12)):
        tally.admitted(now_ns)
        outcome, cause = dice.choice(ENDS[: 3 if trouble else 1])
        tally.ended(now_ns, call(outcome=outcome, cause=cause))
        if trouble and dice.random() < 0.7:
            cause, gate = dice.choice(CAUSES), dice.choice(GATES)
            tally.refused(now_ns, cause, gate, money_held=dice.random() < 0.5)


@pytest.mark.parametrize("seed", range(20))
def test_the_short_reading_of_a_calm_subject_is_judged_as_the_long_one(seed: int) -> None:
    dice = random.Random(seed)
    tally, now_ns, calm = Tally(), 10 * SECOND_NS, 0
    before = AT_REST
    for step in range(200):
        now_ns += dice.choice([1, 3, 9, 40, 700, 3_599]) * SECOND_NS
        happen(dice, tally, now_ns, trouble=step % 40 < 4)
        now_ns += dice.choice([0, 1, 11, 61]) * SECOND_NS
        paused, spent = dice.random() < 0.1, dice.randrange(12)
        rest: dict[str, Any] = {
            "uses": (Use("rpm", dice.randrange(12), 10),),
            "money": dice.choice([None, DayBudget(10, spent, dice.randrange(3), 99)]),
            "paused": paused,
        }
        now_ms = now_ns // 1_000_000
        long = Evidence(now_ms, tally.decided(now_ns), tally.ended_lately(now_ns), **rest)
        if tally.calm(now_ns):
            calm += 1
            short = Evidence(now_ms, tally.admitted_lately(now_ns), Ended(), **rest)
            assert judge(before, short) == judge(before, long)
            assert judge(AT_REST, short) == judge(AT_REST, long)
        if not long.decided.refused and not long.ended.troubled:
            for found in (
                judgement._cut_off(long),
                judgement._refused_often(before, long),
                judgement._failing(before, long),
                judgement._rejected(long),
            ):
                assert not list(found)
        before = judge(before, long)
    assert calm > 20
