"""One editor for everything that is typed: what a key does to the text and to the cursor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from quotadeck.domain.text import clean
from quotadeck.tui.keys.table import ACTIONS
from quotadeck.tui.kit.editor import Editor

VERBS = tuple(act.verb for act in ACTIONS if act.scope == "editor")


def at_cursor(line: Editor) -> str:
    """The text with a bar where the cursor is."""
    return f"{line.text[: line.at]}|{line.text[line.at :]}"


def editor(marked: str) -> Editor:
    before, _, after = marked.partition("|")
    return Editor(before + after, len(before))


@pytest.mark.parametrize(
    ("before", "verb", "after"),
    [
        ("one two|", "left", "one tw|o"),
        ("|one", "left", "|one"),
        ("o|ne", "right", "on|e"),
        ("one|", "right", "one|"),
        ("one two|", "start", "|one two"),
        ("|one two", "end", "one two|"),
        ("one two|", "word_left", "one |two"),
        ("one  |two", "word_left", "|one  two"),
        ("o|ne two", "word_right", "one| two"),
        ("one| two", "word_right", "one two|"),
        ("one two|", "rub_out", "one tw|"),
        ("|one", "rub_out", "|one"),
        ("o|ne", "delete", "o|e"),
        ("one|", "delete", "one|"),
        ("one two|", "delete_word", "one |"),
        ("one two  |", "delete_word", "one |"),
        ("one tw|o", "delete_word", "one |o"),
        ("one |two", "delete_before", "|two"),
        ("one |two", "delete_after", "one |"),
    ],
)
def test_what_each_key_does(before: str, verb: str, after: str) -> None:
    assert at_cursor(editor(before).do(verb)) == after


def test_every_verb_of_the_table_is_the_editors() -> None:
    assert len(VERBS) >= 11
    for verb in VERBS:
        editor("one| two").do(verb)


def test_what_is_typed_goes_before_the_cursor() -> None:
    assert at_cursor(editor("o|e").insert("n")) == "on|e"


def test_what_does_not_fit_is_left_out_and_nothing_that_stood_there_goes() -> None:
    full = Editor("head tail", 4, limit=12).insert(" in the middle")
    assert at_cursor(full) == "head in| tail"
    assert full.insert("more") == full
    assert Editor(limit=5).insert("x" * 10_000).text == "xxxxx"


def test_what_is_pasted_is_made_safe_and_its_lines_end_is_no_part_of_it() -> None:
    assert Editor().insert("why\r\n").text == "why"
    pasted = Editor().insert("a\x1b[2Jb\u202ec\nd").text
    assert pasted.isprintable()
    assert (pasted[0], pasted[-2:]) == ("a", "⏎d")


@pytest.mark.parametrize("verb", ["rub_out", "delete", "delete_word", "delete_before"])
def test_a_proposal_that_nobody_touched_goes_as_a_whole(verb: str) -> None:
    fresh = Editor.holding("1h", fresh=True)
    assert fresh.do(verb).text == ""
    assert fresh.insert("30m").text == "30m"
    assert at_cursor(fresh.do("end").insert("30m")) == "1h30m|"
    assert not fresh.do("left").fresh


def test_the_cursor_never_stands_between_a_character_and_its_marks() -> None:
    line = Editor.holding("e\u0301te\u0301")
    assert at_cursor(line.do("left")) == "e\u0301t|e\u0301"
    assert line.do("rub_out").text == "e\u0301t"
    assert at_cursor(line.do("start").do("right")) == "e\u0301|te\u0301"
    assert line.do("start").do("delete").text == "te\u0301"


@pytest.mark.parametrize(
    ("marked", "width", "seen"),
    [
        ("abc|", 5, ("abc", " ", "")),
        ("abcdef|", 4, ("def", " ", "")),
        ("|abcdef", 4, ("", "a", "bcd")),
        ("漢字漢字|", 6, ("漢字", " ", "")),
        ("漢|字漢字", 6, ("漢", "字", "漢")),
        ("漢字漢|字", 5, ("漢", "字", "")),
    ],
)
def test_the_window_is_where_the_cursor_is(
    marked: str, width: int, seen: tuple[str, str, str]
) -> None:
    assert editor(marked).window(width) == seen


TYPED = st.one_of(
    st.sampled_from(VERBS).map(lambda verb: ("do", verb)),
    st.text(max_size=9).map(lambda text: ("insert", text)),
)


@given(st.lists(TYPED, max_size=30), st.integers(3, 20), st.booleans())
def test_whatever_is_typed_it_stays_bounded_safe_and_seen(
    typed: list[tuple[str, str]], width: int, fresh: bool
) -> None:
    line = Editor.holding("1h", limit=12, fresh=fresh)
    for how, what in typed:
        line = line.do(what) if how == "do" else line.insert(what)
        before, under, after = line.window(width)
        assert len(line.text) <= 12
        assert 0 <= line.at <= len(line.text)
        assert clean(line.text) == line.text
        assert cell_len(before + under + after) <= width
        assert line.text.startswith(before, line.at - len(before))
