"""The application: one link to a source, one clock, and the screens that draw it."""

import asyncio
import gc
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import tzinfo
from importlib import import_module
from typing import Final

from textual.app import App
from textual.events import Event, Key, Paste
from textual.theme import BUILTIN_THEMES
from textual.theme import Theme as TextualTheme

from quotadeck.domain.clock import Clock
from quotadeck.domain.snapshot import Snapshot
from quotadeck.sources.base import Source
from quotadeck.tui import terminal
from quotadeck.tui.alert import Alert, title
from quotadeck.tui.columns.chosen import chosen_of
from quotadeck.tui.hints import Hints
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.keys.table import ACTIONS
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.page import Page
from quotadeck.tui.link import Link
from quotadeck.tui.pace import Pace
from quotadeck.tui.pages.overview import Overview
from quotadeck.tui.settings import Settings
from quotadeck.tui.themes import Theme
from quotadeck.words import say

PATIENCE_S: Final = 0.25
"""How long the first frame waits for the first reading."""

_FIRST_LOOK_S: Final = 0.1
"""So long the first picture has the process to itself, before more is loaded."""

_ALONGSIDE: Final = 0.7
"""A reading that comes this share of an interval after the last drawing is drawn at once."""


class Quotadeck(App[int], inherit_bindings=False):
    """The console on a source. Its exit status is 0, or 128 + the signal that ended it."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: $background; overflow: hidden; }
    Lines { background: $background; color: $foreground; }
    """

    def __init__(
        self,
        source: Source,
        *,
        clock: Clock,
        theme: Theme,
        keys: Keys | None = None,
        zone: tzinfo | None = None,
        notes: Sequence[str] = (),
        settings: Settings | None = None,
        hints: bool = False,
        past_us: int | None = None,
    ) -> None:
        # Told at once, because textual chooses what NO_COLOR does before it knows the theme.
        super().__init__(driver_class=terminal.Driver, ansi_color=theme.ansi or None)
        terminal.part_escape_from_keys()
        self.register_theme(_for_textual(theme))
        self.theme = f"quotadeck-{theme.name}"
        self._news = asyncio.Event()
        self.link = Link(source, clock, self._news.set)
        context = Context(
            self.link, source, theme, keys or Keys(), Pace(), zone, hints=Hints(wanted=hints)
        )
        self._settings = settings or Settings()
        chosen, problems = chosen_of(self._settings.columns, self._settings.sort)
        self.overview = Overview(context, notes=(*notes, *map(say, problems)), chosen=chosen)
        self._alert = Alert()
        self._told: Snapshot | None = None
        self._past_us = past_us

    def get_default_screen(self) -> Overview:
        return self.overview

    def on_mount(self) -> None:
        if not self.is_headless:
            terminal.leave_on_signals(self)
            terminal.hear_stops(self)
            self.run_worker(terminal.leave_on_hangup(self))
        self.run_worker(self.link.follow())
        self.run_worker(self._pulse())

    async def on_event(self, event: Event) -> None:
        """Give keys and pastes, one after the other, to the page that is there at their turn.

        Textual gives them to the screen of the moment at which they arrive: of `?` and `q` in one
        breath, the q too would go to the overview, and end the console.
        """
        page = self.screen_stack[-1] if self.screen_stack else None
        if isinstance(event, Key) and isinstance(page, Page):
            page.press(event.key, event.character)
        elif isinstance(event, Paste) and isinstance(page, Page):
            page.paste(event.text)
        else:
            await super().on_event(event)

    async def _pulse(self) -> None:
        """Draw when a reading comes and when the interval is over, never more often than it."""
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._news.wait()
        self.overview.draw()
        self.overview.call_after_refresh(terminal.release, self.overview)
        drawn = loop.time()
        calm = False
        while True:
            if not calm and self.link.answered:
                calm = True
                await self._load_the_rest()
                self.overview.begin()
                if self._past_us is not None and self.link.live() is None:
                    self.overview.travel.to(self._past_us)
            interval = self.overview.context.pace.interval_s
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, drawn + interval * 1.1 - loop.time())):
                    await self._news.wait()
            await asyncio.sleep(max(0.0, drawn + interval * _ALONGSIDE - loop.time()))
            self._news.clear()
            drawn = loop.time()
            for page in self.screen_stack:
                if isinstance(page, Page):
                    page.pulse()
            self._tell_elsewhere()

    def _tell_elsewhere(self) -> None:
        """Say a new trouble to who looks at another window: by bell and title, where wanted."""
        snapshot = self.link.snapshot
        if snapshot is None or snapshot is self._told:
            return
        self._told = snapshot
        if self._alert.rings(snapshot) and self._settings.bell:
            terminal.ring(self)
        if self._settings.title:
            count = len(self._alert.troubled)
            terminal.entitle(self, title(count, snapshot.vitals.name))

    async def _load_the_rest(self) -> None:
        """Load what the first key would load, and following the source, when the picture is out.

        The collector is still off: a finalizer that imports in the middle of an import breaks
        CPython's import lock before 3.12 (python/cpython#91351), and took the console down once.
        """
        shown = asyncio.Event()
        self.overview.call_after_refresh(shown.set)
        with suppress(TimeoutError):  # a key may have put another page over it before it was drawn
            async with asyncio.timeout(PATIENCE_S):
                await shown.wait()
        await asyncio.sleep(_FIRST_LOOK_S)
        pages = (f"pages.{act.opens}" for act in ACTIONS if act.opens)
        for module in (
            "change.dialog",
            "change.undo",
            "command.line",
            "command.palette",
            "time.prompt",
            *pages,
        ):
            import_module(f"quotadeck.tui.{module}")
        self.link.go_on()
        gc.freeze()  # what start-up made stays; the front door had put the collector off
        gc.enable()

    async def on_unmount(self) -> None:
        await self.link.close()


def _for_textual(theme: Theme) -> TextualTheme:
    """The few colours that textual itself must know; the spans bring their own."""
    name = f"quotadeck-{theme.name}"
    if theme.ansi:
        return replace(
            BUILTIN_THEMES["ansi-dark" if theme.dark else "ansi-light"], name=name, dark=theme.dark
        )
    normal = theme.styles["normal"].color
    ink = normal.get_truecolor().hex if normal else "#ffffff"
    ground = theme.background
    return TextualTheme(
        name=name,
        primary=ink,
        foreground=ink,
        background=ground,
        surface=ground,
        panel=ground,
        boost=ground,
        dark=theme.dark,
    )
