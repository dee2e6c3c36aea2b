"""Aligned tables, no wider than the terminal that they are printed on; or CSV, exact."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.fold import cells
from quotadeck.cli.show import note, say
from quotadeck.cli.terminal import terminal_width
from quotadeck.domain.cells import csv_text
from quotadeck.domain.text import clean
from quotadeck.words import text

GAP: Final = 2
_USED: Final = "used"
LEAST: Final = 8
"""A text is cut to no less; a number never is."""


class Figure(str):
    """A cell that says a value shortly; ``exact`` is the whole of it, for programs."""

    __slots__ = ("exact",)
    exact: str

    def __new__(cls, shown: str, exact: object) -> Self:
        made = super().__new__(cls, shown)
        made.exact = str(exact)
        return made


@dataclass(frozen=True, slots=True)
class Shape:
    """How a table is wanted: ``columns`` are names, none being all; ``csv`` as CSV."""

    wide: bool = False
    columns: tuple[str, ...] = ()
    csv: bool = False


def print_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: str = "",
    spare: Sequence[str] = (),
    least: Mapping[str, int] = MappingProxyType({}),
    shape: Shape = Shape(),
) -> None:
    """Print aligned lines; what the terminal has no room for is cut, then left out and named.

    ``right`` has one character a column: ``>`` aligns it to the right, as a number. ``spare`` are
    the names of columns that can be left out, the first one first, before a text is cut to less
    than its ``least``. A pipe gets everything. Stop with USAGE for a chosen column that is none.
    """
    names = column_names(heads)
    if shape.columns:
        chosen = [_place(names, name) for name in shape.columns]
        heads = [names[at].replace("_", " ") if heads[at] == _USED else heads[at] for at in chosen]
        rows = [[row[at] for at in chosen] for row in rows]
        right = "".join(right[at : at + 1] or " " for at in chosen)
        names, spare = [names[at] for at in chosen], ()
    if shape.csv:
        exact = [[getattr(cell, "exact", cell) for cell in row] for row in rows]
        click.echo(csv_text(names, exact), nl=False)
        return
    room = None if shape.wide else terminal_width()
    lines, left_out = table(heads, rows, right=right, spare=spare, least=least, room=room)
    for line in lines:
        say(line)
    if left_out:
        note(text("listing.left_out", heads=tuple(left_out)))


def column_names(heads: Sequence[str]) -> list[str]:
    """A column is named by its head's words, but for what stands in brackets.

    ``served_by`` of ``served by``, ``at`` of ``at (JST)``; ``rpm_used`` of a used behind rpm.
    """
    names: list[str] = []
    for head in heads:
        name = head.partition(" (")[0].replace(" → ", "_").replace(" ", "_").replace("/", "_per_")
        names.append(f"{names[-1]}_{name}" if name == _USED else name)
    return names


def _place(names: Sequence[str], asked: str) -> int:
    if asked not in names:
        words = text("listing.no_column", found=clean(asked, 40), columns=tuple(names))
        raise Stop(Exit.USAGE, words)
    return names.index(asked)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: str = "",
    spare: Sequence[str] = (),
    least: Mapping[str, int] = MappingProxyType({}),
    room: int | None = None,
) -> tuple[list[str], list[str]]:
    """The lines, and the names of the columns that were left out.

    The first column tells which row it is, and is never cut either.
    """
    names = column_names(heads)
    lines = [list(heads), *([clean(cell) for cell in row] for row in rows)]
    numbers = {at for at in range(len(heads)) if right[at : at + 1] == ">"}
    whole = {at: max(cells(line[at]) for line in lines) for at in range(len(heads))}
    uncut = {0, *numbers}
    needed = {
        at: wide if at in uncut else min(wide, max(least.get(names[at], LEAST), cells(heads[at])))
        for at, wide in whole.items()
    }
    kept = list(whole)
    left_out = []
    if room is not None:
        for name in spare:
            if _needs(needed[at] for at in kept) <= room:
                break
            kept.remove(names.index(name))
            left_out.append(name)
        if _needs(needed[at] for at in kept) > room:
            needed = {at: wide if at in uncut else min(wide, LEAST) for at, wide in needed.items()}
    widths = {at: whole[at] for at in kept}
    while room is not None and _needs(widths.values()) > room:
        widest = max(kept, key=lambda at: (widths[at] - needed[at], at))
        if widths[widest] == needed[widest]:
            break
        widths[widest] -= 1
    told = (_line(line, widths, numbers) for line in lines)
    return [line.rstrip() for line in told], left_out


def _needs(widths: Iterable[int]) -> int:
    every = list(widths)
    return sum(every) + GAP * (len(every) - 1)


def _line(line: Sequence[str], widths: dict[int, int], numbers: set[int]) -> str:
    return (" " * GAP).join(_padded(line, widths, numbers))


def _padded(line: Sequence[str], widths: dict[int, int], numbers: set[int]) -> Iterator[str]:
    for at, width in widths.items():
        text = cut(line[at], width)
        gap = " " * (width - cells(text))
        yield gap + text if at in numbers else text + gap


def cut(text: str, width: int) -> str:
    """Sentences lose their end, names their middle: both ends of a name tell it from others."""
    if cells(text) <= width:
        return text
    behind = 0 if " " in text else (width - 1) // 2
    tail = text[len(text) - behind :]
    while cells(tail) > behind:
        tail = tail[1:]
    head = text
    while cells(head) + 1 + cells(tail) > width:
        head = head[:-1]
    return f"{head}…{tail}"
