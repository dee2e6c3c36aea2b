"""What the last minutes say about a change."""

import pytest

from quotadeck.domain.answers import Estimate
from quotadeck.domain.cause import Cause
from quotadeck.domain.change_estimate import Minute, at_price, under_change
from quotadeck.domain.commands import Field
from quotadeck.domain.money import Price
from quotadeck.domain.subject import SubjectKind


def minute(forwarded: int, *, seconds: int = 60, **refused: int) -> Minute:
    """Each forwarded request is 90 input (30 cached) and 10 output tokens, and costs 1,000."""
    return Minute(
        forwarded,
        90 * forwarded,
        30 * forwarded,
        10 * forwarded,
        0,
        1_000 * forwarded,
        refused,
        seconds,
    )


def changed(
    minutes: list[Minute],
    name: Field,
    was: int | bool | None,
    becomes: int | bool | None,
    *,
    kind: SubjectKind = SubjectKind.PROJECT,
    spent: int = 0,
) -> Estimate:
    told = under_change(minutes, kind, name, was, becomes, spent)
    assert told is not None
    assert told.requests == told.admitted_before + told.refused_before
    assert told.requests == told.admitted_after + told.refused_after
    return told


def test_a_pause_would_have_refused_everything() -> None:
    told = changed([minute(20, rpm=30), minute(5)], Field.PAUSED, None, True)
    assert (told.admitted_before, told.admitted_after, told.spend_after_nano) == (25, 0, 0)
    assert (told.requests, told.spend_before_nano) == (55, 25_000)


def test_a_resume_would_have_let_in_what_the_pause_refused() -> None:
    told = changed([minute(10), minute(0, paused=7, rpm=2)], Field.PAUSED, True, None)
    assert (told.admitted_after, told.refused_after) == (17, 2)
    assert told.spend_after_nano == 17_000, "at the window's mean cost"


def test_more_rpm_admits_what_rpm_refused_up_to_the_limit_of_each_minute() -> None:
    minutes = [minute(20, rpm=30), minute(20, rpm=5, tpm=4), minute(3)]
    told = changed(minutes, Field.RPM, 20, 40)
    assert told.admitted_after == 40 + 25 + 3
    assert told.refused_after == 10 + 4 + 0, "what other limits refused stays refused"
    assert told.spend_after_nano == 68_000


def test_less_rpm_caps_each_minute() -> None:
    told = changed([minute(20, rpm=30), minute(3)], Field.RPM, 20, 10)
    assert (told.admitted_before, told.admitted_after) == (23, 13)


def test_no_limit_any_more_admits_all_that_it_refused() -> None:
    assert changed([minute(20, rpm=300)], Field.RPM, 20, None).admitted_after == 320


def test_a_burst_above_the_limit_is_never_taken_back_by_a_raise() -> None:
    assert changed([minute(23)], Field.RPM, 20, 21).admitted_after == 23


def test_the_minute_that_is_not_over_has_its_share_of_the_limit() -> None:
    told = changed([minute(10, rpm=90, seconds=30)], Field.RPM, 20, 40)
    assert told.admitted_after == 20


def test_tpm_counts_in_the_minutes_own_tokens_a_request() -> None:
    told = changed([minute(10, tpm=10)], Field.TPM, 1_000, 1_550)
    assert told.admitted_after == 15
    assert changed([minute(10)], Field.TPM, 1_000, 500).admitted_after == 5


def test_a_minute_that_let_none_through_is_measured_by_the_window() -> None:
    told = changed([minute(10), minute(0, tpm=50)], Field.TPM, 1_000, 2_000)
    assert told.admitted_after == 10 + 20


def test_a_budget_is_what_is_left_of_the_day_when_the_window_began() -> None:
    minutes = [minute(10), minute(10), minute(0, budget=30)]
    more = changed(minutes, Field.BUDGET, 100_000, 110_000, spent=100_000)
    assert more.admitted_after == 20 + 10
    less = changed(minutes, Field.BUDGET, 100_000, 95_000, spent=100_000)
    assert less.admitted_after == 15
    nothing = changed(minutes, Field.BUDGET, 100_000, 40_000, spent=100_000)
    assert (nothing.admitted_after, nothing.spend_after_nano) == (0, 0)


def test_a_targets_limit_goes_by_the_targets_refusals() -> None:
    minutes = [minute(50, target_rpm=30, rpm=9)]
    assert changed(minutes, Field.RPM, 50, 70, kind=SubjectKind.TARGET).admitted_after == 70


@pytest.mark.parametrize("name", [Field.RPM, Field.TPM, Field.BUDGET, Field.PAUSED])
def test_no_traffic_and_no_change_say_nothing(name: Field) -> None:
    value = True if name is Field.PAUSED else 7
    assert changed([], name, None, value).requests == 0
    told = changed([minute(20, rpm=3)], name, value, value)
    assert told.admitted_after == told.admitted_before


def test_concurrency_cannot_be_told_from_roll_ups() -> None:
    assert under_change([minute(3)], SubjectKind.PROJECT, Field.CONCURRENCY, 4, 2) is None


def test_another_target_has_another_price_and_as_many_requests() -> None:
    told = at_price([minute(10, rpm=5)], Price(1_000, 10_000, 500, 1_000, "v"))
    assert told.spend_after_nano == (600 * 1_000 + 300 * 500 + 100 * 10_000) // 1_000
    assert (told.admitted_before, told.admitted_after, told.refused_after) == (10, 10, 5)


def test_the_causes_have_columns() -> None:
    assert minute(1, never_fits=4).refused_by(Cause.NEVER_FITS) == 4
