"""A process that is killed at one line of a file of the store's, while it starts or copies.

``python -m tests.store.dying_at WORK STATE FILE STEP``: WORK is ``start`` or ``backup``; it kills
itself before it runs the STEP-th line of FILE in ``store/backup``, counted over all threads. It
says on its output how many lines there were when it lives to the end.
"""

import asyncio
import itertools
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import quotadeck.store.ballast
import quotadeck.store.ledger
from quotadeck.store import Ledger
from quotadeck.store.backup.backup import take
from tests.clocks import HandClock


async def start(state: Path) -> None:
    await (await Ledger.open(state, HandClock())).close()


def main(work: str, state: Path, file: str, step: int) -> None:
    ran = itertools.count(1)
    lines = 0

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.endswith(f"/store/backup/{file}"):
            return None
        if event == "line":
            lines = next(ran)
            if lines == step:
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    threading.settrace(line)
    sys.settrace(line)
    if work == "start":
        asyncio.run(start(state))
    else:
        take(state, HandClock().wall_us())
    sys.settrace(None)
    os.write(1, b"%d" % lines)


if __name__ == "__main__":
    quotadeck.store.ballast.BALLAST_BYTES = 4_096  # type: ignore[misc]
    quotadeck.store.ledger.SEGMENT_BYTES = 9_000  # type: ignore[misc]
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
