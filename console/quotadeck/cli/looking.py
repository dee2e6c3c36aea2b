"""A command's words again and again: in one place of a terminal, one below the other elsewhere.

What is printed is held until it is whole, so that nothing flickers; only the lines that a terminal
has room for are drawn, and how many are not is said. A gateway that goes away is said beside what
was read last, and looked for again.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from itertools import count
from typing import Final

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.show import now_us, stamp, zone
from quotadeck.domain.text import clean
from quotadeck.words import text

_HOME: Final = "\x1b[H"
_END_OF_LINE: Final = "\x1b[K"
_REST: Final = "\x1b[J"


class _Held(StringIO):
    """Takes what is printed; whoever asks how wide it is hears of the real output."""

    def __init__(self, real: int | None) -> None:
        super().__init__()
        self._real = real

    def fileno(self) -> int:
        return super().fileno() if self._real is None else self._real


def look_again(once: Callable[[], int], every_s: float, rounds: int | None = None) -> int:
    """Run the command every so many seconds, for ever or so many times; its last exit code.

    It ends as the command would where its first run fails.
    """
    drawn = sys.stdout.isatty()
    last: list[str] = []
    code = int(Exit.OK)
    for number in count():
        trouble, began_s = "", time.monotonic()
        try:
            code, last = _held(once)
        except Stop as stop:
            if number == 0 or stop.code is Exit.USAGE:
                raise
            code, trouble = stop.code, stop.lines[0]
        if number == 0 and drawn:  # what stands there goes up, out of our way
            sys.stdout.write("\n" * _size().lines)
        _show(last, trouble, drawn)
        if rounds is not None and number + 1 >= rounds:
            break
        time.sleep(max(0.0, every_s - (time.monotonic() - began_s)))
    return code


def _size() -> os.terminal_size:
    return os.get_terminal_size(sys.stdout.fileno())


def _held(once: Callable[[], int]) -> tuple[int, list[str]]:
    try:
        held = _Held(sys.stdout.fileno())
    except (OSError, ValueError):
        held = _Held(None)
    with redirect_stdout(held), redirect_stderr(StringIO()):
        code = int(once() or Exit.OK)
    return code, held.getvalue().splitlines()


def _show(lines: list[str], trouble: str, drawn: bool) -> None:
    head = f"{stamp(now_us())} {zone()}"
    if trouble:
        head = text("looking.stale", head=head, trouble=clean(trouble, 400))
    if not drawn:
        sys.stdout.write("\n".join([head, *lines, "", ""]))
        sys.stdout.flush()
        return
    size = _size()
    whole = [head[: size.columns], *lines]
    if len(whole) > size.lines:
        hidden = len(whole) - size.lines + 1
        whole = [*whole[: size.lines - 1], text("looking.below", count=hidden)]
    drawing = f"{_END_OF_LINE}\r\n".join(whole)
    sys.stdout.write(f"{_HOME}{drawing}{_END_OF_LINE}{_REST}")
    sys.stdout.flush()
