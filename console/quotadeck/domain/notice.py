"""Something to be told to people, not yet worded: what it is, and the facts that belong to it.

This travels and is stored; `quotadeck.words` words it where it is read, in the reader's language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Fact = int | str | bool | None | tuple[str, ...]
"""A number, a name or a word. The unit stands in the fact's name: ``_us`` is an instant in UTC
microseconds, ``_ms`` a duration, ``_nano`` money in nano-dollars, ``_bytes`` and ``_percent``."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A kind, such as ``vital.loop_lag``, which has a sentence in `quotadeck.words`; its facts."""

    kind: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


def notice(kind: str, **facts: Fact) -> Notice:
    """``notice("vital.loop_lag", lag_ms=80)``."""
    return Notice(kind, facts)
