"""What the tables of the config file are made of, and how a value of theirs is found wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from quotadeck.domain.limits import MAX_PER_MINUTE
from quotadeck.domain.money import parse_usd


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a key may hold, in words."""

    words: str


@dataclass(frozen=True, slots=True)
class Default:
    """What holds where the key is left out, in words, if it is not a plain value."""

    words: str


@dataclass(frozen=True, slots=True)
class Inner:
    """A key that holds tables in its turn, by name or one after the other."""

    table: "type[Table]"


@dataclass(frozen=True, slots=True)
class One:
    """A key that holds a table."""

    table: "type[Table]"


class Mistake(NamedTuple):
    """What is wrong with a value: what was found, without a secret, and what is allowed.

    ``below`` is the way from the key to it, of names that are no secrets.
    """

    found: str
    allowed: str
    below: tuple[str, ...] = ()


class Mistakes(ValueError):
    """Raised by a validator that knows better than the key's `Allowed` what to do."""

    def __init__(self, *mistakes: Mistake) -> None:
        self.mistakes: Sequence[Mistake] = mistakes
        super().__init__("mistakes")


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _path(value: str | None) -> str | None:
    if value is None or "\0" in value:
        raise ValueError("not a path")
    try:
        return str(Path(value).expanduser())
    except RuntimeError:
        raise ValueError("no such home") from None


def _usd(value: object) -> int:
    if not isinstance(value, str) or not parse_usd(value):
        raise ValueError("not money")
    return parse_usd(value)


Usd = Annotated[
    int | None,
    BeforeValidator(_usd),
    Allowed('dollars as text, such as "12.50": over 0, at most a billion, at most nine decimals'),
]
PathText = Annotated[str | None, Field(min_length=1, max_length=1_000), AfterValidator(_path)]
PerMinute = Annotated[
    int | None,
    Field(ge=1, le=MAX_PER_MINUTE),
    Allowed(f"a whole number from 1 to {MAX_PER_MINUTE:_}"),
]
Count = Annotated[
    int | None, Field(ge=1, le=100_000_000), Allowed("a whole number from 1 to 100_000_000")
]
