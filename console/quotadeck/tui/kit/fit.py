"""Text in a stated number of terminal cells: cut with an ellipsis, padded, folded, or a bar."""

from typing import Final

from rich.cells import cell_len as rich_cell_len
from rich.cells import set_cell_size

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def cell_len(text: str) -> int:
    """The cells that a text takes; of ASCII, which most of it is, its length."""
    return len(text) if text.isascii() else rich_cell_len(text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Exactly ``width`` terminal cells: cut with an ellipsis, or padded."""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else "…"[:width]
    pad = " " * (width - size)
    return pad + text if right else text + pad


def cut(text: str, width: int) -> str:
    """At most ``width`` cells: cut with an ellipsis, never padded."""
    return fit(text, min(cell_len(text), max(0, width)))


def fit_tail(text: str, width: int) -> str:
    """Exactly ``width`` cells, cut at the front: of ``main/claude-opus-4.7`` the end tells more."""
    while cell_len(text) > width:
        text = "…" + text.lstrip("…")[1:]
    return fit(text, width)


def fit_middle(text: str, width: int) -> str:
    """At most ``width`` cells, cut in the middle: of long names both ends tell them apart."""
    if cell_len(text) <= width:
        return text
    tail = text[-(width // 2) :]
    while cell_len(tail) > width // 2:
        tail = tail[1:]
    return set_cell_size(text, max(0, width - cell_len(tail) - 1)) + "…" + tail


def folded(text: str, width: int) -> list[str]:
    """The text broken at blanks into lines of at most ``width`` cells; long words are cut."""
    lines, line = [], ""
    for word in text.split(" "):
        left = word
        while cell_len(left) > width:
            room = width - cell_len(line) - 1 if line else width
            part = set_cell_size(left, max(0, room)).rstrip()
            lines.append(f"{line} {part}".strip())
            line, left = "", left[len(part) :]
        if line and cell_len(line) + 1 + cell_len(left) > width:
            lines.append(line)
            line = left
        else:
            line = f"{line} {left}" if line else left
    return [*lines, line]


def bar(share: float, cells: int, *, hollow: bool = False) -> str:
    """A bar of eighth blocks, padded with blanks; hollow ones claim no more than whole cells.

    Anything above nothing shows at least one eighth, and only a truly full bar is drawn full.
    """
    if hollow:
        full = round(share * cells)
        return "░" * full + " " * (cells - full)
    eighths = int(share * cells * 8)
    if share > 0:
        eighths = max(1, eighths)
    whole, part = divmod(min(eighths, cells * 8), 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(cells)
