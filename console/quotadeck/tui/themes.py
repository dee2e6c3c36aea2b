"""Colour themes: TOML files, checked one by one, so that a bad file stops nothing.

A theme gives a style (rich's notation, ``bold #e5b567``) to each of a fixed set of roles. Colour
has at most four meanings: normal, attention, trouble, chosen; the rest are weights of normal.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.errors import StyleSyntaxError
from rich.style import Style

from quotadeck.domain.notice import NoticeError

ROLES: Final = ("normal", "strong", "dim", "attention", "trouble", "chosen", "key", "past")
"""``key`` is the chosen colour without its background: key letters and the clock of a frozen
screen; ``dim`` is for what is old or not possible; ``past`` is the frame around a past instant."""

_PROPOSED: Final = {"past": "bold reverse"}
"""Of roles that a theme may leave out, what they are then."""

BAR_ROLES: Final = ("normal", "dim", "attention", "trouble")
"""Each has a ``bar ROLE`` beside it: the same colour on the theme's ``track``."""

DEFAULT: Final = {False: "dark", True: "light"}
OVER_SSH: Final = {False: "ansi", True: "ansi-light"}
"""By whether the terminal's ground is light."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A palette: a style for each role. ``ansi`` keeps to the terminal's own 16 colours."""

    name: str
    dark: bool
    ansi: bool
    background: str
    styles: Mapping[str, Style]


class ThemeError(NoticeError):
    """The file is not a theme: the key, and what is allowed."""


@dataclass(frozen=True, slots=True)
class BadTheme:
    """A theme file that was left out, and why."""

    path: Path
    problem: ThemeError


def theme_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where themes are looked for: in the wheel or checkout; then the user's own, which wins."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_themes"
    folders = [shipped if shipped.is_dir() else package.parent.parent / "themes"]
    config, home = environ.get("XDG_CONFIG_HOME", ""), environ.get("HOME", "")
    if Path(config).is_absolute():  # the base directory specification: a relative one is ignored
        folders.append(Path(config) / "quotadeck" / "themes")
    elif home:
        folders.append(Path(home) / ".config" / "quotadeck" / "themes")
    return tuple(folders)


def load_themes(folders: tuple[Path, ...]) -> tuple[dict[str, Theme], tuple[BadTheme, ...]]:
    """All themes of the folders by name, and the files that are none."""
    loaded: dict[str, Theme] = {}
    failed: list[BadTheme] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            try:
                loaded[path.stem] = parse_theme(path.stem, path.read_text(encoding="utf-8"))
            except ThemeError as problem:
                failed.append(BadTheme(path, problem))
            except (OSError, ValueError) as wrong:
                failed.append(BadTheme(path, ThemeError("theme.unreadable", what=str(wrong))))
    return loaded, tuple(failed)


def parse_theme(name: str, text: str) -> Theme:
    """A theme from TOML. Raises ThemeError, or tomllib's ValueError with the line."""
    table = tomllib.loads(text)
    given = table.get("styles")
    if not isinstance(given, dict):
        raise ThemeError("theme.no_styles", roles=ROLES)
    unknown = sorted(set(given) - set(ROLES))
    if unknown:
        raise ThemeError("theme.no_role", role=unknown[0], roles=ROLES)
    given = _PROPOSED | given
    missing = [role for role in ROLES if role not in given]
    if missing:
        raise ThemeError("theme.no_style", role=missing[0])
    ansi = bool(table.get("ansi", False))
    background = str(table.get("background", "default"))
    styles = {role: _style(role, str(given[role]), background) for role in ROLES}
    track = Style(bgcolor=str(table.get("track", background)), bold=False)
    styles |= {f"bar {role}": styles[role] + track for role in BAR_ROLES}
    if ansi and any(not _plain(style) for style in styles.values()):
        raise ThemeError("theme.colours")
    return Theme(name, bool(table.get("dark", True)), ansi, background, styles)


def _style(role: str, text: str, background: str) -> Style:
    try:
        return Style(bgcolor=background) + Style.parse(text)
    except (StyleSyntaxError, ValueError) as problem:
        raise ThemeError("theme.wrong_style", role=role, typed=text, what=str(problem)) from None


def _plain(style: Style) -> bool:
    return all(color is None or color.triplet is None for color in (style.color, style.bgcolor))


def find_theme(
    name: str | None, environ: Mapping[str, str], *, light: bool = False
) -> tuple[Theme, tuple[BadTheme, ...]]:
    """The theme asked for, else the default: the terminal's colours over SSH, ours at home.

    ``light`` says what its ground is. With NO_COLOR it is always a theme of the terminal's own
    colours, which the screen then leaves out.

    Raises ThemeError when the name is unknown, naming the file's problem if it has one.
    """
    loaded, failed = load_themes(theme_folders(environ))
    remote = environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")
    wanted = name or (OVER_SSH if remote else DEFAULT)[light]
    if environ.get("NO_COLOR") and wanted in loaded:
        wanted = OVER_SSH[light]
    if wanted in loaded:
        return loaded[wanted], failed
    for bad in failed:
        if bad.path.stem == wanted:
            why = bad.problem.within("theme.bad", path=str(bad.path))
            raise ThemeError(why.kind, **why.facts)
    raise ThemeError("theme.unknown", theme=wanted, themes=tuple(sorted(loaded)))
