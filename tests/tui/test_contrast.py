"""Every theme can be read: contrasts by WCAG 2.2, and under simulated colour blindness.

WCAG's relative luminance and contrast ratio; the simulations are the linear-RGB matrices of
Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
Deficiency" (2009), at full severity. Distances are CIE 1976 ΔE*ab under D65.
"""

from collections.abc import Iterator
from itertools import combinations
from math import dist
from typing import Final

import pytest
from rich.color import Color
from rich.style import Style

from quotadeck.tui.themes import ROLES, Theme, load_themes, theme_folders

RGB = tuple[float, float, float]
"""Linear, 0 to 1."""

READABLE: Final = 4.5
VERY_READABLE: Final = 7.0
A_SHAPE: Final = 3.0
"""What WCAG asks of graphics: a bar on its track."""
TOLD_APART: Final = 20.0

BLIND: Final = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
               (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
               (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
               (0.004733, 0.691367, 0.303900)),
}  # fmt: skip

PALETTES: Final = {
    "xterm": "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
    "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff",
    "linux": "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa "
    "555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff",
    "tango": "2e3436 cc0000 4e9a06 c4a000 3465a4 75507b 06989a d3d7cf "
    "555753 ef2929 8ae234 fce94f 729fcf ad7fa8 34e2e2 eeeeec",
    "windows": "0c0c0c c50f1f 13a10e c19c00 0037da 881798 3a96dd cccccc "
    "767676 e74856 16c60c f9f1a5 3b78ff b4009e 61d6d6 f2f2f2",
}
"""What four common terminals make of the sixteen colours."""
GROUNDS: Final = {True: "000000", False: "ffffff"}

THEMES: Final = load_themes(theme_folders({}))[0]


def linear(hex_rgb: str) -> RGB:
    def one(at: int) -> float:
        part = int(hex_rgb[at : at + 2], 16) / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return one(0), one(2), one(4)


def contrast(ink: RGB, ground: RGB) -> float:
    def luminance(rgb: RGB) -> float:
        return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]

    low, high = sorted((luminance(ink), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: RGB) -> tuple[float, float, float]:
    x = 0.4124564 * rgb[0] + 0.3575761 * rgb[1] + 0.1804375 * rgb[2]
    y = 0.2126729 * rgb[0] + 0.7151522 * rgb[1] + 0.0721750 * rgb[2]
    z = 0.0193339 * rgb[0] + 0.1191920 * rgb[1] + 0.9503041 * rgb[2]

    def f(t: float) -> float:
        return t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116

    fx, fy, fz = f(x / 0.95047), f(y), f(z / 1.08883)
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen_by(blind: str, rgb: RGB) -> RGB:
    r, g, b = (
        min(1.0, max(0.0, sum(k * part for k, part in zip(row, rgb, strict=True))))
        for row in BLIND[blind]
    )
    return r, g, b


def painted(theme: Theme, style: Style) -> Iterator[tuple[RGB, RGB]]:
    """Ink and ground; of a theme of the terminal's colours, as each of the palettes has them."""
    palettes = [
        palette
        for name, palette in PALETTES.items()
        if theme.ansi and (theme.dark or name != "linux")  # that console's ground is black
    ]
    for palette in palettes or [PALETTES["xterm"]]:
        ink = _rgb(style.color, palette, GROUNDS[not theme.dark], bold=bool(style.bold))
        ground = _rgb(style.bgcolor, palette, GROUNDS[theme.dark], bold=False)
        yield (ground, ink) if style.reverse else (ink, ground)


def _rgb(color: Color | None, palette: str, default: str, *, bold: bool) -> RGB:
    if color is None or color.is_default:
        return linear(default)
    if color.triplet is not None:
        return linear(color.triplet.hex[1:])
    assert color.number is not None
    # Bold makes the eight colours bright in the linux console alone, and by choice elsewhere.
    bright = bold and color.number < 8 and palette is PALETTES["linux"]
    return linear(palette.split()[color.number + 8 * bright])


@pytest.mark.parametrize("name", sorted(THEMES))
@pytest.mark.parametrize("role", ROLES)
def test_every_role_can_be_read(name: str, role: str) -> None:
    theme = THEMES[name]
    least = VERY_READABLE if name == "contrast" else READABLE
    for ink, ground in painted(theme, theme.styles[role]):
        assert contrast(ink, ground) >= least, (name, role)


@pytest.mark.parametrize("name", sorted(THEMES))
def test_a_bar_is_seen_on_its_track(name: str) -> None:
    theme = THEMES[name]
    for role in ("bar normal", "bar attention", "bar trouble"):
        for ink, ground in painted(theme, theme.styles[role]):
            assert contrast(ink, ground) >= A_SHAPE, (name, role)


@pytest.mark.parametrize("blind", sorted(BLIND))
def test_the_safe_theme_is_told_apart_without_some_colours(blind: str) -> None:
    theme = THEMES["safe"]
    roles = {role: theme.styles[role].color for role in ("normal", "attention", "trouble", "key")}
    seen = {
        role: lab(seen_by(blind, linear(color.triplet.hex[1:])))
        for role, color in roles.items()
        if color is not None and color.triplet is not None
    }
    assert len(seen) == 4
    for one, other in combinations(sorted(seen), 2):
        assert dist(seen[one], seen[other]) >= TOLD_APART, (one, other)
