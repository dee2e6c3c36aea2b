"""Sparklines: what a cell says of its minutes."""

from quotadeck.tui.kit.spans import Span
from quotadeck.tui.kit.spark import cells_of, glyphs, spark


def test_cell_is_the_greatest_of_its_minutes_and_the_newest_is_whole() -> None:
    assert cells_of([1, 2, 3, 4, 5], 5) == [1, 2, 3, 4, 5]
    assert cells_of([9, 1, 2, 7, 3], 3) == [9, 2, 7]
    assert cells_of([None, None, 4, None], 2) == [None, 4]
    assert cells_of([], 4) == []


def test_something_is_never_drawn_as_nothing_nor_less_than_the_limit_as_full() -> None:
    assert glyphs([0, 1, 99, 100, 250, None], 100) == "▁▂▇██·"


def test_it_is_as_wide_as_asked_and_its_top_is_its_own_greatest_without_a_limit() -> None:
    assert spark([0, 5, 10], 5) == [Span("  "), Span("▁▄█", "normal")]
    assert spark([None, 10], 2, 20) == [Span("·", "dim"), Span("▄", "normal")]


def test_minutes_are_in_trouble_where_over_a_tenth_was_refused() -> None:
    asked, refused = [10, 10, 100, 0], [1, 2, 11, 0]
    drawn = spark(asked, 4, refused=refused, asked=asked)
    assert [span.role for span in drawn] == ["normal", "trouble", "normal"]
    assert [len(span.text) for span in drawn] == [1, 2, 1]
    halves = spark(asked, 2, refused=refused, asked=asked)
    assert [span.role for span in halves] == ["trouble"], "summed over the cell's minutes"
