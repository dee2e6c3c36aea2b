"""The demo's children: each a real process in a session of its own, which ends with its parent.

The parent holds the write end of the child's stdin; the kernel closes it even when the parent is
killed, and a child started with ``--exit-with-parent`` takes that for its end.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from quotadeck.cli.exits import Exit, Stop
from quotadeck.domain.text import clean

READY_S = 20.0
CUT_S = 3.0
LAST_LINES = 8


class Child:
    """A running process. Its stdout is read as JSON lines; stdout and stderr are in ``log``."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        self._file = log.open("ab", buffering=0)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._process = subprocess.Popen(  # noqa: S603 our own modules, no shell
            [sys.executable, "-m", *arguments, "--exit-with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._file,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        self._reader = Thread(target=self._pump, name=f"{name}'s output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id, which is also its session's."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def answer(self, timeout_s: float = READY_S) -> dict[str, Any]:
        """Its next JSON line. Stop with UNREACHABLE, its log's last lines told, if none comes."""
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left_s)
            except queue.Empty:
                break
            if not line:
                raise self.failed("ended")
            with suppress(ValueError):
                told = json.loads(line)
                if isinstance(told, dict):
                    return told
        raise self.failed(f"said nothing for {timeout_s:g} s")

    def failed(self, how: str) -> Stop:
        """The end of the demo because of this child, in words."""
        code = self._process.poll()
        if how == "ended" and code is None:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(2)
        with_code = "" if code is None else f" with code {code}"
        tail = self._log.read_bytes()[-4_000:].decode("utf-8", "replace").splitlines()
        said = " | ".join(clean(line) for line in tail[-LAST_LINES:]) or "nothing"
        return Stop(
            Exit.UNREACHABLE,
            f"the demo's {self.name} {how}{with_code}; its last words: {said} ({self._log})",
        )

    def stop(self, *, drain_s: float) -> int:
        """End it; its exit code.

        SIGTERM lets it finish what is under way for ``drain_s``, a second one cuts that short, and
        SIGKILL takes its whole session when even that does not help.
        """
        for patience_s in (drain_s, CUT_S):
            self._process.send_signal(signal.SIGTERM)
            if self.wait(patience_s):
                break
        else:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self._close()
        return code

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended by itself within so long."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _close(self) -> None:
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        self._file.close()

    def _pump(self) -> None:
        out = self._process.stdout
        if out is not None:
            for line in out:
                self._file.write(line)
                self._lines.put(line)
        self._lines.put(b"")
