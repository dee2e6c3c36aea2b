"""Everything that touches the terminal's machinery, in one place, each with a fallback.

Textual's own ways cost too much or leave too much behind here: a dirty cell is sent from its
widget's left edge on, a stalled link freezes the event loop, SIGTERM leaves the alternate screen
on, and a hung-up terminal leaves a spinning process. Its private parts are used only in this file.
"""

import asyncio
import select
import signal
import sys
from contextlib import suppress
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor
from textual.app import App
from textual.screen import Screen

MAX_QUEUED_WRITES: Final = 3
BACKSTOP_S: Final = 2
HANGUP_POLL_S: Final = 1.0


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
        return "".join(sent)


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


def stalled(app: App[object]) -> bool:
    """Whether the terminal takes what we write too slowly: then a frame had better not be drawn.

    Textual's writer queue holds 30 writes and then blocks the event loop.
    """
    writer = getattr(getattr(app, "_driver", None), "_writer_thread", None)
    queue = getattr(writer, "_queue", None)
    return queue is not None and queue.qsize() > MAX_QUEUED_WRITES


def leave_on_signals(app: App[int]) -> None:
    """SIGTERM and SIGHUP leave as `q` does: terminal restored, status 128 + the signal.

    An alarm after two seconds ends a process whose way out is blocked, by a dead link for instance.
    """
    loop = asyncio.get_running_loop()

    def leave(number: int) -> None:
        signal.alarm(BACKSTOP_S)
        app.exit(return_code=128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, leave, number)


async def leave_on_hangup(app: App[int]) -> None:
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
