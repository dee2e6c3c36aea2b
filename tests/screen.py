"""A driver of the real screen: a process on a pty, judged by a terminal emulator.

    with Screen([sys.executable, "-m", "tests.tui.play"], columns=80, rows=24) as screen:
        screen.shows("analytics", "throttled")
        screen.press("j", "p")
        screen.shows("pause")

The other end behaves as a modern terminal does: it answers the question for synchronized output.
"""

import codecs
import contextlib
import copy
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyte

KEYS: Final = {
    "enter": "\r", "tab": "\t", "esc": "\x1b[27u", "space": " ", "up": "\x1b[A", "down": "\x1b[B",
    "right": "\x1b[C", "left": "\x1b[D", "pgup": "\x1b[5~", "pgdn": "\x1b[6~", "home": "\x1b[H",
    "end": "\x1b[F", "backspace": "\x7f", "shift+tab": "\x1b[Z", "ctrl+c": "\x03", "ctrl+u": "\x15",
    "ctrl+z": "\x1a", "ctrl+l": "\x0c", "ctrl+q": "\x11",
}  # fmt: skip
_NOT_FOR_PYTE: Final = re.compile(r"\x1b\[(?:[<=>][0-9;]*[a-zA-Z]|\?[0-9;]*\$p)")
_TAIL: Final = re.compile(r"\x1b(?:\[[0-9;?<=>$]*)?\Z")
_ASKS_SYNC: Final = b"\x1b[?2026$p"
_HAS_SYNC: Final = b"\x1b[?2026;2$y"
_SECOND_SCREEN: Final = 1049
ROOT: Final = Path(__file__).resolve().parent.parent


class NotShown(AssertionError):
    """What was waited for did not appear; the text holds the screen as it was."""


class _Terminal(pyte.Screen):
    """pyte's screen with the second one: entering it finds it empty, leaving brings the first back.

    Real terminals have one, and what was drawn on it is lost with it.
    """

    _first: Any = None

    def set_mode(self, *modes: int, **how: Any) -> None:
        super().set_mode(*modes, **how)
        if how.get("private") and _SECOND_SCREEN in modes and self._first is None:
            self._first = copy.deepcopy(self.buffer), copy.copy(self.cursor)
            self.erase_in_display(2)

    def reset_mode(self, *modes: int, **how: Any) -> None:
        super().reset_mode(*modes, **how)
        if how.get("private") and _SECOND_SCREEN in modes and self._first is not None:
            self.buffer, self.cursor = self._first
            self._first = None
            self.dirty.update(range(self.lines))


