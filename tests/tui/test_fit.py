"""Text fills exactly the cells that it is given, and a bar says no more than is known."""

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.tui.kit.fit import bar, cell_len, fit, fit_tail, folded


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
