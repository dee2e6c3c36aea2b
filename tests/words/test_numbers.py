"""Numbers keep their promised width and never say more than they know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.words import numbers as f


@pytest.mark.parametrize(
    ("number", "three", "short"),
    [
        (0, "0", "0"), (999, "999", "999"), (1_284, "1.28k", "1.3k"), (9_996, "10k", "10k"),
        (74_100, "74.1k", "74k"), (310_000, "310k", "310k"), (999_600, "1M", "1M"),
        (1_100_000, "1.1M", "1.1M"), (2_000_000_000, "2G", "2G"),
    ],
)  # fmt: skip
def test_three_significant_figures(number: int, three: str, short: str) -> None:
    assert f.three(number) == three
    assert f.short(number) == short


@given(st.integers(0, 10**12 - 10**9))
def test_figures_fit_their_columns(number: int) -> None:
    assert len(f.three(number)) <= 5
    assert len(f.short(number)) <= 4


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_percents_and_latencies_fit_four_cells(part: int, whole: int) -> None:
    assert len(f.percent(min(part, whole), whole)) <= 4
    assert len(f.latency(part)) <= 4
