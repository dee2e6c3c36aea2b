"""Taking a scene: the real application, in this process, at every size and in every theme."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from textual.events import Key
from textual.geometry import Size
from textual.pilot import Pilot

from quotadeck.domain.snapshot import Snapshot
from quotadeck.tui.app import Quotadeck
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.kit.page import Page
from quotadeck.tui.themes import find_theme
from tests.clocks import HandClock
from tests.screens.capture import cells_of, colours, layout
from tests.screens.scenes import Scene
from tests.tui.driving import sees, until
from tests.tui.play import JST
from tests.tui.quarters import a_quarter
from tests.tui.scenes import AT_US
from tests.tui.scripted import Scripted

SIZES: Final = ((60, 16), (80, 24), (120, 35), (200, 50))
THEMES: Final = ("dark", "ansi")
_HEARTBEAT_S: Final = 0.02
Sees = Callable[..., Awaitable[None]]


async def shoot(scene: Scene) -> str:
    """The scene's file: its layout at each size, then its colours in each theme at 80×24."""
    parts: list[str] = []
    for theme_name in THEMES:
        theme, _ = find_theme(theme_name, {})
        clock = HandClock(AT_US)
        source = source_of(scene, clock)
        app = Quotadeck(
            source, clock=clock, theme=theme, keys=Keys(read_only=scene.read_only), zone=JST
        )
        async with app.run_test(size=(80, 24)) as pilot:
            await play(scene, pilot, source, clock)
            if theme_name == THEMES[0]:
                for width, height in SIZES:
                    await resize(pilot, Size(width, height))
                    parts += [f"── {width}×{height} ──", *layout(cells_of(app))]
            await resize(pilot, Size(80, 24))
            parts += [f"── {theme_name}, 80×24 ──", *colours(cells_of(app), theme)]
    return "\n".join(parts) + "\n"


def source_of(scene: Scene, clock: HandClock) -> Scripted:
    first: Iterator[Snapshot] = iter((scene.reading(),) if scene.reading else ())
    return Scripted(
        first,
        _HEARTBEAT_S,
        gone=scene.reading is None,
        monotonic_ns=clock.monotonic_ns,
        **{"passed": a_quarter, **scene.source},
    )


async def play(
    scene: Scene, pilot: Pilot[int], source: Scripted, clock: HandClock, sees: Sees = sees
) -> None:
    app = pilot.app
    assert isinstance(app, Quotadeck)
    await sees(pilot, "nobody answers" if scene.reading is None else "gw-tokyo-1")
    await until(pilot, lambda: bool(cells_of(app)))  # held back until the first frame is whole
    await until(pilot, lambda: app.overview.still)  # what is late or gone is asked nothing more
    for keys, shows in scene.steps:
        for key in keys:
            await app.on_event(Key(key, key if len(key) == 1 else None))
            await pilot.pause(0)
        if shows:
            await sees(pilot, shows)
    if scene.gone:
        source.gone = True
        await until(pilot, lambda: bool(app.link.problem))
        clock.advance_ms(4_000)
    if scene.late_ms:
        source.silent = True
        await asyncio.sleep(2 * _HEARTBEAT_S)
        clock.advance_ms(scene.late_ms)


async def resize(pilot: Pilot[int], size: Size) -> None:
    """Give every page that size, and have it drawn: textual would do so at its next idle moment."""
    app = pilot.app
    app._driver._size = app._size = size  # type: ignore[union-attr]
    for _ in range(2):  # what stands beside the lists is there from the second time on
        for screen in app.screen_stack:
            screen._refresh_layout(size)
            if isinstance(screen, Page):
                screen.on_resize()
            screen._refresh_layout(size)
        assert isinstance(app, Quotadeck)
        await until(pilot, lambda: app.overview.still)
        await pilot.pause(0)
