"""Numbers keep their promised width and never say more than they know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.tui import figures as f
from quotadeck.tui.kit.fit import bar, cell_len, fit, fit_tail, folded


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


def test_long_whole_numbers_are_grouped_and_other_words_are_left() -> None:
    assert [f.grouped(text) for text in ("1500000", "20", "$5.00", "unlimited", "")] == [
        "1,500,000", "20", "$5.00", "unlimited", "",
    ]  # fmt: skip


@given(st.floats(0, 1), st.integers(1, 20))
def test_a_bar_is_full_only_when_it_is_and_empty_only_when_it_is(share: float, cells: int) -> None:
    drawn = bar(share, cells)
    assert len(drawn) == cells
    assert (drawn.strip() == "") is (share == 0)
    assert (drawn == "█" * cells) is (share == 1)


@given(st.text(max_size=60), st.integers(1, 40))
def test_fitted_text_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    shown = "".join(c for c in text if c.isprintable())
    assert cell_len(fit(shown, width)) == width
    assert cell_len(fit_tail(shown, width)) == width


@given(st.lists(st.text("abc日", min_size=1, max_size=30), max_size=8), st.integers(4, 30))
def test_folding_keeps_every_letter_within_the_width(words: list[str], width: int) -> None:
    text = " ".join(words)
    lines = folded(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_name_too_long_keeps_the_end_that_tells_more() -> None:
    assert fit_tail("main/claude-opus-4.7", 12) == "…de-opus-4.7"
    assert fit("日本語のプロジェクト", 9) == "日本語の…"
