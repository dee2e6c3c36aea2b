"""Everything that touches the terminal's machinery, in one place, each with a fallback.

Textual's own ways cost too much or leave too much behind here: a dirty cell is sent from its
widget's left edge on, a stalled link freezes the event loop, SIGTERM leaves the alternate screen
on, a hung-up terminal leaves a spinning process, what comes back from the shell is not drawn, and
an escape key is taken for the beginning of the next one. Its private parts are used only in this
file.
"""

import asyncio
import os
import re
import select
import signal
import sys
from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar, Final

from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import Segment
from textual._compositor import ChopsUpdate, Compositor
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.events import Key
from textual.message import Message
from textual.screen import Screen

from quotadeck.tui.ground import ANSWERS, LAST
from quotadeck.tui.kit.glyphs import drawn

MAX_QUEUED_WRITES: Final = 3
MOST_CUTS: Final = 1_024
BACKSTOP_S: Final = 2
HANGUP_POLL_S: Final = 1.0
ESC: Final = "\x1b"
_INTRODUCERS: Final = "[O"
"""What follows the escape of a key such as an arrow; anything else after it is a key of its own."""
_BEGUN_ANSWER: Final = re.compile(r"\x1b(?:\]1?1?;?[\w:;/]{0,40}|\[\?[\d;]{0,40})\x1b?$")
"""The first part of an answer whose rest is still to come."""
_KEEP_TITLE: Final = f"{ESC}[22;2t"
_TITLE_BACK: Final = f"{ESC}[23;2t"
"""xterm's stack of titles."""
_AS_WE_USE_IT: Final = f"{ESC}(B\x0f{ESC}[r{ESC}[?7l{ESC}[?25l"
"""Plain letters, no scroll region, no wrapping, no cursor: what others may have changed."""
_LEAVING: Final = (
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGINT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


class _Spans(ChopsUpdate):
    """Sends exactly the dirty cells of a line, where textual sends all left of them, too."""

    def render_segments(self, console: Console) -> str:
        sent: list[str] = []
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= x2 or end <= x1:
                    continue
                first = max(x, x1)
                sent.append(Control.move_to(first, y).segment.text)
                sent.append(strip.crop(first - x, min(end, x2) - x).render(console))
        bound_cuts()
        return "".join(sent)


def bound_cuts() -> None:
    """Keep few of the texts that were cut: rich keeps 16,384, which a night's figures fill."""
    cut = getattr(Segment, "_split_cells", None)
    if cut is not None and hasattr(cut, "cache_info") and cut.cache_info().currsize > MOST_CUTS:
        cut.cache_clear()


class _Compositor(Compositor):
    held = False

    def render_update(
        self,
        full: bool = False,
        screen_stack: list[Screen[Any]] | None = None,
        simplify: bool = False,
    ) -> RenderableType | None:
        return None if self.held else super().render_update(full, screen_stack, simplify)

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        if update is None:
            return None
        return _Spans(update.chops, update.spans, update.chop_ends)


def send_only_cells(screen: Screen[None]) -> None:
    """Let a screen that is not yet mounted send single cells."""
    if type(getattr(screen, "_compositor", None)) is Compositor:
        screen._compositor = _Compositor()  # noqa: SLF001 no public way, see above


def hold(screen: Screen[None]) -> None:
    """Send nothing of a screen until `release`: an empty frame costs as much as a full one."""
    compositor = screen._compositor  # noqa: SLF001
    if isinstance(compositor, _Compositor):
        compositor.held = True


def release(screen: Screen[None]) -> None:
    """Send a held screen whole, once, and from now on what changes."""
    compositor = screen._compositor  # noqa: SLF001
    if isinstance(compositor, _Compositor):
        compositor.held = False
        screen._compositor_refresh()  # noqa: SLF001


def stalled(app: App[Any]) -> bool:
    """Whether the terminal takes what we write too slowly: then a frame had better not be drawn.

    Textual's writer queue holds 30 writes and then blocks the event loop.
    """
    writer = getattr(getattr(app, "_driver", None), "_writer_thread", None)
    queue = getattr(writer, "_queue", None)
    return queue is not None and queue.qsize() > MAX_QUEUED_WRITES


def redraw(app: App[Any]) -> None:
    """Send every cell of the screen: another program may have written over it."""
    driver = getattr(app, "_driver", None)
    if driver is not None and not app.is_headless:
        driver.write(_AS_WE_USE_IT)
    app.screen.refresh()


class _Keys(XTermParser):
    """Escape and a key that comes at once are two keys, where textual makes them one with alt.

    Who leaves a dialog and types on does not wait a tenth of a second. Keys that were typed before
    the screen was there come first, and a late answer to what was asked then is no key.
    """

    typed_before: ClassVar[str] = ""
    answer_due: ClassVar[bool] = False
    _open: str = ""

    def tick(self) -> Iterable[Message]:
        typed, _Keys.typed_before = _Keys.typed_before, ""
        if typed:
            yield from super().feed(typed)
        yield from super().tick()

    def feed(self, data: str) -> Iterable[Message]:
        if _Keys.answer_due and data:
            data = self._without_answers(data)
            if not data:
                return
        yield from super().feed(data)

    def _without_answers(self, data: str) -> str:
        said = self._open + data
        _Keys.answer_due = LAST.search(said) is None
        said = ANSWERS.sub("", said)
        begun = _BEGUN_ANSWER.search(said) if _Keys.answer_due else None
        self._open = begun.group() if begun else ""
        return said.removesuffix(self._open)

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:
        if len(sequence) == 2 and sequence[0] == ESC and sequence[1] not in _INTRODUCERS:
            yield Key("escape", ESC)
            sequence = sequence[1]
        yield from super()._sequence_to_key_events(sequence, alt)


class Driver(linux_driver.LinuxDriver):
    """Asks the terminal itself how large it is; textual asks standard output, maybe a file.

    The title that the terminal had is kept before the first of ours, and given back at the end.
    """

    _title: str = ""

    def entitle(self, title: str) -> None:
        """Set the terminal's title, which must be clean; an empty one is that from before."""
        if title == self._title:
            return
        first = "" if self._title else _KEEP_TITLE
        self._title = title
        self.write(f"{first}{ESC}]2;{title}\x07" if title else _TITLE_BACK)

    def stop_application_mode(self) -> None:
        self.entitle("")
        super().stop_application_mode()

    def _get_terminal_size(self) -> tuple[int, int]:
        with suppress(OSError):
            columns, lines = os.get_terminal_size(self.fileno)
            if columns and lines:
                return columns, lines
        return super()._get_terminal_size()


def ring(app: App[Any]) -> None:
    """Ring the terminal's bell."""
    driver = getattr(app, "_driver", None)
    if isinstance(driver, Driver):
        driver.write("\a")


def entitle(app: App[Any], title: str) -> None:
    """Say something in the terminal's title; an empty text gives back the one from before."""
    driver = getattr(app, "_driver", None)
    if isinstance(driver, Driver):
        driver.entitle(drawn(title, "normal"))


def copy(app: App[Any], words: str) -> None:
    """Put words on the clipboard of the terminal in front of the operator: xterm's OSC 52.

    It works over SSH. A terminal that does not know it, or does not let it, does nothing.
    """
    driver = getattr(app, "_driver", None)
    if isinstance(driver, Driver):
        driver.write(f"{ESC}]52;c;{b64encode(words.encode()).decode()}\x07")


def begin_with(typed: str, *, answer_due: bool) -> None:
    """The keys typed before the screen is there; ``answer_due``: the terminal has yet to answer."""
    _Keys.typed_before, _Keys.answer_due = typed, answer_due


def part_escape_from_keys() -> None:
    """Let the driver that is started next tell escape and the following key apart."""
    if getattr(linux_driver, "XTermParser", None) is XTermParser:
        linux_driver.XTermParser = _Keys  # type: ignore[attr-defined]


def stop(app: App[Any]) -> None:
    """Go to the shell as every program does: the whole job stops, and ``fg`` comes back.

    Textual stops this process alone, for which a `make run` would wait for ever, and even where
    there is no shell; there the system lets nothing stop, and the screen is drawn anew.
    """
    driver = getattr(app, "_driver", None)
    if driver is None or not driver.can_suspend:
        return
    _hear_stops(app, hear=False)
    driver.suspend_application_mode()
    os.killpg(0, signal.SIGTSTP)
    _come_back(app, driver)


def _stopped_by_others(app: App[Any]) -> None:
    """After a SIGSTOP nothing of the terminal is as it was: leave it, and enter it again."""
    driver = getattr(app, "_driver", None)
    if driver is None or not driver.can_suspend:
        return
    _hear_stops(app, hear=False)
    _wait_for_the_foreground(driver.fileno)
    driver.suspend_application_mode()
    _come_back(app, driver)


def _come_back(app: App[Any], driver: Any) -> None:
    _wait_for_the_foreground(driver.fileno)
    driver.resume_application_mode()
    _hear_stops(app, hear=True)
    redraw(app)


def _wait_for_the_foreground(fd: int) -> None:
    """Stay stopped after a ``bg``: the terminal is somebody else's."""
    with suppress(OSError):
        while os.tcgetpgrp(fd) != os.getpgrp():
            os.kill(os.getpid(), signal.SIGSTOP)


def hear_stops(app: App[Any]) -> None:
    """SIGTSTP goes to the shell as ``^z`` does; SIGCONT draws what a SIGSTOP left behind."""
    _hear_stops(app, hear=True)


def _hear_stops(app: App[Any], *, hear: bool) -> None:
    loop = asyncio.get_running_loop()
    for number, act in ((signal.SIGTSTP, stop), (signal.SIGCONT, _stopped_by_others)):
        if hear:
            loop.add_signal_handler(number, act, app)
        else:
            loop.remove_signal_handler(number)


def leave_on_signals(app: App[Any]) -> None:
    """What ends a process leaves as `q` does: terminal restored, status 128 + the signal.

    An alarm after two seconds ends a process whose way out is blocked, by a dead link for instance.
    """
    loop = asyncio.get_running_loop()

    def leave(number: int) -> None:
        signal.alarm(BACKSTOP_S)
        app.exit(return_code=128 + number)

    for number in _LEAVING:
        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, leave, number)


async def leave_on_hangup(app: App[Any]) -> None:
    """Leave when the terminal is gone, where SIGHUP was ignored by whoever started us."""
    while True:
        await asyncio.sleep(HANGUP_POLL_S)
        if hung_up():
            signal.alarm(BACKSTOP_S)
            app.exit(return_code=128 + signal.SIGHUP)
            return


def hung_up() -> bool:
    """Whether standard input's terminal no longer has anybody at its other end."""
    try:
        poll = select.poll()
        poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, 0)
        return any(
            event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0)
        )
    except (OSError, ValueError):
        return True
