"""A terminal gets signs that it has, and trouble is told where there is no colour."""

import ast
from itertools import chain

import pytest

from quotadeck.tui.kit import glyphs
from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.glyphs import ASCII, COLOURLESS, UNICODE, Glyphs, drawn, glyphs_for
from quotadeck.tui.kit.lines import changed_cells
from quotadeck.tui.kit.spans import Span
from tests.screen import Screen
from tests.test_tree import PACKAGE
from tests.tui.test_terminal import PLAY, console


@pytest.mark.parametrize(
    ("environ", "chosen"),
    [
        ({}, UNICODE),
        ({"LANG": "en_GB.UTF-8"}, UNICODE),
        ({"LANG": "C.utf8", "TERM": "xterm"}, UNICODE),
        ({"LANG": "C"}, ASCII),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, ASCII),
        ({"LC_CTYPE": "en_GB.ISO-8859-1"}, ASCII),
        ({"LANG": "en_GB.UTF-8", "TERM": "linux"}, ASCII),
        ({"NO_COLOR": "1"}, COLOURLESS),
    ],
)
def test_signs_follow_the_locale_the_terminal_and_its_colours(
    environ: dict[str, str], chosen: Glyphs
) -> None:
    assert glyphs_for(environ) is chosen


def test_a_sign_is_as_wide_as_the_one_that_it_stands_for() -> None:
    for one in (ASCII, COLOURLESS):
        for table in (one.table, one.trouble):
            assert all(cell_len(chr(of)) == cell_len(chr(sign)) for of, sign in table.items())
    before = glyphs.use(ASCII)
    try:
        for text in ("漢字 ok", "😀 shop", "é", "naïve"):
            assert drawn(text, "normal").isascii()
            assert cell_len(drawn(text, "normal")) == cell_len(text)
        assert drawn("▁▄█", "normal") == "_-#"
        assert drawn("▁▄█", "trouble") == "148"
    finally:
        glyphs.use(before)
    assert drawn("▁▄█", "trouble") == "▁▄█"


def test_every_sign_that_is_drawn_has_one_that_stands_for_it() -> None:
    files = chain((PACKAGE / "words" / "en").rglob("*.py"), (PACKAGE / "tui").rglob("*.py"))
    texts = [
        node.value
        for file in files
        if file.name != "glyphs.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    signs = {sign for text in texts for sign in text if not (sign.isascii() or sign.isalnum())}
    assert len(signs) > 20
    assert {sign for sign in signs if ord(sign) not in ASCII.table} == set()


@pytest.mark.parametrize("env", [{"LC_ALL": "C"}, {"TERM": "linux"}])
def test_a_plain_terminal_is_sent_ascii_alone(env: dict[str, str]) -> None:
    with Screen([*PLAY, "--projects", "40"], env) as screen:
        screen.shows("!>analytics", "storm x14", "= content-gen", "888")
        screen.press("l")
        screen.shows("limit analytics")
        screen.until(lambda: b"\x1b]2;" in screen.raw, "a title")
        assert bytes(screen.raw).decode().isascii()


def test_without_colours_minutes_in_trouble_have_dots() -> None:
    with console(NO_COLOR="1") as screen:
        screen.shows("⣿⣿⣿", "▅▅▅")


def test_of_a_line_that_grew_a_part_only_what_differs_is_sent() -> None:
    old = (Span("ok"), Span("        "), Span("▁▂▃", "normal"), Span(" 10"))
    new = (Span("ok"), Span(" for", "dim"), Span("    "), Span("▁▂▃", "normal"), Span(" 11"))
    assert changed_cells(old, new) == [(2, 6), (15, 16)]
    assert changed_cells(old, (Span("漢字"), *new[1:])) == []
