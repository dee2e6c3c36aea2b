"""What the commands print: lines for people, ASCII-safe JSON for programs.

Every text from outside goes through `clean` here too: a terminal may draw what we print.
"""

import dataclasses
import json
import time
from collections.abc import Mapping
from typing import Any

import click

from quotadeck.cli.fold import folded
from quotadeck.cli.terminal import terminal_width
from quotadeck.words.times import day_time, zone_name


def say(text: str = "") -> None:
    """A line on stdout."""
    click.echo(text)


def note(text: str) -> None:
    """A line on stderr: for people, out of a pipe's way."""
    click.echo(folded(text, terminal_width()), err=True)


def emit(value: Any) -> None:
    """One JSON document on stdout, without a byte that a terminal could obey."""
    click.echo(json_text(value))


def json_text(value: Any, indent: int | None = 2) -> str:
    """JSON in ASCII: what is not is escaped, and so is DEL, which JSON would let through."""
    text = json.dumps(value, ensure_ascii=True, indent=indent, default=_plain)
    return text.replace("\x7f", "\\u007f")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def clock(at_us: int) -> str:
    """The local time with its zone; with the day where that is not today."""
    told, zone = day_time(at_us, now_us(), None), zone_name(at_us, None)
    return told if told.endswith(f" {zone}") else f"{told} {zone}"


def stamp(at_us: int) -> str:
    """The local time to the second, for a table whose head names the zone."""
    return day_time(at_us, now_us(), None, seconds=True)


def zone() -> str:
    """The local zone's short name, for a table's head."""
    return zone_name(now_us(), None)


def now_us() -> int:
    """The instant that printed times are measured from."""
    return time.time_ns() // 1_000
