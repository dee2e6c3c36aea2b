"""Driving the screens by keys, without a terminal."""

import asyncio
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from quotadeck.clock import MachineClock
from quotadeck.domain.commands import Command
from quotadeck.tui.app import Quotadeck
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.themes import find_theme
from tests.tui.play import JST
from tests.tui.scenes import fire
from tests.tui.scripted import Scripted

PATIENCE_S = 30
"""What nobody waits for where all is well: a busy machine breaks no promise."""


def quotadeck(source: Scripted, *, read_only: bool = False, keys: Keys | None = None) -> Quotadeck:
    theme, _ = find_theme("dark", {})
    return Quotadeck(
        source, clock=MachineClock(), theme=theme, keys=keys or Keys(read_only=read_only), zone=JST
    )


def scripted(**more: Any) -> Scripted:
    return Scripted(iter((fire(),)), 0.05, **more)


def shown(app: Quotadeck) -> str:
    return "\n".join(line for part in app.screen.query(Lines) for line in part.text())


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await pilot.pause(0.01)


async def sees(pilot: Pilot[int], *texts: str) -> None:
    app = pilot.app
    assert isinstance(app, Quotadeck)
    try:
        await until(pilot, lambda: all(text in shown(app) for text in texts))
    except TimeoutError:
        raise AssertionError(f"{texts} not in:\n{shown(app)}") from None


async def choose(pilot: Pilot[int], name: str, down: str = "j") -> None:
    """Move the cursor to a project."""
    app = pilot.app
    assert isinstance(app, Quotadeck)
    await until(pilot, lambda: bool(app.overview.projects.rows))
    for _ in app.overview.projects.rows:
        chosen = app.overview.projects.chosen
        if chosen is not None and chosen.name == name:
            return
        await pilot.press(down)
    raise AssertionError(f"no project {name}")


def applied(source: Scripted) -> list[Command]:
    return [command for command, dry_run in source.commands if not dry_run]


def quotadeck_of(pilot: Pilot[int]) -> Quotadeck:
    assert isinstance(pilot.app, Quotadeck)
    return pilot.app


def framed(pilot: Pilot[int]) -> str:
    """What stands in the dialog."""
    (dialog,) = pilot.app.screen.query(".modal").results(Lines)
    return "\n".join(dialog.text())
