"""The process that replays calls for previews: started when it is needed, ended when it is not.

Nobody ever waits for it beyond `PATIENCE_S`, and whatever becomes of it, a preview goes on without
figures. Only the newest ask is answered.
"""

import asyncio
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from quotadeck.backtest.asked import UnderWay
from quotadeck.backtest.messages import MAX_ASK_BYTES, MAX_TOLD_BYTES, Ask, Told, told_of
from quotadeck.domain.calls import OpenCall
from quotadeck.domain.commands import Value
from quotadeck.store.places import ledger_file
from quotadeck.store.sqlite.schema import reading_uri

PATIENCE_S: Final = 1.0
IDLE_S: Final = 60.0
_MARGIN_S: Final = 0.1
"""For the way back, out of a process that yields to all others."""
MOST_UNDER_WAY: Final = 1_000
"""Open calls that an ask tells of: a millisecond's worth."""
_HUNG_S: Final = 10.0
"""One that has not answered anything for so long is ended, and the next ask starts another. Longer
than it allows itself for one ask: somebody who types keeps it from answering, too."""
LOG: Final = logging.getLogger(__name__)

Values = Mapping[str, Mapping[str, Value | None]]


class Replayer:
    """Of one ledger's directory. Used from one event loop.

    ``under_way`` are the calls that have not ended, the newest first.
    """

    def __init__(
        self,
        directory: Path,
        under_way: Callable[[], Iterable[OpenCall]] = tuple,
        *,
        patience_s: float = PATIENCE_S,
        idle_s: float = IDLE_S,
        command: Sequence[str] = (sys.executable, "-P", "-m", "quotadeck.backtest.worker"),
    ) -> None:
        self._command = (*command, reading_uri(ledger_file(directory), immutable=False))
        self._under_way = under_way
        self._patience_s = patience_s
        self._idle_s = idle_s
        self._number = 0
        self._waits: tuple[int, asyncio.Future[Told]] | None = None
        self._process: _Process | None = None
        self._starting: asyncio.Task[_Process] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._ends = set[asyncio.Task[None]]()

    @property
    def pid(self) -> int | None:
        """Of the process that is there now."""
        return self._process.pid if self._process else None

    async def ask(
        self, before: Values, after: Values, changed_us: Mapping[str, int], now_us: int
    ) -> Told:
        """The figures, or why there are none. Parameters as of `Ask`."""
        self._number += 1
        number, loop = self._number, asyncio.get_running_loop()
        self._answer(why="superseded")
        told: asyncio.Future[Told] = loop.create_future()
        self._waits = number, told
        seconds = self._patience_s - _MARGIN_S
        by_ns = time.monotonic_ns() + int(seconds * 1_000_000_000)
        calls = [_open(call) for call in islice(self._under_way(), MOST_UNDER_WAY)]
        line = Ask(number, now_us, by_ns, changed_us, before, after, calls).line()
        if len(line) > MAX_ASK_BYTES:
            self._answer(why="busy")
        try:
            async with asyncio.timeout(self._patience_s):
                if not told.done():
                    await self._send(line)
                return await told
        except TimeoutError:
            return Told(number, why="late")
        except OSError as error:
            LOG.warning("previews go without figures: %s", error)
            return Told(number, why="dead")
        finally:
            self._forget(number)
            self._idle_from_now()

    async def close(self) -> None:
        """End the process, if there is one; it is gone then."""
        if self._idle:
            self._idle.cancel()
        if self._starting:
            with suppress(OSError):
                self._process = await self._starting
        self._answer(why="dead")
        self._end()
        while self._ends:
            await asyncio.wait(self._ends)

    async def _send(self, line: bytes) -> None:
        if self._process and self._process.hangs:
            self._end()
        for again in (True, False):
            process = self._process or await self._start()
            try:
                await process.send(line)
            except OSError:
                self._end()
                if not again:
                    raise
            else:
                return

    async def _start(self) -> "_Process":
        if self._starting is None:
            self._starting = asyncio.create_task(_Process.start(self._command))
        # Whoever asked first may have left: it is started for the next one.
        starting = self._starting
        process = await asyncio.shield(starting)
        if self._starting is starting:
            self._starting, self._process = None, process
            process.reading = asyncio.create_task(self._read(process))
        return process

    async def _read(self, process: "_Process") -> None:
        while line := await process.line():
            try:
                told = told_of(line)
            except (ValueError, TypeError, KeyError) as error:
                LOG.warning("what the replaying process says cannot be read: %r", error)
                break
            if self._waits and self._waits[0] == told.number:
                self._answer(told)
        if self._process is process:
            self._answer(why="dead")
            self._end()

    def _forget(self, number: int) -> None:
        if self._waits and self._waits[0] == number:
            self._waits = None

    def _answer(self, told: Told | None = None, why: str = "") -> None:
        if self._waits:
            number, future = self._waits
            self._waits = None
            if not future.done():
                future.set_result(told or Told(number, why=why))

    def _end(self) -> None:
        process, self._process = self._process, None
        if process:
            ending = asyncio.create_task(process.end())
            self._ends.add(ending)
            ending.add_done_callback(self._ends.discard)

    def _idle_from_now(self) -> None:
        if self._idle:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self._waits is None:
            self._end()


def _open(call: OpenCall) -> UnderWay:
    return UnderWay(
        call.at_us,
        call.project,
        call.model,
        call.key_id,
        call.client_request_id,
        call.retry,
        call.estimated_input,
        call.estimated_output,
        call.held_nano_usd,
        call.target,
    )


class _Process:
    """One that runs, and our end of its socket."""

    def __init__(self, process: "subprocess.Popen[bytes]", sock: socket.socket) -> None:
        self._process = process
        self._sock = sock
        self._rest = b""
        self._asked_s: float | None = None
        self.reading: asyncio.Task[None] | None = None
        self.pid: Final = process.pid

    @classmethod
    async def start(cls, command: Sequence[str]) -> "_Process":
        """Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                # Not on the loop: it lasts until the other program is loaded.
                process = await asyncio.to_thread(_popen, command, theirs)
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        return cls(process, ours)

    @property
    def hangs(self) -> bool:
        return self._asked_s is not None and time.monotonic() - self._asked_s > _HUNG_S

    async def send(self, line: bytes) -> None:
        """Raises OSError where it is gone."""
        if self._asked_s is None:
            self._asked_s = time.monotonic()
        await asyncio.get_running_loop().sock_sendall(self._sock, line)

    async def line(self) -> bytes:
        """The next line; empty where there will be none."""
        loop = asyncio.get_running_loop()
        while b"\n" not in self._rest:
            try:
                got = await loop.sock_recv(self._sock, 65_536)
            except OSError:
                return b""
            if not got or len(self._rest) > MAX_TOLD_BYTES:
                return b""
            self._rest += got
        self._asked_s = None
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    async def end(self) -> None:
        """Whatever it does; it is gone then."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        if self.reading and self.reading is not asyncio.current_task():
            self.reading.cancel()
            await asyncio.wait([self.reading])
        self._sock.close()


def _popen(command: Sequence[str], theirs: socket.socket) -> "subprocess.Popen[bytes]":
    # A session of its own: an interrupt at the terminal is for the gateway, which ends it in order.
    return subprocess.Popen(  # noqa: S603
        list(command), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, start_new_session=True
    )
