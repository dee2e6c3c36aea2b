"""Rows of the ledger as values."""

from dataclasses import dataclass
from typing import Any, Final

from quotadeck.domain.calls import Call
from quotadeck.store.records import call_of
from quotadeck.store.schema import CALL_COLUMNS, REFUSED_COLUMNS

_BOOLS: Final = tuple(
    CALL_COLUMNS.index(name) for name in ("bound_is_estimate", "usage_is_estimate", "stream")
)
_REFUSED_END: Final = 4 + len(REFUSED_COLUMNS)
_TOKENS_END: Final = _REFUSED_END + 4


@dataclass(frozen=True, slots=True)
class Rollup:
    """Calls summed over a minute or a day × project × model.

    ``seq`` grows whenever the row changes: read on after the greatest seen. Of ``minute_us`` and
    ``day`` one is given. ``refused`` is in the order of `REFUSAL_CAUSES`, ``latency`` counts
    total_ms of answered calls in the columns of `quotadeck.domain.latency`. ``forwarded`` includes
    errors and unknown ends.
    """

    seq: int
    minute_us: int | None
    day: str | None
    project: str
    model: str
    forwarded: int
    upstream_errors: int
    client_errors: int
    unknown: int
    refused: tuple[int, ...]
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_nano_usd: int
    latency: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LevelSample:
    """A bucket's level in a ten-second slice: the least and the last, in its limit's unit."""

    seq: int
    at_us: int
    bucket: str
    least: int
    last: int


@dataclass(frozen=True, slots=True)
class Total:
    """All that the day roll-ups say of one project. ``refused`` as in `Rollup`."""

    project: str
    forwarded: int
    upstream_errors: int
    client_errors: int
    unknown: int
    refused: tuple[int, ...]
    cost_nano_usd: int


def call_row(columns: list[Any]) -> Call:
    """A call from the table's columns, without what it left taken of buckets."""
    values = list(columns)
    for index in _BOOLS:
        values[index] = bool(values[index])
    return call_of(values)


def rollup_row(row: tuple[Any, ...], per: str) -> Rollup:
    """A roll-up from change, period, project, model and the sums."""
    seq, period, project, model, *sums = row
    values = (
        seq,
        period if per == "minute" else None,
        period if per == "day" else None,
        project,
        model,
        *sums[:4],
        tuple(sums[4:_REFUSED_END]),
        *sums[_REFUSED_END:_TOKENS_END],
        tuple(sums[_TOKENS_END:]),
    )
    return Rollup(*values)


def total_row(row: tuple[Any, ...]) -> Total:
    """A total from project, the counts and the cost."""
    project, *counts, cost = row
    values = (project, *counts[:4], tuple(counts[4:]), cost)
    return Total(*values)
