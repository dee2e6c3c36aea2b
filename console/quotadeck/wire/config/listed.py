"""The public price list (`genai-prices`, as it is packaged) as rates of our own.

It is loaded where a target names no price of its own, once, and nothing of it is kept but the
rates: its import takes a tenth of a second and some 10 MB. Nothing is fetched.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any, Final

from quotadeck.domain.price import Rates

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

Rows = Mapping[str, list[Rates]]
"""By tier: the rates of short inputs first, then those of longer ones."""

_TIERS: Final = {
    ("service_tier", "priority"): "priority",
    ("service_tier", "flex"): "flex",
    ("processing", "batch"): "batch",
    ("speed", "fast"): "fast",
}
_COUNTED: Final = frozenset(
    {
        *("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"),
        *("cache_write_5m_mtok", "cache_write_1h_mtok", "web_searches_kcount"),
    }
)
_MAY_CHANGE_IT: Final = frozenset({"output_reasoning_mtok", "output_citation_mtok"})
"""Counts of text that have no place among ours: what has them has no price here."""
_PER_CALL: Final = "requests_kcount"


def listed(provider: str, model: str, now: datetime) -> Rows | None:
    """What a provider's model costs now; None where the list does not say it whole."""
    try:
        from genai_prices.data_snapshot import get_snapshot

        found = get_snapshot().find_provider_model(model, None, provider, None)[1]
    except (ImportError, LookupError):
        return None
    usual = _prices(found, now, {})
    if usual is None:
        return None
    rows = {"": usual}
    for variant in found.price_variants or ():
        active = variant.constraint is None or variant.constraint.active(now)
        tier = _TIERS.get(next(iter(variant.when.items())), "")
        if active and tier and len(variant.when) == 1:
            own = _prices(found, now, variant.when)
            rows |= {tier: [replace(row, tier=tier) for row in own]} if own else {}
    return rows


def _prices(model: "ModelInfo", now: datetime, when: Mapping[str, str]) -> list[Rates] | None:
    """Of the hours of the day that cost differently, the dearest's."""
    hours = {now, *_other_hours(model, now)}
    found = [_rates(model.get_prices(hour, when)) for hour in hours]
    return max((one for one in found if one), key=lambda rows: rows[0].output_pico, default=None)


def _other_hours(model: "ModelInfo", now: datetime) -> Iterator[datetime]:
    conditional: Any = model.prices if isinstance(model.prices, list) else []
    for one in conditional:
        begins = getattr(one.constraint, "start_time", None)
        if begins is not None:
            yield now.replace(hour=begins.hour, minute=begins.minute)


def _rates(prices: "ModelPrice") -> list[Rates] | None:
    told = {name: value for name, value in vars(prices).items() if value is not None}
    if "input_mtok" not in told or told.keys() & (_MAY_CHANGE_IT | {_PER_CALL}):
        return None
    starts = {tier.start for value in told.values() for tier in getattr(value, "tiers", ())}
    return [_at(told, start) for start in (0, *sorted(starts))]


def _at(told: Mapping[str, Any], above: int) -> Rates:
    """Prices of calls with more than so many input tokens; what is not told costs as the input."""

    def pico(name: str, other: int) -> int:
        return _whole(_of(told[name], above) * 10**6) if name in told else other

    fresh = pico("input_mtok", 0)
    write = pico("cache_write_5m_mtok", pico("cache_write_mtok", fresh))
    searches = told.get("web_searches_kcount")
    return Rates(
        fresh,
        pico("output_mtok", 0),
        pico("cache_read_mtok", fresh),
        write,
        pico("cache_write_1h_mtok", write),
        _whole(_of(searches, above) * 10**9) if searches is not None else 0,
        above=above,
    )


def _of(value: Any, above: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    fitting = [tier.price for tier in value.tiers if tier.start <= above]
    price: Decimal = fitting[-1] if fitting else value.base
    return price


def _whole(pico: Decimal) -> int:
    """Up where it is a part of a pico-dollar: a budget must not be passed by less."""
    return int(pico.to_integral_value(ROUND_CEILING))
