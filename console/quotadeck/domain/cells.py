"""Texts from outside as cells of what is exported: read as text there, whatever they hold."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_BLANK: Final = re.compile(r"\s+")
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""Also as Japanese and Chinese keyboards write them, and behind blanks: spreadsheets take both."""


def markdown_cell(text: str) -> str:
    """The text as Markdown that is drawn as the text, on one line."""
    return _MARKDOWN.sub(r"\\\1", _BLANK.sub(" ", text).strip())


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: str = "") -> str:
    """A table; cells are Markdown already. ``right`` has a ``>`` where a column is of numbers."""
    rule = ["--:" if right[at : at + 1] == ">" else "---" for at in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def csv_cell(text: str) -> str:
    """A cell of a CSV file that no spreadsheet takes for a formula: it has an apostrophe before."""
    if text.lstrip().startswith(_FORMULA):
        text = f"'{text}"
    if any(each in text for each in ',"\r\n') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lines as RFC 4180 has them, with the names of the columns first."""
    return "".join(f"{','.join(map(csv_cell, cells))}\r\n" for cells in (heads, *rows))
