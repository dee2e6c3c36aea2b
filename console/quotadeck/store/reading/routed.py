# ruff: noqa: S608 - the SQL is put together from our own names alone
"""The models' last quarter of an hour: who asked, how the targets did, what others would cost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from quotadeck.domain.cause import Cause
from quotadeck.domain.detail import WINDOW_MINUTES
from quotadeck.domain.latency import COLUMNS, quantile_ms
from quotadeck.domain.price import Price, cost_nano
from quotadeck.domain.routed import MOST_ASKERS, Asker, ModelFlow, Routed, Switch, TargetTook
from quotadeck.domain.state import StateKind
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.store.reading.around import COLUMN
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.sqlite.tables import FOR_EVER_US, HOUR, MINUTE

LOOKED_AT: Final = 20_000
"""So many of the newest calls tell how long targets took."""
_DAY_US: Final = 24 * HOUR.length_us
_FIRST: Final = COLUMN.replace("total_ms", "first_byte_ms")
_TOKENS: Final = (
    *("input_tokens", "cached_tokens", "output_tokens"),
    *("cache_write_tokens", "cache_write_1h_tokens"),
)
"""As `Usage` begins."""
_SUMMED: Final = ("forwarded", "upstream_errors", "cost_nano_usd", *_TOKENS)

Ways = Mapping[str, tuple[str, Mapping[str, Price]]]
"""Of each model the target that serves it, and the price of each target of its route."""


class RoutedModels(ReadConnection):
    async def routed(self, at_us: int, prices: Ways) -> Routed:
        """What passed in the present minute and the fourteen before."""
        this_us = at_us - at_us % MINUTE.length_us
        starts = [this_us - ago * MINUTE.length_us for ago in range(WINDOW_MINUTES)]
        sums = await self._minutes("rollups", _SUMMED, starts)
        refused = await self._minutes("refusals", ("count",), starts)
        looked_us, took = await self._took(starts[-1], at_us)
        models = _models(sums, refused, prices, max(1, at_us - starts[-1]))
        return Routed(at_us, starts[-1], looked_us, models, took)

    async def _minutes(self, table: str, summed: Sequence[str], starts: Sequence[int]) -> list[Any]:
        sums = ", ".join(f"SUM(r.{name})" for name in summed)
        return await self._rows(
            f"SELECT r.model, r.project, {sums} FROM json_each(?) AS asked "
            f"CROSS JOIN {table}_minute AS r ON r.source_id = ? AND r.minute_us = asked.value "
            "GROUP BY r.model, r.project",
            (orjson.dumps(list(starts)).decode(), self.source),
        )

    async def _took(self, since_us: int, at_us: int) -> tuple[int, tuple[TargetTook, ...]]:
        """Since when the newest calls were looked at, and how long each target took since then."""
        newest = await self._rows("SELECT MAX(seq) FROM calls", ())
        behind = (newest[0][0] or 0) - LOOKED_AT
        rows = await self._rows(
            f"SELECT target, {COLUMN}, CASE WHEN stream THEN {_FIRST} END, COUNT(*), MIN(at_us) "
            "FROM calls NOT INDEXED WHERE seq > ? AND source_id = ? AND at_us >= ? "
            "AND target <> '' AND outcome IN ('ok', 'upstream_error', 'client_error') "
            "GROUP BY 1, 2, 3",
            (behind, self.source, since_us),
        )
        edge = await self._rows("SELECT at_us FROM calls WHERE seq = ?", (behind,))
        over = await self._limited_over(at_us)
        whole, first = dict[str, list[int]](), dict[str, list[int]]()
        for target, total, byte, count, _ in rows:
            whole.setdefault(target, [0] * COLUMNS)[total] += count
            if byte is not None:
                first.setdefault(target, [0] * COLUMNS)[byte] += count
        took = [
            TargetTook(
                target,
                sum(counts := whole.get(target, [])),
                quantile_ms(counts, 0.5),
                quantile_ms(counts, 0.95),
                quantile_ms(first.get(target, []), 0.95),
                over.get(target),
            )
            for target in sorted({*whole, *over})
        ]
        return max(since_us, edge[0][0]) if edge else since_us, tuple(took)

    async def _limited_over(self, at_us: int) -> dict[str, int]:
        """When each target's last 429s were over, within a day; not of those that still come."""
        rows = await self._rows(
            "SELECT subject, MAX(left_us) FROM states WHERE left_us > ? AND source_id = ? "
            "AND kind = ? AND cause = ? GROUP BY subject",
            (at_us - _DAY_US, self.source, StateKind.FAILING.value, Cause.UPSTREAM_429.value),
        )
        return {Subject.parse(text).name: us for text, us in rows if us != FOR_EVER_US}


def _models(
    sums: Sequence[Any], refused: Sequence[Any], prices: Ways, over_us: int
) -> tuple[ModelFlow, ...]:
    asked: dict[str, Counter[str]] = {}
    turned_away = Counter[str]()
    totals: dict[str, list[int]] = {}
    for model, project, count in refused:
        asked.setdefault(model, Counter())[project] += count
        turned_away[model] += count
    for model, project, *counts in sums:
        asked.setdefault(model, Counter())[project] += counts[0]
        known = totals.setdefault(model, [0] * len(_SUMMED))
        totals[model] = [one + other for one, other in zip(known, counts, strict=True)]
    made = []
    for model, (serving, priced) in prices.items():
        who = asked.get(model, Counter[str]())
        forwarded, failed, cost, *tokens = totals.get(model, [0] * len(_SUMMED))
        each = {target: _hourly(price, tokens, over_us) for target, price in priced.items()}
        made.append(
            ModelFlow(
                model,
                who.total(),
                turned_away[model],
                forwarded,
                failed,
                cost,
                tuple(Asker(*one) for one in who.most_common(MOST_ASKERS) if one[1]),
                tuple(
                    Switch(target, nano - each[serving])
                    for target, nano in each.items()
                    if target != serving and serving in each and forwarded
                ),
            )
        )
    return tuple(made)


def _hourly(price: Price, tokens: Iterable[Any], over_us: int) -> int:
    # The sum is of many calls: it is no long input.
    return cost_nano(replace(price, others=()), Usage(*tokens)) * HOUR.length_us // over_us
