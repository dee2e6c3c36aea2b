"""Slow and spending fast: from three times the usual of the hour on, until it is below twice."""

import pytest

from quotadeck.domain.evidence import Evidence
from quotadeck.domain.judgement import judge
from quotadeck.domain.latency import COLUMNS, column
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.state import AT_REST, State, StateKind, Urgency
from quotadeck.domain.usual import HOUR_US, NOTHING_LATELY, Lately, Usual, same_hours, usual_of

NOW = 10_000_000
USUAL = Usual(1_000, 2 * NANO_PER_USD)


def judged(lately: Lately, before: State = AT_REST, usual: Usual | None = USUAL) -> StateKind:
    return judge(before, Evidence(NOW, usual=usual, lately=lately)).kind


def slow(p95_ms: int, ended: int = 20) -> Lately:
    return Lately(ended, p95_ms)


def spends(per_hour: float, *, now_too: float | None = None) -> Lately:
    """Dollars an hour over the last ten minutes, and over the last one."""
    minute = per_hour if now_too is None else now_too
    return Lately(
        nano_60s=round(minute * NANO_PER_USD / 60), nano_10m=round(per_hour * NANO_PER_USD / 6)
    )


@pytest.mark.parametrize(
    ("lately", "kind"),
    [
        (NOTHING_LATELY, StateKind.OK),
        (slow(3_001), StateKind.SLOW),
        (slow(3_000), StateKind.OK),
        (slow(9_000, ended=19), StateKind.OK),
        (spends(6.1), StateKind.SPENDING),
        (spends(5.9), StateKind.OK),
        (spends(60, now_too=0), StateKind.OK),
        (spends(0.5, now_too=60), StateKind.OK),
    ],
)
def test_three_times_the_usual_is_unusual(lately: Lately, kind: StateKind) -> None:
    assert judged(lately) is kind
    assert judged(lately, usual=None) is StateKind.OK, "no history, no word"


def test_cents_are_not_worth_a_word_however_many_times_the_usual() -> None:
    poor = Usual(1_000, NANO_PER_USD // 100)
    assert judged(spends(1.0), usual=poor) is StateKind.OK
    assert judged(spends(1.02), usual=poor) is StateKind.SPENDING


@pytest.mark.parametrize(
    ("first", "then", "kind"),
    [
        (slow(3_001), slow(2_001, ended=5), StateKind.SLOW),
        (slow(3_001), slow(2_000, ended=5), StateKind.OK),
        (slow(3_001), slow(9_000, ended=4), StateKind.OK),
        (spends(7), spends(4.1, now_too=1), StateKind.SPENDING),
        (spends(7), spends(3.9), StateKind.OK),
        (spends(7), spends(7, now_too=0), StateKind.OK),
    ],
)
def test_it_is_over_below_twice_the_usual_or_in_silence(
    first: Lately, then: Lately, kind: StateKind
) -> None:
    before = judge(AT_REST, Evidence(NOW, usual=USUAL, lately=first))
    assert judged(then, before) is kind


def test_it_is_attention_with_its_figures_and_behind_every_trouble() -> None:
    state = judge(
        AT_REST,
        Evidence(NOW, usual=USUAL, lately=Lately(nano_60s=10**9, nano_10m=2 * NANO_PER_USD)),
    )
    assert (state.urgency, state.count, state.asked) == (
        Urgency.ATTENTION,
        12 * NANO_PER_USD,
        2 * NANO_PER_USD,
    )
    both = Lately(20, 4_000, 10**9, 10**10)
    kinds = judge(AT_REST, Evidence(NOW, usual=USUAL, lately=both))
    assert (kinds.kind, kinds.others[0].kind) == (StateKind.SLOW, StateKind.SPENDING)


def test_what_is_usual_is_a_mean_of_days_and_a_percentile_of_all_their_calls() -> None:
    latencies = [0] * COLUMNS
    latencies[column(1_000)] = 100
    usual = usual_of(3, 9 * NANO_PER_USD, latencies)
    assert usual is not None
    assert usual.nano_an_hour == 3 * NANO_PER_USD
    assert 700 < usual.p95_ms <= 1_024
    assert usual_of(2, 9, latencies) is None, "two days are no habit"
    latencies[column(1_000)] = 99
    assert usual_of(3, 9, latencies) is None


def test_the_hours_are_those_of_the_days_before() -> None:
    hours = same_hours(400 * HOUR_US + 5)
    assert len(hours) == 14
    assert hours[0] == (400 - 24) * HOUR_US
    assert {hour % (24 * HOUR_US) for hour in hours} == {16 * HOUR_US}
