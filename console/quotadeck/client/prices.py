"""What models cost, as the application says."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from quotadeck.domain.price import Price
    from quotadeck.domain.usage import Usage

    Dollars = str | int | Decimal
    Told = Dollars | tuple[Dollars, Dollars] | Price


class Prices:
    """By model: dollars per million tokens, one for all or (input, output), or a whole `Price`.

    ``unknown`` is the price of every other model; None: there is none. Raises ValueError for what
    is no price.
    """

    def __init__(self, prices: "Mapping[str, Told]", unknown: "Told | None") -> None:
        if not isinstance(prices, Mapping):
            raise TypeError(f'prices= is such as {{"gpt-4.1": ("2.00", "8.00")}}, not {prices!r}')
        self._by_model = {model: _price(told) for model, told in prices.items()}
        self._unknown = None if unknown is None else _price(unknown)

    def most_nano(self, model: str, input_tokens: int, output_tokens: int) -> int | None:
        """The most that so many tokens cost; None where nobody knows."""
        price = self._by_model.get(model, self._unknown)
        if price is None:
            return None
        from quotadeck.domain.price import bound_nano

        return bound_nano(price, input_tokens, output_tokens)

    def cost_nano(self, model: str, usage: "Usage") -> int | None:
        """What a call cost: as the upstream itself says, or by its price. None where nobody knows,
        such as in a tier that has no price."""
        if usage.stated_nano is not None:
            return usage.stated_nano
        price = self._by_model.get(model, self._unknown)
        if price is None or not price.covers(usage):
            return None
        from quotadeck.domain.price import cost_nano

        return cost_nano(price, usage)


def _price(told: "Told") -> "Price":
    from quotadeck.domain.money import MoneyError, parse_price
    from quotadeck.domain.price import Price

    if isinstance(told, Price):
        return told
    each = told if isinstance(told, tuple) else (told, told)
    if any(isinstance(one, bool | float) for one in each):
        raise ValueError(f'a price is "2.50" or ("2.50", "10"), not {told!r}')
    try:
        given, out = (parse_price(str(one)) for one in each)
    except (MoneyError, ValueError):
        raise ValueError(
            f'a price is dollars per million tokens, "2.50" or (input, output), not {told!r}'
        ) from None
    return Price(given, out, given, given, "told")
