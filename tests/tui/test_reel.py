"""A list without end holds what is near the cursor, and finds again what it let go."""

from collections.abc import Sequence

from quotadeck.tui.kit.reel import HEAD_KEPT, HEAD_MOST, LEAVES, Reel

LEAF = 50


def past(_: int, rows: Sequence[int]) -> int:
    return rows[-1]


def leaf(before: int) -> tuple[list[int], int | None]:
    """The numbers below, down to 1."""
    rows = list(range(before - 1, max(0, before - 1 - LEAF), -1))
    return rows, rows[-1] if rows and rows[-1] > 1 else None


def begun(newest: int) -> Reel[int, int]:
    reel: Reel[int, int] = Reel(past, 0)
    reel.begin(*leaf(newest + 1))
    return reel


def test_it_goes_down_and_up_through_all_of_them_and_holds_a_few() -> None:
    reel = begun(100_000)
    seen, most = list(reel.rows), 0
    while (at := reel.older) is not None:
        rows, following = leaf(at)
        reel.put_older(rows, following)
        seen += rows
        most = max(most, len(reel.rows))
        assert list(reel.rows) == seen[reel.before : reel.before + len(reel.rows)]
    assert seen == list(range(100_000, 0, -1))
    assert most <= (LEAVES + 1) * LEAF
    assert reel.seen == 100_000
    while (at := reel.newer) is not None:
        reel.put_newer(leaf(at)[0])
        assert list(reel.rows) == seen[reel.before : reel.before + len(reel.rows)]
        assert len(reel.rows) <= (LEAVES + 1) * LEAF
    assert reel.rows[0] == 100_000
    assert reel.before == 0


def test_what_was_let_go_behind_the_head_is_read_again() -> None:
    reel = begun(1_000)
    for _ in range(LEAVES + 3):
        assert reel.older is not None
        reel.put_older(*leaf(reel.older))
    reel.rewind()
    assert (reel.rows[0], reel.rows[-1], reel.older) == (1_000, 951, 951)


def test_what_comes_goes_on_top_and_a_long_head_loses_its_end() -> None:
    reel, newest = begun(100), 100
    reel.put_older(*leaf(51))
    while newest < 5_000:
        reel.add((newest + 2, newest + 1), trim=True)
        newest += 2
        assert len(reel.rows) <= HEAD_MOST + LEAF
    assert reel.rows[0] == 5_000
    assert len(reel.rows) >= HEAD_KEPT
    assert reel.older == reel.rows[-1]
    rows, following = leaf(reel.older)
    reel.put_older(rows, following)
    assert list(reel.rows) == list(range(5_000, reel.rows[-1] - 1, -1))


def test_who_stands_still_loses_nothing() -> None:
    reel = begun(100)
    for newest in range(101, 2_000):
        reel.add((newest,), trim=False)
    assert list(reel.rows) == list(range(1_999, 50, -1))


def test_a_leaf_of_a_search_that_found_nothing_only_says_where_to_go_on() -> None:
    reel = begun(100)
    rows = reel.rows
    reel.put_older((), 20)
    assert (reel.rows, reel.older) == (rows, 20)
    reel.put_older((7, 6), None)
    assert (reel.rows[-2:], reel.older) == ((7, 6), None)
