"""Something to be told to people, not yet worded: what it is, and the facts that belong to it.

This travels and is stored; `quotadeck.words` words it where it is read, in the reader's language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from quotadeck.domain.text import clean

MAX_FACT_CHARS: Final = 1_000

Fact = int | str | bool | None | tuple[str, ...]
"""A number, a name or a word. The unit stands in the fact's name: ``_us`` is an instant in UTC
microseconds, ``_ms`` a duration, ``_nano`` money in nano-dollars, ``_bytes`` and ``_percent``."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A kind, such as ``vital.loop_lag``, which has a sentence in `quotadeck.words`; its facts."""

    kind: str
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.kind)


class NoticeError(Exception):
    """An error that people are told of: raised with its notice, worded where it is read."""

    def __init__(self, kind: str, /, **facts: Fact) -> None:
        super().__init__(kind, facts)
        self.told = Notice(kind, facts)

    def within(self, kind: str, /, **facts: Fact) -> Notice:
        """A notice that says this one as its ``why``: ``{why:told}``."""
        return within(self.told, kind, **facts)


def notice(kind: str, /, **facts: Fact) -> Notice:
    """``notice("vital.loop_lag", lag_ms=80)``."""
    return Notice(kind, facts)


def within(told: Notice, kind: str, /, **facts: Fact) -> Notice:
    """A notice that says another as its ``why``; where that has a ``why``, too, each its own."""
    inner = told.facts.get("why")
    why = inner if isinstance(inner, tuple) else (inner,) if isinstance(inner, str) else ()
    return Notice(kind, {**told.facts, "why": (told.kind, *why) if why else told.kind, **facts})


def notice_of(kind: str, facts: object) -> Notice:
    """A notice from parsed JSON: lists become tuples, texts are cleaned, and no fact is nested."""
    if not isinstance(facts, dict):
        return Notice(kind)
    return Notice(clean(kind), {clean(str(name)): _fact(fact) for name, fact in facts.items()})


def _fact(found: object) -> Fact:
    if isinstance(found, str):
        return clean(found, MAX_FACT_CHARS)
    if found is None or isinstance(found, int):
        return found
    if isinstance(found, list | tuple):
        return tuple(clean(str(one)) for one in found)
    return clean(str(found))
