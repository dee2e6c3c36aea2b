"""Sliding sums: exact to a slot, in bounded memory, whatever order the instants come in."""

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.gateway.watch.windows import SlidingSums

SECOND_NS = 1_000_000_000
ADDS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 1), st.integers(0, 9)), max_size=60)


def test_sum_holds_for_the_span_and_then_leaves_whole() -> None:
    window = SlidingSums(1, SECOND_NS, 60)
    window.slot(5 * SECOND_NS)[0] += 7
    assert window.advance(64 * SECOND_NS + SECOND_NS - 1) == [7]
    assert window.advance(65 * SECOND_NS) == [0]
    assert window.next_ns is None


def test_columns_do_not_mix() -> None:
    window = SlidingSums(3, SECOND_NS, 60)
    window.slot(0)[0] += 1
    window.slot(0)[2] += 5
    window.slot(SECOND_NS)[2] += 5
    assert window.advance(SECOND_NS) == [1, 0, 10]


@given(ADDS)
def test_sums_are_those_of_the_slots_that_are_left(adds: list[tuple[int, int, int]]) -> None:
    window = SlidingSums(2, 10, 5)
    kept: list[tuple[int, int, int]] = []
    for now, column, amount in sorted(adds):
        window.slot(now)[column] += amount
        kept = [one for one in [*kept, (now, column, amount)] if one[0] // 10 > now // 10 - 5]
        expected = [sum(one[2] for one in kept if one[1] == at) for at in (0, 1)]
        assert window.advance(now) == expected


@given(ADDS)
def test_instants_out_of_order_lose_nothing_and_grow_no_more_than_the_span(
    adds: list[tuple[int, int, int]],
) -> None:
    """A request is counted at its arrival, which may lie before another's end."""
    window = SlidingSums(2, 10, 5)
    total = 0
    latest = 0
    for now, _, amount in adds:
        latest = max(latest, now)
        window.slot(now)[0] += amount
        window.slot(now)[1] += 1
        total += amount
        assert len(window._when) <= latest // 10 + 1
    assert sum(slot[1][0] for slot in window._when) == window.advance(latest)[0] <= total
    assert window.advance(latest + 60) == [0, 0]
