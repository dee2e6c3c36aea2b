"""What a call is billed: each count at its own price, summed exactly and rounded once."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

PICO_PER_NANO: Final = 1_000
USUAL: Final = 1_000


@dataclass(frozen=True, slots=True)
class Prices:
    """A model's price list, in pico-dollars a token."""

    input: int
    cached: int
    written: int
    """Of input written to a cache for minutes."""
    written_1h: int
    output: int
    search_nano: int = 0
    """Of one web search."""
    tiers: dict[str, int] = field(default_factory=dict)
    """By a word of the reply's tier: so many thousandths of the price."""
    long_above: int = 0
    """With more input tokens than this every token costs more; 0: never."""
    long_input: int = USUAL
    """Thousandths of the price of input, then."""
    long_output: int = USUAL
    """And of output."""

    @classmethod
    def flat(cls, pico: int) -> "Prices":
        """One price for all."""
        return cls(pico, pico, pico, pico, pico)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a call used. The cached and the written are among the input, as is the summary's."""

    input: int
    output: int
    cached: int = 0
    written: int = 0
    """Both kinds together."""
    written_1h: int = 0
    reasoning: int = 0
    """Among the output."""
    searches: int = 0
    tier: tuple[str, ...] = ()


def bill_nano(prices: Prices, spent: Spent, *beside: tuple[Prices, Spent]) -> int:
    """Nano-dollars, with what was used of other models, rounded once, half to even."""
    pico = sum((_pico(*each) for each in beside), _pico(prices, spent))
    return round(pico / PICO_PER_NANO)


def _pico(prices: Prices, spent: Spent) -> Fraction:
    fresh = spent.input - spent.cached - spent.written
    taken = (
        fresh * prices.input
        + spent.cached * prices.cached
        + (spent.written - spent.written_1h) * prices.written
        + spent.written_1h * prices.written_1h
    )
    given = spent.output * prices.output
    if prices.long_above and spent.input > prices.long_above:
        taken, given = taken * prices.long_input, given * prices.long_output
        total = Fraction(taken + given, USUAL)
    else:
        total = Fraction(taken + given)
    for word in spent.tier:
        total *= Fraction(prices.tiers.get(word, USUAL), USUAL)
    return total + spent.searches * prices.search_nano * PICO_PER_NANO
