"""A line of the log: its facts, and how they are written.

JSON has an object a line: ``at`` (RFC 3339, UTC), ``level``, ``event`` (a kind that does not
change), ``text`` (a sentence for people, which may), then the event's own facts, units in their
names. Under systemd's journal each line begins with its priority (``<4>``, sd-daemon(3)), which the
journal takes off and keeps. At a terminal it is the sentence.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

MAX_TEXT: Final = 2_000
_PRIORITY: Final = ((logging.ERROR, b"<3>"), (logging.WARNING, b"<4>"))
_QUIET: Final = b"<6>"


class Line(NamedTuple):
    """``level`` is one of `logging`'s."""

    at_us: int
    level: int
    event: str
    text: str
    facts: Mapping[str, Any]


Write = Callable[[Line], bytes]


def _instant(at_us: int) -> str:
    at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_json(line: Line) -> bytes:
    """An object, its line's end with it."""
    said: dict[str, Any] = {
        "at": _instant(line.at_us),
        "level": logging.getLevelName(line.level).lower(),
        "event": line.event,
    }
    if line.text:
        said["text"] = line.text[:MAX_TEXT]
    # The event's own facts never stand for what every line has.
    said = {**{name: fact for name, fact in line.facts.items() if fact not in (None, "")}, **said}
    try:
        return orjson.dumps({**_FIRST, **said}, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a character, which no UTF-8 can write
        told = {**said, "text": ascii(line.text)[:MAX_TEXT]}
        plain = {
            name: ascii(fact) if isinstance(fact, str) else fact for name, fact in told.items()
        }
        return orjson.dumps(plain, default=str, option=orjson.OPT_APPEND_NEWLINE)


_FIRST: Final = {"at": "", "level": "", "event": "", "text": ""}
"""The order in which people read them."""


def for_journal(line: Line) -> bytes:
    """JSON behind the priority that the journal filters by."""
    mark = next((mark for least, mark in _PRIORITY if line.level >= least), _QUIET)
    return mark + as_json(line)


def as_text(line: Line) -> bytes:
    """A sentence, and the facts that are not in it where there is none."""
    text = line.text
    if not text:
        text = " ".join(f"{name}={fact}" for name, fact in line.facts.items() if fact != "")
        text = f"{line.event} {text}"
    trace = "".join(f"\n    {frame}" for frame in line.facts.get("trace", ()))
    level = logging.getLevelName(line.level)
    said = f"{_instant(line.at_us)} {level:<7} {text[:MAX_TEXT]}{trace}\n"
    return said.encode("utf-8", "backslashreplace")
