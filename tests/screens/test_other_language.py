"""In a longer language of wide characters every page and dialog is whole, and all its words are.

What the sentences do not say is data: names, reasons, figures, keys, command lines.
"""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from rich.cells import cell_len
from textual.geometry import Size
from textual.pilot import Pilot

from quotadeck.tui.app import Quotadeck
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.themes import find_theme
from quotadeck.words import use
from tests.clocks import HandClock
from tests.screens.capture import cells_of, layout
from tests.screens.scenes import SCENES
from tests.screens.shoot import play, resize, source_of
from tests.tui.driving import quotadeck_of, shown, until
from tests.tui.play import JST
from tests.tui.scenes import AT_US
from tests.words.pseudo import PSEUDO, accented

SIZES: Final = ((60, 16), (80, 24), (200, 50))
PLAIN: Final = re.compile(r"(?<![\w…│┐┘-])[A-Za-z]{4,}(?![\w…│┌└])")
"""A whole word; what a name's end, or a dialog over the half of a word, leaves tells nothing."""
_SUBJECT: Final = re.compile(r"\b(project|model|target):")
_TOLD: Final = """answers refused minute paused budget batch nobody answers gateway running above
what operator admin limit storming client orders import asked payments waits team would reach
priority many model hung worker reports"""  # what events, reasons and refusals of the scenes say
_NAMES: Final = """tokyo mika content analytics batch embed support chat search mobile main claude
checkout opus gemini flash deepseek quotadeck sock user prod automation long name red
click quit nope"""
_TYPED: Final = """agreed nightly finance alarm command deploy effect shop with cause price
since until outcome space enter home pgup pgdn shift backspace permanent storm"""
DATA: Final = frozenset(f"{_TOLD} {_NAMES} {_TYPED}".split())


@pytest.fixture(autouse=True)
def _pseudo() -> Iterator[None]:
    before = use(PSEUDO)
    yield
    use(before)


async def _sees(pilot: Pilot[int], *texts: str) -> None:
    """Each word of the texts, as data or in that language."""
    words = {word for text in texts for word in re.findall(r"[A-Za-z]{3,}", text)}

    def seen() -> bool:
        screen = shown(quotadeck_of(pilot))
        return all(word in screen or accented(word) in screen for word in words)

    await until(pilot, seen)


@pytest.mark.parametrize("name", SCENES)
async def test_every_screen_in_another_language(name: str) -> None:
    scene, clock = SCENES[name], HandClock(AT_US)
    source = source_of(scene, clock)
    theme, _ = find_theme("dark", {})
    keys = Keys(read_only=scene.read_only)
    app = Quotadeck(source, clock=clock, theme=theme, keys=keys, zone=JST)
    async with app.run_test(size=(80, 24)) as pilot:
        await play(scene, pilot, source, clock, _sees)
        for width, height in SIZES:
            await resize(pilot, Size(width, height))
            lines = layout(cells_of(app))
            assert len(lines) <= height
            assert [line for line in lines if cell_len(line) > width] == []
            left = {
                word
                for line in lines
                if "quotadeck " not in line
                for word in PLAIN.findall(_SUBJECT.sub("", line))
            }
            assert left <= DATA, left - DATA
