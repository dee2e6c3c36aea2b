"""Where the log's lines go: a descriptor that may be slow, full or gone, and is never waited for.

A thread of its own writes. Whoever reads standard error too slowly loses lines, never requests,
and is told how many.
"""

import os
import select
import threading
from collections.abc import Callable
from typing import Final

MOST_BYTES: Final = 1 << 20
"""Held for a reader that is slow; some 4,000 lines."""
_PAUSE_S: Final = 0.05
"""Between two writes: each lets the thread run, and every request would wait for its turn."""
_FULL_S: Final = 1.0


class Sink:
    """Writes to ``fd``. ``dropped`` makes the line that says how many were."""

    def __init__(
        self, fd: int, dropped: Callable[[int], bytes], most_bytes: int = MOST_BYTES
    ) -> None:
        self._fd = fd
        self._dropped = dropped
        self._most = most_bytes
        self._lines: list[bytes] = []
        self._held = 0
        self._lost = 0
        self._closing = False
        self._turn = threading.Condition()
        self._writer = threading.Thread(target=self._run, name="log", daemon=True)
        self._writer.start()

    def put(self, line: bytes) -> None:
        """Have a line written, some time. Returns at once."""
        with self._turn:
            if self._held + len(line) > self._most:
                self._lost += 1
                return
            self._lines.append(line)
            self._held += len(line)
            if len(self._lines) == 1:
                self._turn.notify()

    def close(self, within_s: float) -> None:
        """Write what there is, as far as that can be done in time."""
        with self._turn:
            self._closing = True
            self._turn.notify()
        self._writer.join(within_s)

    def _run(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._lines or self._lost or self._closing)
                lines, self._lines = self._lines, []
                lost, self._lost = self._lost, 0
                if not lines and not lost:
                    return
            if lost:
                lines.append(self._dropped(lost))
            self._write(b"".join(lines))
            with self._turn:
                self._held = sum(map(len, self._lines))
                self._turn.wait_for(lambda: self._closing, _PAUSE_S)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:  # it was made so by whoever shares it
                select.select([], [self._fd], [], _FULL_S)
            except OSError:
                return  # nobody reads it, and there is nobody to tell
