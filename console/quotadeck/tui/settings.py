"""What the operator chose for the console: ``console.toml`` beside the config, checked by a table.

What is wrong in it is told and left out: nobody's typing mistake keeps the screen from opening.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from quotadeck.domain.nearest import nearest
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.text import clean


@dataclass(frozen=True, slots=True)
class Settings:
    """``keys`` are an action's keys by its id, by textual's names; none unbind it."""

    theme: str | None = None
    zone: str | None = None
    bell: bool = True
    """The terminal's bell when something new is in trouble."""
    title: bool = True
    """The number of those in trouble in the terminal's title."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    """The overview's, from left to right; none for the usual ones."""
    sort: str = ""
    """What the overview is sorted by; with ``-`` before it turned round."""


class _Wrong(ValueError):
    """What a value should have been, by the end of its sentence's kind."""


def _text(given: Any) -> str:
    if not isinstance(given, str) or not given:
        raise _Wrong("text")
    return given


def _switch(given: Any) -> bool:
    if not isinstance(given, bool):
        raise _Wrong("switch")
    return given


def _zone(given: Any) -> str:
    try:
        return ZoneInfo(_text(given)).key
    except (KeyError, OSError, ValueError) as unknown:
        raise _Wrong("zone") from unknown


def _keys(given: Any) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(given, dict):
        raise _Wrong("keys")
    chosen = {}
    for act, keys in given.items():
        several = [keys] if isinstance(keys, str) else keys
        if not isinstance(several, list) or not all(isinstance(key, str) for key in several):
            raise _Wrong("keys")
        chosen[act] = tuple(several)
    return chosen


def _texts(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise _Wrong("texts")
    return tuple(given)


SETTINGS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "theme": _text,
    "zone": _zone,
    "bell": _switch,
    "title": _switch,
    "keys": _keys,
    "columns": _texts,
    "sort": _text,
}
"""By name: what takes the value, or says what it should have been."""


def _shown(value: Any) -> str:
    try:
        return clean(str(value), 80)
    except ValueError:  # a number of more digits than Python writes
        return "…"


def read_settings(path: Path) -> tuple[Settings, tuple[Notice, ...]]:
    """The file's settings, and what is wrong with it; the usual ones where there is none."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), ()
    except (OSError, ValueError, RecursionError) as wrong:
        what = clean(str(wrong))
        return Settings(), (notice("settings.unreadable", file=path.name, what=what),)
    known: dict[str, Any] = {}
    problems = []
    for name, value in given.items():
        if name not in SETTINGS:
            near = nearest(name, SETTINGS)
            problems.append(notice("settings.unknown", file=path.name, name=clean(name), near=near))
            continue
        try:
            known[name] = SETTINGS[name](value)
        except _Wrong as wrong:
            told = {"file": path.name, "name": name, "typed": _shown(value)}
            problems.append(notice(f"settings.wrong.{wrong}", **told))
    return Settings(**known), tuple(problems)
