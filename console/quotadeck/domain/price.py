"""What a target's calls cost: a price for each count, by tier and by how long the input is.

Prices are whole pico-dollars per token or per search, so a call's cost is exact before it is
rounded, once, half to even.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from quotadeck.domain.money import PICO_PER_NANO, nano_of_pico
from quotadeck.domain.tiers import CHEAP, NOTHING_CHOSEN, Chosen, joined, split
from quotadeck.domain.usage import Usage

_AS_BEFORE: Final = -1
UNKNOWN_VERSION: Final = "unknown"
"""What stands on record as the version of a price that nobody knows."""
BY_UPSTREAM: Final = "upstream"
"""What stands there of a cost that is the upstream's own account."""


@dataclass(frozen=True, slots=True)
class Rates:
    """A price of each count, for calls of a tier with more than ``above`` input tokens.

    Of an input token, an output token, an input token read from a cache, one written to it for five
    minutes, one for an hour, and of a search.
    """

    input_pico: int
    output_pico: int
    cached_input_pico: int
    cache_write_pico: int
    cache_write_1h_pico: int
    search_pico: int = 0
    tier: str = ""
    above: int = 0

    @property
    def dearest_input_pico(self) -> int:
        return max(
            self.input_pico,
            self.cached_input_pico,
            self.cache_write_pico,
            self.cache_write_1h_pico,
        )


_PICO: Final = tuple(each.name for each in fields(Rates) if each.name.endswith("_pico"))


