"""The integer bucket step beside exact arithmetic."""

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quotadeck.domain.bucket import RESERVE_PERCENT, needed, refill, relimited, settled, wait_ns
from quotadeck.domain.limits import MICRO, Priority, RateLimit, rpm, tpm

LIMITS = st.builds(RateLimit, st.integers(1, 10**12), st.integers(1, 3_600))
PRIORITIES = st.sampled_from(Priority)
GAPS_NS = st.one_of(st.integers(0, 200_000), st.integers(0, 10**11))


def exact(level: int, at_ns: int, limit: RateLimit, now_ns: int) -> Fraction:
    """The level with continuous refill."""
    gained = Fraction(max(0, now_ns - at_ns) * limit.gain, limit.every_ns)
    return min(Fraction(limit.capacity), level + gained)


def test_a_million_steps_drift_by_nothing() -> None:
    limit = rpm(7, window_s=3_600)
    level, at_ns, now_ns = -limit.capacity, 0, 0
    for step in range(1_000_000):
        now_ns += 1 + step % 88_883
        level, at_ns = refill(level, at_ns, limit, now_ns)
    assert level < limit.capacity
    assert level == -limit.capacity + now_ns // limit.every_ns * limit.gain


@given(LIMITS, st.floats(-2, 1), st.lists(GAPS_NS, max_size=20))
def test_refill_in_many_steps_is_refill_in_one(
    limit: RateLimit, fill: float, gaps_ns: list[int]
) -> None:
    start = min(limit.capacity, int(limit.capacity * fill))
    level, at_ns, now_ns = start, 0, 0
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        level, at_ns = refill(level, at_ns, limit, now_ns)
        true = exact(start, 0, limit, now_ns)
        assert level <= true < level + limit.gain
        assert exact(level, at_ns, limit, now_ns) == true


@given(LIMITS, st.integers(-(10**9), 10**9))
def test_time_running_back_adds_nothing(limit: RateLimit, level: int) -> None:
    level = min(level, limit.capacity)
    assert refill(level, 1_000, limit, 1_000) == (level, 1_000)
    assert refill(level, 1_000, limit, 0) == (level, 1_000)


@settings(max_examples=500)
@given(LIMITS, st.floats(-2, 1), st.floats(0, 1), GAPS_NS)
@example(limit=RateLimit(140_000, 10), fill=0.999_999_999_95, share=0.999_999_999_98, gap_ns=0)
def test_the_wait_is_the_first_nanosecond_that_suffices(
    limit: RateLimit, fill: float, share: float, gap_ns: int
) -> None:
    level, at_ns = refill(min(limit.capacity, int(limit.capacity * fill)), 0, limit, gap_ns)
    need = min(limit.capacity, max(1, int(limit.capacity * share)))
    wait = wait_ns(level, at_ns, need, limit, gap_ns)
    assert refill(level, at_ns, limit, gap_ns + wait)[0] >= need
    if wait:
        assert refill(level, at_ns, limit, gap_ns + wait - 1)[0] < need


@given(LIMITS, st.integers(0, 10**18), PRIORITIES, st.booleans())
def test_a_full_bucket_serves_any_request_of_any_class(
    limit: RateLimit, amount: int, priority: Priority, shared: bool
) -> None:
    assert needed(amount, limit, priority, shared=shared) <= limit.capacity


@given(LIMITS, st.integers(0, 10**18), PRIORITIES)
def test_an_own_bucket_keeps_no_reserve(limit: RateLimit, amount: int, priority: Priority) -> None:
    assert needed(amount, limit, priority, shared=False) == min(amount, limit.capacity)


@pytest.mark.parametrize("priority", Priority)
def test_a_shared_bucket_keeps_the_reserve_of_the_classes_above(priority: Priority) -> None:
    limit = tpm(100)
    need = needed(MICRO, limit, priority, shared=True)
    assert need == (1 + RESERVE_PERCENT[priority]) * MICRO
    assert RESERVE_PERCENT == {Priority.HIGH: 0, Priority.MEDIUM: 10, Priority.LOW: 30}


@pytest.mark.parametrize(
    ("level", "held", "actual", "after"),
    [
        (0, 60, 20, 40),
        (80, 60, 20, 100),
        (0, 60, 90, -30),
        (0, 60, 10**9, -100),
        (-100, 0, 5, -100),
        (-250, 350, 350, -250),
        (-250, 350, 300, -200),
        (-250, 350, 400, -250),
    ],
)
def test_settling(level: int, held: int, actual: int, after: int) -> None:
    limit = tpm(100)
    assert settled(level * MICRO, held * MICRO, actual * MICRO, limit) == after * MICRO


@given(LIMITS, st.integers(-(10**18), 10**18), st.integers(0, 10**18), st.integers(0, 10**18))
def test_settling_moves_a_level_towards_the_truth_only(
    limit: RateLimit, level: int, held: int, actual: int
) -> None:
    level = min(level, limit.capacity)
    after = settled(level, held, actual, limit)
    assert after <= limit.capacity
    assert (after <= level) if actual >= held else (after >= level)


@pytest.mark.parametrize(
    ("level", "old", "new", "after"),
    [
        (40, 100, 200, 140),
        (40, 100, 70, 10),
        (40, 100, 30, -30),
        (0, 100, 30, -30),
        (100, 100, 30, 30),
        (-250, 100, 100, -250),
        (-250, 100, 200, -150),
        (-250, 100, 50, -250),
    ],
)
def test_a_changed_limit_keeps_what_was_used(level: int, old: int, new: int, after: int) -> None:
    assert relimited(level * MICRO, tpm(old), tpm(new)) == after * MICRO
