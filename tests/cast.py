"""A cast of the real screen, asciicast v2: a process on a pty, played by keys at their times.

    python -m tests.cast storm.cast --until storm --keys 'p,it storms,enter' -- quotadeck demo

What the process sends is written down with its time; pauses over ``--idle`` seconds are cut.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.screen import KEYS, Screen

TYPING_S: Final = 0.09
"""Between two letters, so that a reader can follow."""


class Cast(Screen):
    """A screen whose output is kept with its times."""

    def __init__(self, argv: Sequence[str], *, columns: int, rows: int) -> None:
        self.events: list[tuple[float, str]] = []
        super().__init__(argv, columns=columns, rows=rows)

    def _take(self, data: bytes) -> None:
        if data:
            self.events.append((time.monotonic() - self.started, data.decode("utf-8", "replace")))
        super()._take(data)

    def written(self, from_s: float, idle_s: float) -> str:
        """The cast from then on; what was sent before stands in its first instant."""
        head = {"version": 2, "width": self.columns, "height": self.rows}
        lines, at_s, last_s = [json.dumps(head)], 0.0, from_s
        for sent_s, text in self.events:
            if sent_s > from_s:
                at_s += min(idle_s, sent_s - last_s)
                last_s = sent_s
            lines.append(json.dumps([round(at_s, 3), "o", text], ensure_ascii=False))
        return "\n".join([*lines, ""])


def play(screen: Screen, steps: str) -> None:
    """Do what stands between commas: ``~3`` rests so long, ``=text`` waits for it; press a key, by
    its name; type anything else."""
    for step in filter(None, steps.split(",")):
        if step.startswith("~"):
            screen.bytes_within(float(step[1:]))
        elif step.startswith("="):
            screen.shows(step[1:], within_s=900)
        elif step in KEYS or len(step) == 1:
            screen.press(step)
            screen.bytes_within(1.2)
        else:
            for letter in step:
                screen.type(letter)
                screen.bytes_within(TYPING_S)


def main(argv: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    own, command = given[: given.index("--")], given[given.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=28)
    parser.add_argument("--idle", type=float, default=1.5)
    parser.add_argument("--until", default="●", help="text on the screen with which it begins")
    parser.add_argument("--keys", default="", help="steps between commas, as `play` has them")
    asked = parser.parse_args(own)
    with Cast(command, columns=asked.columns, rows=asked.rows) as cast:
        cast.shows(asked.until, within_s=900)
        from_s = time.monotonic() - cast.started
        play(cast, asked.keys)
        asked.file.write_text(cast.written(from_s, asked.idle), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