@dataclass(frozen=True, slots=True)
class Price:
    """What a target costs, and the version of the list it came from.

    Its own figures are those of the usual tier and a short input; ``others`` are of the other
    tiers and of longer inputs. ``unasked`` are the words of tiers that its replies may state where
    the request names none.
    """

    input_pico: int
    output_pico: int
    cached_input_pico: int
    cache_write_pico: int
    version: str
    cache_write_1h_pico: int = _AS_BEFORE
    """Where it is not given: as for five minutes, by which such tokens were once priced."""
    search_pico: int = 0
    others: tuple[Rates, ...] = ()
    unasked: tuple[str, ...] = ()
    searches_known: bool = True
    """Where it is not so, nobody knows what a search costs."""
    is_flat: bool = field(init=False)
    """Neither the tier nor the length of its input changes what a call costs."""
    dearest_input_pico: int = field(init=False)
    """The most that one input token can cost by its own figures, however it is cached."""
    _rows: Mapping[str, tuple[Rates, ...]] = field(init=False, compare=False)
    _reached: dict[Chosen, tuple[tuple[int, int, int], ...]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        if self.cache_write_1h_pico == _AS_BEFORE:
            put(self, "cache_write_1h_pico", self.cache_write_pico)
        usual = Rates(**{name: getattr(self, name) for name in _PICO})
        rows: dict[str, list[Rates]] = {"": [usual]}
        for other in self.others:
            rows.setdefault(joined(split(other.tier)), []).append(other)
        for each in rows.values():
            each.sort(key=lambda row: -row.above)
        put(self, "is_flat", not self.others)
        put(self, "dearest_input_pico", usual.dearest_input_pico)
        put(self, "_rows", {tier: tuple(each) for tier, each in rows.items()})
        put(self, "_reached", {})

    @property
    def is_known(self) -> bool:
        """Where it is not, nobody knows what a call costs, and its figures say nothing."""
        return self.version != UNKNOWN_VERSION

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers that have a price."""
        return tuple(self._rows)

    def lists(self, tier: str) -> bool:
        """Whether calls of this tier have a price."""
        return self.is_known and (not tier or joined(split(tier)) in self._rows)

    def covers(self, usage: Usage) -> bool:
        """Whether all that a call used has a price."""
        if usage.web_searches and not self.searches_known:
            return False
        return self.lists(usage.tier)

    def rates(self, tier: str, input_tokens: int) -> Rates:
        """What each count of such a call costs.

        Where the tier has no price, that is not known: these are then the dearest that are, or
        the usual ones where it is known to cost no more than those.
        """
        words = split(tier)
        rows = self._rows.get(joined(words))
        if rows is None and CHEAP.issuperset(words):
            rows = self._rows[""]
        if rows is None:
            every = [self._at(rows, input_tokens) for rows in self._rows.values()]
            return Rates(*[max(getattr(row, name) for row in every) for name in _PICO])
        return self._at(rows, input_tokens)

    @staticmethod
    def _at(rows: tuple[Rates, ...], input_tokens: int) -> Rates:
        for row in rows:
            if input_tokens > row.above:
                return row
        return rows[-1]

    def reached(self, chosen: Chosen = NOTHING_CHOSEN) -> tuple[tuple[int, int, int], ...]:
        """All by which a request that chose so may be priced.

        Each as what the input must be above, and the most that an input and an output token cost.
        """
        known = self._reached.get(chosen)
        if known is None:
            known = tuple(self._may_be(chosen))
            if len(self._reached) < _MOST_KEPT:
                self._reached[chosen] = known
        return known

    def _may_be(self, chosen: Chosen) -> Iterator[tuple[int, int, int]]:
        for tier, rows in self._rows.items():
            if all(chosen.may_be(word, self.unasked) for word in split(tier)):
                for row in rows:
                    yield row.above, row.dearest_input_pico, row.output_pico

    def unpriced(self, chosen: Chosen) -> str:
        """A word that a request chose, that may cost more and has no price; empty: there is none.

        What costs no more than usual is bounded by the usual.
        """
        priced = {*CHEAP, *(word for tier in self._rows for word in split(tier))}
        return next((word for word in chosen.words if word not in priced), "")


UNKNOWN_PRICE: Final = Price(0, 0, 0, 0, UNKNOWN_VERSION)
_MOST_KEPT: Final = 64
"""Of what requests choose; their words come from outside."""


def price_of(told: Mapping[str, Any]) -> Price:
    """What a price told of itself, as any version wrote it. Raises LookupError or TypeError."""
    known = {each.name: told[each.name] for each in _TOLD if each.name in told}
    for row in ("others", "unasked"):
        known[row] = tuple(known.get(row, ()))
    known["others"] = tuple(Rates(**row) for row in known["others"])
    return Price(**known)


_TOLD: Final = tuple(each for each in fields(Price) if each.init)


def cost_nano(price: Price, usage: Usage) -> int:
    """What a call costs, in nano-dollars."""
    return nano_of_pico(cost_pico(price, usage))


def cost_pico(price: Price, usage: Usage) -> int:
    """The same in pico-dollars, for those who have more to add before it is rounded."""
    given, cached, out, write, hour_long, _, _, searches, tier, _, _ = usage
    rates = price if price.is_flat else price.rates(tier, given)
    pico = (given - cached - write) * rates.input_pico + out * rates.output_pico
    if cached:
        pico += cached * rates.cached_input_pico
    if write:
        pico += (write - hour_long) * rates.cache_write_pico
        pico += hour_long * rates.cache_write_1h_pico
    if searches:
        pico += searches * rates.search_pico
    return pico


def fees_nano(price: Price, usage: Usage) -> int:
    """What of a call's cost is for its searches, and not for its tokens."""
    return nano_of_pico(fees_pico(price, usage)) if usage.web_searches else 0


def fees_pico(price: Price, usage: Usage) -> int:
    """The same in pico-dollars."""
    rates = price.rates(usage.tier, usage.input_tokens)
    return usage.web_searches * rates.search_pico


def bound_nano(
    price: Price, input_tokens: int, output_tokens: int, chosen: Chosen = NOTHING_CHOSEN
) -> int:
    """The most that so many tokens can cost, in nano-dollars, rounded up.

    In whatever tier the reply may be that ``chosen`` leaves open.
    """
    if price.is_flat:
        pico = input_tokens * price.dearest_input_pico + output_tokens * price.output_pico
    else:
        pico = 0
        for above, dearest_input_pico, output_pico in price.reached(chosen):
            if input_tokens > above or not above:
                one = input_tokens * dearest_input_pico + output_tokens * output_pico
                pico = max(pico, one)
    return -(-pico // PICO_PER_NANO)
