"""Limits as values: capacities, exact refill fractions, keys."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.limits import MAX_PER_MINUTE, MICRO, Priority, RateLimit, rpm, tpm
from quotadeck.domain.rules import LimitKind, bucket_key, bucket_of
from quotadeck.domain.subject import Subject


@given(st.integers(1, MAX_PER_MINUTE), st.integers(1, 3_600))
def test_the_refill_fraction_is_the_limit_exactly(per_minute: int, window_s: int) -> None:
    limit = RateLimit(per_minute, window_s)
    per_ns = Fraction(per_minute * MICRO, 60 * 10**9)
    assert Fraction(limit.gain, limit.every_ns) == per_ns
    assert limit.every_ns <= 60_000


@given(st.integers(1, MAX_PER_MINUTE), st.integers(1, 3_600))
def test_capacity_is_the_window_or_one_unit(per_minute: int, window_s: int) -> None:
    window = per_minute * MICRO * window_s // 60
    assert RateLimit(per_minute, window_s).capacity == max(MICRO, window)


def test_the_default_windows() -> None:
    assert rpm(60).capacity == 10 * MICRO
    assert rpm(1).capacity == MICRO
    assert tpm(60).capacity == 60 * MICRO


@pytest.mark.parametrize("per_minute", [0, -1, MAX_PER_MINUTE + 1])
def test_a_limit_out_of_range_is_named(per_minute: int) -> None:
    with pytest.raises(ValueError, match=f"{per_minute} per minute"):
        rpm(per_minute)


@pytest.mark.parametrize("window_s", [0, 3_601])
def test_a_window_out_of_range_is_named(window_s: int) -> None:
    with pytest.raises(ValueError, match=f"{window_s} s"):
        rpm(60, window_s)


@pytest.mark.parametrize("kind", LimitKind)
def test_a_bucket_key_ends_with_its_kind(kind: LimitKind) -> None:
    key = bucket_key(Subject.target("up/m:with:colons"), kind)
    assert key == f"target:up/m:with:colons:{kind.value}"
    assert bucket_of(key) == (Subject.target("up/m:with:colons"), kind)


def test_priorities_sort_the_most_urgent_first() -> None:
    assert sorted(Priority) == [Priority.HIGH, Priority.MEDIUM, Priority.LOW]
    assert [one.word for one in Priority] == ["high", "medium", "low"]
