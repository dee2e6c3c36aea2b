"""Pictures of the real screen as SVG: a process on a pty, drawn from what its terminal shows.

    python -m tests.shots overview.svg dialog.svg
    python -m tests.shots --wait analytics --keys l,2,0 out.svg -- quotadeck demo

The first file shows the screen when it stands still, the second after the limit dialog was opened.
"""

import argparse
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from tests.cast import play
from tests.screen import Screen

CELL_W: Final = 9
CELL_H: Final = 19
PAD: Final = 12
INK: Final = "#d0d7de"
GROUND: Final = "#11161c"
_NAMED: Final = {
    "black": "#1b1f24", "red": "#ff6f66", "green": "#56d364", "brown": "#e3b341",
    "yellow": "#e3b341", "blue": "#6cb6ff", "magenta": "#dcbdfb", "cyan": "#56d4dd",
    "white": "#d0d7de", "brightblack": "#6e7681",
}  # fmt: skip
_EIGHTHS: Final = "▏▎▍▌▋▊▉█"
_RISING: Final = "▁▂▃▄▅▆▇"


def picture(screen: Screen) -> str:
    """The screen as an SVG document; block elements are drawn as shapes, without seams."""
    width, height = screen.columns * CELL_W + 2 * PAD, screen.rows * CELL_H + 2 * PAD
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="\'Fira Code\', \'DejaVu Sans Mono\', '
            f'Menlo, Consolas, monospace" font-size="15" xml:space="preserve">'
        ),
        f'<rect width="{width}" height="{height}" rx="8" fill="{GROUND}"/>',
    ]
    for y in range(screen.rows):
        for x in range(screen.columns):
            parts += _cell(screen.cell(x, y), PAD + x * CELL_W, PAD + y * CELL_H)
    return "\n".join([*parts, "</svg>", ""])


def _cell(cell: Any, left: int, top: int) -> list[str]:
    ink, ground = _colour(cell.fg, INK), _colour(cell.bg, GROUND)
    if cell.reverse:
        ink, ground = ground, ink
    shapes = []
    if ground != GROUND:
        shapes.append(
            f'<rect x="{left}" y="{top}" width="{CELL_W}" height="{CELL_H}" fill="{ground}"/>'
        )
    if cell.data in _EIGHTHS and cell.data:
        wide = CELL_W * (_EIGHTHS.index(cell.data) + 1) / 8
        shapes.append(
            f'<rect x="{left}" y="{top + 3}" width="{wide:g}" height="{CELL_H - 6}" fill="{ink}"/>'
        )
    elif cell.data in _RISING and cell.data:
        tall = CELL_H * (_RISING.index(cell.data) + 1) / 8
        shapes.append(
            f'<rect x="{left}" y="{top + CELL_H - tall:g}" width="{CELL_W}" height="{tall:g}" '
            f'fill="{ink}"/>'
        )
    elif cell.data == "░":
        shapes.append(
            f'<rect x="{left}" y="{top + 3}" width="{CELL_W}" height="{CELL_H - 6}" '
            f'fill="{ink}" fill-opacity="0.3"/>'
        )
    elif cell.data == "─":
        shapes.append(
            f'<rect x="{left}" y="{top + CELL_H // 2}" width="{CELL_W}" height="1" fill="{ink}"/>'
        )
    elif cell.data.strip():
        bold = ' font-weight="bold"' if cell.bold else ""
        shapes.append(
            f'<text x="{left}" y="{top + 14}" fill="{ink}"{bold}>{escape(cell.data)}</text>'
        )
    return shapes


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return _NAMED.get(name) or (f"#{name}" if len(name) == 6 else default)


def main(argv: Sequence[str] | None = None) -> int:
    """Take the pictures; the process's arguments follow ``--``."""
    given = list(sys.argv[1:] if argv is None else argv)
    own, command = (
        (given[: given.index("--")], given[given.index("--") + 1 :])
        if "--" in given
        else (given, [sys.executable, "-m", "tests.tui.play"])
    )
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "files", nargs="*", type=Path, default=[Path("overview.svg"), Path("dialog.svg")]
    )
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--wait", action="append", default=[], help="text that must be shown first")
    parser.add_argument(
        "--settle", type=float, default=2.5, help="seconds before the first picture"
    )
    parser.add_argument("--first", default="", help="steps before it, as tests/cast.py has them")
    parser.add_argument("--keys", default="l,4,0", help="keys before each further picture")
    asked = parser.parse_args(own)
    with Screen(command, columns=asked.columns, rows=asked.rows) as screen:
        screen.shows(*(asked.wait or ["●"]), within_s=60)
        play(screen, asked.first)
        screen.bytes_within(asked.settle)
        for number, file in enumerate(asked.files):
            if number:
                screen.press(*asked.keys.split(","))
                screen.bytes_within(1.5)
            file.write_text(picture(screen), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
