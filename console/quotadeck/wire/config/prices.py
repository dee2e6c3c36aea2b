"""From a target's table to its price, and what is wrong with what the table says of it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, replace
from fractions import Fraction
from typing import Final

from quotadeck.domain import tiers
from quotadeck.domain.money import parse_price
from quotadeck.domain.price import UNKNOWN_PRICE, Price, Rates
from quotadeck.wire.config.defaults import KnownModel
from quotadeck.wire.config.lines import Key
from quotadeck.wire.config.problems import Problem
from quotadeck.wire.config.target_table import LongTable, TargetTable, TierTable

VERSION_CHARS = 8
_APART: Final = (
    "input_usd",
    "output_usd",
    "cached_input_usd",
    "cache_write_usd",
    "cache_write_1h_usd",
)
_PER_TOKEN: Final = (
    *("input_pico", "output_pico", "cached_input_pico"),
    *("cache_write_pico", "cache_write_1h_pico"),
)
_BOTH: Final = {"input_usd", "output_usd"}
_NOT_BY_THEMSELVES: Final = frozenset({"fast", "batch"})
"""Words of tiers that no reply states unless the request said so."""
_Own = TargetTable | TierTable | LongTable


def has_own(table: TargetTable) -> bool:
    """Whether it names prices of its own."""
    return table.price_usd is not None or table.input_usd is not None


def price(
    table: TargetTable,
    known: KnownModel,
    unasked: Iterable[str] | None,
    listed: Mapping[str, list[Rates]] | None = None,
) -> Price:
    """What a target costs: by its own table, else as ``listed``, else as is known of the model.

    ``unasked``: see `Price`; None for all that have a price.
    """
    if has_own(table) or (listed is None and known.price_usd is not None):
        rows = {"": [_usual(table, known)]}
    elif listed is not None:
        rows = {tier: list(each) for tier, each in listed.items()}
    else:
        return UNKNOWN_PRICE
    if table.search_usd is not None:
        search_pico = table.search_usd * 1_000
        rows = {
            tier: [replace(row, search_pico=search_pico) for row in each]
            for tier, each in rows.items()
        }
    usual = rows[""][0]
    if table.long:
        rows[""] = [usual, *_long(table.long, usual.search_pico)]
    for tier, one in table.tiers.items():
        if one.times is None:
            own = replace(_apart(one, usual.search_pico), tier=tier)
            long = [replace(row, tier=tier) for row in _long(one.long, usual.search_pico)]
            rows[tier] = [own, *long]
    for word, one in table.tiers.items():
        if one.times is not None:
            _multiply(rows, word, one.times)
    # The table's own prices say what a search costs, if only that it is nothing.
    known_searches = has_own(table) or listed is None or table.search_usd is not None
    priced = made(rows, unasked)
    if known_searches or any(row.search_pico for each in rows.values() for row in each):
        return priced
    return replace(priced, searches_known=False)


def provided(provider: str, rows: Mapping[str, list[Rates]]) -> Mapping[str, list[Rates]]:
    """A list's rows, and what it leaves out of a provider's rules."""
    if provider != "anthropic":
        return rows
    # Sources: Anthropic's pages "Data residency" (inference in the US costs 1.1 times as much) and
    # "Service tiers" (what was committed to is not billed by the token: the usual price stands).
    more = {tier: list(each) for tier, each in rows.items()}
    more["priority"] = [replace(row, tier="priority") for row in rows[""]]
    _multiply(more, "us", Fraction(11, 10))
    return more


def made(rows: Mapping[str, list[Rates]], unasked: Iterable[str] | None) -> Price:
    """The price of these rows: of each tier its usual one first, then those of longer inputs."""
    usual, *others = [row for each in rows.values() for row in each]
    words = {word for tier in rows for word in tiers.split(tier)} - _NOT_BY_THEMSELVES
    return Price(
        usual.input_pico,
        usual.output_pico,
        usual.cached_input_pico,
        usual.cache_write_pico,
        _version(usual, others),
        usual.cache_write_1h_pico,
        usual.search_pico,
        tuple(others),
        tuple(sorted(words)) if unasked is None else tuple(unasked),
    )


def _usual(table: TargetTable, known: KnownModel) -> Rates:
    search_pico = (table.search_usd or 0) * 1_000
    if table.input_usd is not None:
        return _apart(table, search_pico)
    blended = parse_price(known.price_usd or "0") if table.price_usd is None else table.price_usd
    return _rates(blended, blended, table, search_pico)


def _apart(table: _Own, search_pico: int) -> Rates:
    return _rates(table.input_usd or 0, table.output_usd or 0, table, search_pico)


def _rates(fresh: int, output: int, table: _Own, search_pico: int) -> Rates:
    cached = fresh if table.cached_input_usd is None else table.cached_input_usd
    # What providers with a price of its own for it ask; a budget must not be passed by less.
    write = -(-fresh * 5 // 4) if table.cache_write_usd is None else table.cache_write_usd
    hour = table.cache_write_1h_usd
    return Rates(
        fresh, output, cached, write, max(2 * fresh, write) if hour is None else hour, search_pico
    )


def _long(tables: Iterable[LongTable], search_pico: int) -> list[Rates]:
    return [replace(_apart(one, search_pico), above=one.above) for one in tables]


def _multiply(rows: dict[str, list[Rates]], word: str, times: Fraction) -> None:
    """Add the tier that costs so many times as much, beside each other tier that it can meet."""
    field = tiers.field_of(word)
    for tier, each in list(rows.items()):
        words = tiers.split(tier)
        both = tiers.joined((*words, word))
        if both not in rows and field not in map(tiers.field_of, words):
            rows[both] = [_times(row, both, times) for row in each]


def _times(row: Rates, tier: str, times: Fraction) -> Rates:
    # Rounded up where it is no whole pico-dollar, which `problems` tells.
    pico = {name: -(-getattr(row, name) * times // 1) for name in _PER_TOKEN}
    return replace(row, tier=tier, **pico)


def _version(usual: Rates, others: Iterable[Rates]) -> str:
    """A name for a set of prices: the same prices, the same name."""
    told = ",".join(map(str, (*astuple(usual), *(part for row in others for part in astuple(row)))))
    return hashlib.sha256(told.encode()).hexdigest()[:VERSION_CHARS]


def problems(key: Key, table: TargetTable, known: KnownModel) -> Iterator[Problem]:
    """Everything that is wrong with the prices of the table at this key."""
    given = _given(table)
    if given and table.price_usd is not None:
        yield Problem((*key, given[0]), f"{given[0]} beside price_usd", "one of the two")
    elif given and not set(given) >= _BOTH:
        yield Problem((*key, given[0]), f"only {', '.join(given)}", "input_usd with output_usd")
    yield from _of_long((*key, "long"), table.long)
    for tier, one in table.tiers.items():
        own = _usual(table, known) if has_own(table) or known.price_usd else None
        yield from _of_tier((*key, "tiers", tier), one, own)


def _of_tier(key: Key, table: TierTable, usual: Rates | None) -> Iterator[Problem]:
    given = _given(table)
    if table.times is None:
        if not set(given) >= _BOTH:
            found = f"only {', '.join(given)}" if given else "nothing"
            yield Problem(key, found, "times, or input_usd with output_usd")
        yield from _of_long((*key, "long"), table.long)
        return
    if given or table.long:
        yield Problem((*key, "times"), f"times beside {[*given, 'long'][0]}", "one of the two")
    pico = astuple(usual)[: len(_APART)] if usual else ()
    if any((one * table.times).denominator != 1 for one in pico):
        found = "times that makes more than six decimals of a price"
        yield Problem((*key, "times"), found, "prices of its own: input_usd with output_usd")


def _of_long(key: Key, tables: Iterable[LongTable]) -> Iterator[Problem]:
    seen = 0
    for place, one in enumerate(tables):
        if not set(_given(one)) >= _BOTH:
            yield Problem((*key, place), "no price", "input_usd with output_usd")
        if one.above <= seen:
            yield Problem(
                (*key, place, "above"), str(one.above), f"more than {seen}, the one before"
            )
        seen = one.above


def _given(table: _Own) -> list[str]:
    return [name for name in _APART if getattr(table, name) is not None]
