"""The fixed histogram of milliseconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.latency import BOUNDS_MS, COLUMNS, column, quantile_ms

MS = st.floats(0, 200_000)


@given(MS)
def test_a_latency_falls_between_its_columns_bounds(ms: float) -> None:
    index = column(ms)
    assert index == COLUMNS - 1 or ms <= BOUNDS_MS[index]
    assert index == 0 or ms > BOUNDS_MS[index - 1]


def test_there_are_36_columns_and_the_last_is_open() -> None:
    assert COLUMNS == 36
    assert column(0) == 0
    assert column(BOUNDS_MS[-1]) == 34
    assert column(10**9) == 35


@given(
    st.lists(MS.filter(lambda ms: 1 <= ms <= BOUNDS_MS[-1]), min_size=1),
    st.sampled_from([0.5, 0.95, 0.99]),
)
def test_a_quantile_is_at_most_one_column_away(latencies: list[float], q: float) -> None:
    counts = [0] * COLUMNS
    for ms in latencies:
        counts[column(ms)] += 1
    true = sorted(latencies)[max(0, -int(-q * len(latencies) // 1) - 1)]
    found = quantile_ms(counts, q)
    assert found is not None
    assert true / 2**0.5 * 0.99 - 1 <= found <= true * 2**0.5 * 1.01 + 1


@pytest.mark.parametrize(("q", "ms"), [(0.5, 1), (0.9, 1), (0.95, 874), (1.0, 1_024)])
def test_the_p95_is_where_95_of_100_lie_below_within_its_column(q: float, ms: int) -> None:
    counts = [0] * COLUMNS
    counts[column(1)], counts[column(1_000)] = 90, 10
    assert quantile_ms(counts, q) == ms


def test_without_counts_there_is_no_quantile() -> None:
    assert quantile_ms([0] * COLUMNS, 0.95) is None


def test_the_open_column_reports_the_last_bound() -> None:
    counts = [0] * COLUMNS
    counts[-1] = 1
    assert quantile_ms(counts, 0.5) == round(BOUNDS_MS[-1])
