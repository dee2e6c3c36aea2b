"""What was recorded, as it is read again: sums of calls, levels, states, the file layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quotadeck.domain.calls import Call
from quotadeck.domain.price import Price
from quotadeck.domain.snapshot import Event


@dataclass(frozen=True, slots=True)
class Rollup:
    """Calls summed over a minute, an hour or a day × project × model.

    ``seq`` grows whenever the row changes: read on after the greatest seen. Of ``at_us``, the start
    of a minute or an hour, and ``day``, the project's own (ISO), one is given. ``forwarded``
    includes errors and unknown ends. ``latency`` counts total_ms of answered calls in the columns
    of `quotadeck.domain.latency`; ``refused`` is how many were, by the word of their cause.
    """

    seq: int
    at_us: int | None
    day: str | None
    project: str
    model: str
    forwarded: int
    upstream_errors: int
    client_errors: int
    unknown: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    reasoning_tokens: int
    cost_nano_usd: int
    fees_nano_usd: int
    latency: tuple[int, ...]
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Total:
    """All that the day roll-ups say of one project. ``refused`` as in `Rollup`."""

    project: str
    forwarded: int
    upstream_errors: int
    client_errors: int
    unknown: int
    cost_nano_usd: int
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LevelSample:
    """A bucket's level in a ten-second slice: the least and the last, in its limit's unit.

    ``limit`` is what it was measured under, as in `quotadeck.domain.calls.Gate`; None where that
    was not recorded.
    """

    seq: int
    at_us: int
    bucket: str
    least: int
    last: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class StateSpan:
    """A state that held of a subject from an instant to another, or still does (None)."""

    subject: str
    kind: str
    cause: str
    entered_us: int
    left_us: int | None
    facts: Mapping[str, Any]
    """As it was entered."""
    left_facts: Mapping[str, Any]
    """As it was left; empty while it holds."""


@dataclass(frozen=True, slots=True)
class FileLayer:
    """What the config file said from an instant on, without secrets; ``hash`` is its SHA-256."""

    at_us: int
    hash: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FoundCall:
    """What is on record under a request's id.

    ``is_own`` is False where it was refused and counted into the record of another of its second:
    then ``calls`` are all those of which it may be one.
    """

    is_own: bool
    calls: tuple[Call, ...]
    seqs: tuple[int, ...] = ()
    """Their cursors, where they are known."""
    price: Price | None = None
    """By which its tokens were priced, or were too dear: None where that is not on record."""


@dataclass(frozen=True, slots=True)
class CallSearch:
    """What a search of the calls found, which looks at so many of them and no more.

    ``rows`` are (cursor, call), oldest first. All calls between where it began and the cursor
    ``looked_to`` were looked at: go on from there. ``ended`` where there are none beyond it.
    ``newest_to`` is the newest that was looked at, ``looked_us`` when the one at ``looked_to``
    arrived, where it goes on from there.
    """

    rows: tuple[tuple[int, Call], ...]
    looked_to: int
    ended: bool
    newest_to: int = 0
    looked_us: int | None = None


@dataclass(frozen=True, slots=True)
class EventSearch:
    """What a search of the events found; as `CallSearch`."""

    rows: tuple[tuple[int, Event], ...]
    looked_to: int
    ended: bool
    newest_to: int
