"""What is printed obeys nobody but us."""

import json

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.cli.show import cells, json_text, table


@given(st.text())
def test_json_has_no_byte_that_a_terminal_obeys_and_reads_back(text: str) -> None:
    told = json_text({"text": text}, indent=None)
    assert told.isascii()
    assert told.isprintable()
    assert json.loads(told) == {"text": text}


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=1))
def test_table_lines_are_single_printable_lines(rows: list[tuple[str, str]]) -> None:
    lines = table(("a", "b"), rows)
    assert len(lines) == len(rows) + 1
    assert all("\n" not in line and "\x1b" not in line and "\u202e" not in line for line in lines)


def test_wide_characters_do_not_break_the_columns() -> None:
    lines = table(
        ("name", "n"), [("分析", "1"), ("analytics", "22"), ("e\u0301te", "3")], right=" >"
    )
    assert {cells(line) for line in lines} == {len("analytics") + 4}
