"""What is wrong with a config file, worded: file, line and key, what was found, what is allowed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from quotadeck.domain.nearest import nearest
from quotadeck.domain.text import clean
from quotadeck.wire.config.addresses import shown_address
from quotadeck.wire.config.lines import Key
from quotadeck.wire.config.table import Allowed, Inner, Mistakes, One, Table

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, at a key; ``line`` where it is known."""

    key: Key
    found: str
    allowed: str
    line: int | None = None

    @property
    def where(self) -> str:
        """``line 12, projects.analytics.rpm``."""
        place = f"line {self.line}" if self.line else ""
        return ", ".join(part for part in (place, dotted(self.key)) if part) or "the whole file"

    def __str__(self) -> str:
        return clean(f"{self.where}: found {self.found}; allowed: {self.allowed}", 1_000)


class ConfigError(Exception):
    """The file cannot be used: everything that is wrong with it, a line each; never a secret."""

    def __init__(self, path: Path, problems: tuple[Problem, ...]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems, key=lambda one: one.line or 0))
        super().__init__(path, self.problems)

    def __str__(self) -> str:
        return "\n".join(f"{clean(str(self.path), 1_000)}: {one}" for one in self.problems)


def dotted(key: Key) -> str:
    """The key as it is written in TOML: ``targets."main/gpt-4.1".rpm``."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE.fullmatch(part) else f'"{clean(part, 100)}"'
            text += f".{name}" if text else name
    return text


def shown(value: object) -> str:
    """A value as found in the file, short and safe to draw."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{clean(value, 80)}"'
    if isinstance(value, int | float):
        return clean(str(value), 40)
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "a table" if isinstance(value, dict) else "a date or time"


def hint(name: str, known: tuple[str, ...]) -> str:
    """The known names, the nearest first in the sentence; a long list is cut."""
    close = nearest(name, known)
    some = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
    guess = " or ".join(close)
    return (f"did you mean {guess}? " if close else "") + (f"known here: {some}" if some else "")


def allowed_words(model: type[Table], field: str) -> str:
    """What a key of a table may hold, in words."""
    marks = [m for m in model.model_fields[field].metadata if isinstance(m, Allowed)]
    return marks[-1].words


def of_pydantic(error: ValidationError, model: type[Table], at: Key) -> list[Problem]:
    """Every complaint of pydantic about the table at a key, in our words."""
    found = (
        problem
        for detail in error.errors(include_url=False)
        for problem in _of_one(detail, model, at)
    )
    return list(dict.fromkeys(found))


def _of_one(detail: ErrorDetails, model: type[Table], at: Key) -> Iterator[Problem]:
    loc: Key = detail["loc"]
    field = str(loc[0]) if loc else ""
    if field not in model.model_fields:
        if not field:
            yield Problem(at, shown(detail["input"]), "a table")
        else:
            allowed = hint(field, tuple(model.model_fields))
            yield Problem((*at, field), f'the unknown key "{clean(field, 80)}"', allowed)
        return
    told = detail.get("ctx", {}).get("error")
    if isinstance(told, Mistakes):
        for found, allowed, below in told.mistakes:
            yield Problem((*at, field, *below), found, allowed)
        return
    for mark in model.model_fields[field].metadata:
        if isinstance(mark, One) and len(loc) > 1:
            yield from _of_one({**detail, "loc": loc[1:]}, mark.table, (*at, field))
            return
    inner = [mark.table for mark in model.model_fields[field].metadata if isinstance(mark, Inner)]
    if inner and len(loc) > 1:
        place, rest = (*at, field, loc[1]), loc[2:]
        if rest and rest != ("[key]",):
            yield from _of_one({**detail, "loc": rest}, inner[0], place)
        else:
            found = f"the name {shown(loc[1])}" if rest else shown(detail["input"])
            yield Problem(place, found, allowed_words(model, field))
        return
    # Only places in lists follow: a name below could be a secret in the wrong place.
    key = (*at, field, *(part for part in loc[1:] if isinstance(part, int)))
    absent = detail["type"] == "missing" and len(loc) == 1
    found = "nothing" if absent else _found(field, detail["input"])
    yield Problem(key, found, allowed_words(model, field))


_SECRETS = frozenset({"key", "headers", "query", "proxy_login"})


def _found(field: str, value: object) -> str:
    """Where a secret could stand by mistake, its kind is told and not its content."""
    if field in _SECRETS:
        kind = "text" if isinstance(value, str) else "something else"
        return f"{kind} (not shown: it may be a secret)"
    if field in ("base_url", "proxy") and isinstance(value, str):
        return shown_address(value)
    return shown(value)
