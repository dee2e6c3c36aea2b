"""Tables of the commands: aligned, harmless, and no wider than the terminal."""

import shlex
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.cli.fold import cells, folded
from quotadeck.cli.table import cut, table
from tests.processes import Gateway
from tests.screen import Screen

HEADS = ("project", "state", "rpm", "why")
ROWS = [
    ("analytics", "throttled by rpm", "1.2k", "a long story that nobody reads to its end"),
    ("a-project-with-a-long-name", "ok", "74k", "short"),
]


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=1))
def test_table_lines_are_single_printable_lines(rows: list[tuple[str, str]]) -> None:
    lines, _ = table(("a", "b"), rows)
    assert len(lines) == len(rows) + 1
    assert all("\n" not in line and "\x1b" not in line and "\u202e" not in line for line in lines)


def test_wide_characters_do_not_break_the_columns() -> None:
    rows = [("分析", "1"), ("analytics", "22"), ("e\u0301te", "3")]
    lines, _ = table(("name", "n"), rows, right=" >")
    assert {cells(line) for line in lines} == {len("analytics") + 4}


def test_where_there_is_room_nothing_is_cut() -> None:
    lines, left_out = table(HEADS, ROWS, right="  >", spare=("why",), room=200)
    assert (lines, left_out) == table(HEADS, ROWS, right="  >")
    assert ROWS[0][3] in lines[1]


def test_texts_are_cut_before_a_column_goes_and_names_and_numbers_are_not() -> None:
    lines, left_out = table(HEADS, ROWS, right="  >", spare=("why",), room=60)
    assert not left_out
    assert max(map(cells, lines)) == 60
    assert "a-project-with-a-long-name" in lines[2]
    assert "1.2k" in lines[1]
    assert "a long stor…" in lines[1]


def test_what_can_be_spared_goes_first_to_last_and_no_sooner_than_it_must() -> None:
    lines, left_out = table(HEADS, ROWS, right="  >", spare=("why", "rpm"), room=45)
    assert left_out == ["why"]
    assert lines[0].split() == ["project", "state", "rpm"]
    assert table(HEADS, ROWS, right="  >", spare=("why", "rpm"), room=38)[1] == ["why", "rpm"]


@given(st.text("ab 分é\u0301", min_size=1, max_size=30), st.integers(2, 12))
def test_what_is_cut_takes_the_room_it_has(text: str, width: int) -> None:
    short = cut(text, width)
    assert cells(short) <= width
    assert short == text or "…" in short
    assert cells(text) > width or short == text


def test_a_name_keeps_both_its_ends() -> None:
    assert cut("main/claude-opus-4.7", 11) == "main/…s-4.7"
    assert cut("two words, and more", 11) == "two words,…"


@pytest.mark.parametrize("command", ["projects", "models", "audit", "calls", "events", "key list"])
def test_no_table_is_wider_than_its_terminal_whatever_was_exported(
    gateway: Gateway, command: str
) -> None:
    exported = {"COLUMNS": "250", "LINES": "9", "QUOTADECK_SOCKET": str(gateway.socket)}
    asked = [sys.executable, "-m", "quotadeck", *shlex.split(command)]
    with Screen(asked, exported, columns=80, rows=50) as screen:
        assert screen.exit_code(30) == 0
        lines = screen.raw.decode().splitlines()
    assert lines
    assert max(map(cells, lines)) <= 80, lines


def test_help_is_no_wider_than_the_terminal_whatever_was_exported() -> None:
    asked = [sys.executable, "-m", "quotadeck", "projects", "--help"]
    with Screen(asked, {"COLUMNS": "250"}, columns=66, rows=50) as screen:
        assert screen.exit_code(30) == 0
        assert max(map(cells, screen.raw.decode().splitlines())) <= 66


def test_a_text_that_must_be_read_outlives_what_can_be_spared() -> None:
    assert table(HEADS, ROWS, right="  >", spare=("rpm",), room=52)[1] == []
    lines, left_out = table(HEADS, ROWS, right="  >", spare=("rpm",), least={"why": 10}, room=52)
    assert left_out == ["rpm"]
    assert max(map(cells, lines)) <= 52
    tight, _ = table(HEADS, ROWS, least={"why": 10, "state": 30}, right="  >", room=52)
    assert max(map(cells, tight)) <= 52


def test_a_sentence_is_folded_between_its_words() -> None:
    line = "! analytics: storm ×4 2m: by its tpm, 分析 of 66 refused in 60s"
    folds = folded(line, 24).split("\n")
    assert " ".join(fold.strip() for fold in folds) == line
    assert max(map(cells, folds)) <= 24
    assert all(fold.startswith("  ") for fold in folds[1:])
    assert folded(line, None) == line
    assert folded(f"one\n{line}", 24).split("\n") == ["one", *folds]
    assert folded("an-unbreakable-name-of-thirty", 8).strip() == "an-unbreakable-name-of-thirty"