class Screen:
    """A process and what its terminal shows.

    ``env`` is added to a small environment of our own (TERM, truecolor, HOME of the caller).
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        columns: int = 80,
        rows: int = 24,
        cwd: Path = ROOT,
    ) -> None:
        self.columns, self.rows = columns, rows
        self.raw = bytearray()
        """Every byte received, in order."""
        self._terminal = _Terminal(columns, rows)
        self._stream = pyte.Stream(self._terminal)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._left = ""
        self._answered = 0
        self._main, self._child = pty.openpty()
        _set_size(self._child, columns, rows)
        environ = {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "PATH": os.environ.get("PATH", ""),
            "HOME": os.environ.get("HOME", "/"),
            **(env or {}),
        }
        # The first terminal that the leader of a new session opens is its controlling one, so
        # that hanging up is felt; the shell opens it and is gone.
        opening = ("/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(self._child))
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*opening, *argv],
            stdin=subprocess.DEVNULL,
            env=environ,
            cwd=cwd,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if it lives, and let go of the pty."""
        self.hang_up()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def hang_up(self) -> None:
        """Close our end of the pty, as a lost connection does."""
        if self._main >= 0:
            os.close(self._main)
            os.close(self._child)
            self._main = -1

    # -- what it shows ---------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """The screen's lines as text, without the blanks at their ends."""
        return [line.rstrip() for line in self._terminal.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines())

    def cell(self, x: int, y: int) -> Any:
        """pyte's cell: ``data``, ``fg``, ``bg``, ``bold``, ``reverse``."""
        return self._terminal.buffer[y][x]

    def shows(self, *texts: str, within_s: float = 10.0) -> str:
        """Wait until all texts stand on the screen, each within a line; the screen's text."""
        return self.until(
            lambda: all(text in self.text for text in texts), f"{texts} shown", within_s
        )

    def hides(self, *texts: str, within_s: float = 10.0) -> str:
        """Wait until none of the texts stands on the screen."""
        return self.until(
            lambda: not any(text in self.text for text in texts), f"{texts} hidden", within_s
        )

    def until(self, holds: Any, what: str, within_s: float = 10.0) -> str:
        """Wait until a condition on this screen holds. Raises NotShown."""
        deadline = time.monotonic() + within_s
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(min(left, 0.1)):
                ended = self.process.poll()
                if holds():
                    break
                if left <= 0 or ended is not None:
                    raise NotShown(f"not {what} within {within_s} s (exit {ended}):\n{self.text}")
        return self.text

    # -- what is done to it ----------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys by name (see KEYS), or as single characters."""
        for key in keys:
            self.type(KEYS.get(key, key))

    def type(self, text: str) -> None:
        """Send text as it is."""
        os.write(self._main, text.encode())

    def overwrite(self, text: str) -> None:
        """Write to the terminal past the process, as a message to all users does."""
        self._stream.feed(text)

    def modes(self) -> list[Any]:
        """How the terminal treats what is typed, as `stty` shows it."""
        return termios.tcgetattr(self._main)

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._terminal.resize(rows, columns)
        _set_size(self._main, columns, rows)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_code(self, within_s: float = 10.0) -> int:
        """Wait for the end, reading on; the exit status, negative for a signal."""
        deadline = time.monotonic() + within_s
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise NotShown(f"still running after {within_s} s:\n{self.text}")
            self.read(0.05)
        while self.read(0.0):
            pass
        return int(self.process.returncode)

    def read(self, within_s: float) -> int:
        """Take what the process wrote, waiting so long for the first byte; the bytes taken."""
        if self._main < 0:
            time.sleep(within_s)
            return 0
        ready, _, _ = select.select([self._main], [], [], within_s)
        if not ready:
            return 0
        try:
            data = os.read(self._main, 65_536)
        except OSError:  # Linux reports the closed other end so
            data = b""
        if not data and within_s:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(within_s)
        self._take(data)
        return len(data)

    def bytes_within(self, seconds: float) -> int:
        """The bytes that the process sends within so many seconds."""
        before, deadline = len(self.raw), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.read(left)
        return len(self.raw) - before

    def sent_within(self, marker: bytes, within_s: float = 10.0) -> float:
        """Seconds from the start of the process until it has sent ``marker``; for the first paint.

        Nothing is judged meanwhile, because the emulator is slower than the console.
        """
        taken = bytearray()
        deadline = self.started + within_s
        while marker not in taken:
            ready, _, _ = select.select([self._main], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise NotShown(f"{marker!r} not sent within {within_s} s")
            taken += os.read(self._main, 65_536)
        took = time.monotonic() - self.started
        self._take(bytes(taken))
        return took

    def _take(self, data: bytes) -> None:
        self.raw += data
        while (at := self.raw.find(_ASKS_SYNC, self._answered)) >= 0:
            self._answered = at + len(_ASKS_SYNC)
            with contextlib.suppress(OSError):
                os.write(self._main, _HAS_SYNC)
        text = self._left + self._decode(data)
        tail = _TAIL.search(text)
        self._left = text[tail.start() :] if tail else ""
        ready = text[: tail.start()] if tail else text
        self._stream.feed(_NOT_FOR_PYTE.sub("", ready))


def _set_size(fd: int, columns: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


if __name__ == "__main__":
    with Screen(sys.argv[1:], columns=80, rows=24) as shown:
        shown.bytes_within(3)
        print(shown.text)
