"""Text from outside is shown, never obeyed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.text import MAX_CHARS, clean, counted

ANYTHING = st.text(st.characters(codec=None), max_size=700)
HOSTILE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(ANYTHING)
def test_nothing_survives_that_a_terminal_obeys_or_that_hides_text(text: str) -> None:
    assert not [one for one in clean(text) if unicodedata.category(one) in HOSTILE]


@given(ANYTHING, st.integers(1, 300))
def test_text_is_cut_to_its_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit)) <= limit


@given(ANYTHING, st.integers(1, 300))
def test_cleaning_clean_text_changes_nothing(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert clean(once, limit) == once


@given(ANYTHING, st.integers(1, 300))
def test_text_that_was_cut_says_so(text: str, limit: int) -> None:
    if len(text.replace("\r", "")) > limit:
        assert clean(text, limit).endswith("…")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("analytics", "analytics"),
        ("日本語 é", "日本語 é"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("a\r\nb\tc", "a⏎b c"),
        ("\x1b]52;c;aGk=\x07", "\ufffd]52;c;aGk=\ufffd"),
        ("\x1b[2J", "\ufffd[2J"),
        ("\x9b2J", "\ufffd2J"),
        ("safe\u202eexe.txt", "safe\ufffdexe.txt"),
        ("zero\u200bwidth", "zero\ufffdwidth"),
        ("\u2028\u2029\ud800\ue000", "\ufffd" * 4),
        ("x" * (MAX_CHARS + 1), "x" * (MAX_CHARS - 1) + "…"),
        ("\r" * 600 + "hidden", "…"),
    ],
)
def test_hostile_text_can_be_seen(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_one_thing_is_no_plural() -> None:
    assert [counted(n, "call") for n in (0, 1, 2, 12_000)] == [
        "0 calls",
        "1 call",
        "2 calls",
        "12,000 calls",
    ]
    assert counted(1, "it was", "they were") == "1 it was"
    assert counted(3, "it was", "they were") == "3 they were"
