"""Money in integers: nano-dollars for amounts, pico-dollars per token for prices.

A price list in dollars per million tokens with up to six decimals is exact in pico-dollars per
token. Costs are summed in pico-dollars and rounded once per call, half to even.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction

from quotadeck.domain.notice import NoticeError

NANO_PER_USD = 1_000_000_000
PICO_PER_NANO = 1_000
PICO_PER_USD_PER_MTOK = 1_000_000
MAX_NANO_USD = 1_000_000_000 * NANO_PER_USD
"""A billion dollars: beyond it a number is a mistake, and the sum still fits SQLite's integers."""

_EXACT = Context(prec=60, traps=[Inexact])
"""The default context would round a thirtieth decimal away without a word."""


class MoneyError(NoticeError, ValueError):
    """The text is not an amount of money we accept."""


def parse_usd(text: str) -> int:
    """Nano-dollars of a decimal string such as ``"12.50"``; exact or an error."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise MoneyError("money.no_amount", typed=text) from None
    if not amount.is_finite() or amount < 0:
        raise MoneyError("money.negative", typed=text)
    if amount > MAX_NANO_USD // NANO_PER_USD:
        raise MoneyError("money.too_much", typed=text)
    nano = _whole(amount, NANO_PER_USD)
    if nano is None:
        raise MoneyError("money.too_fine", typed=text)
    return nano


def parse_price(text: str) -> int:
    """Pico-dollars per token of a price in dollars per million tokens, such as ``"2.50"``."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise MoneyError("price.no_price", typed=text) from None
    if not amount.is_finite() or amount < 0 or amount > 1_000_000:
        raise MoneyError("price.range", typed=text)
    pico = _whole(amount, PICO_PER_USD_PER_MTOK)
    if pico is None:
        raise MoneyError("price.too_fine", typed=text)
    return pico


def parse_times(text: str) -> Fraction:
    """A factor on prices, such as ``"1.1"``."""
    try:
        factor = Decimal(text)
    except InvalidOperation:
        raise MoneyError("price.no_times", typed=text) from None
    if not factor.is_finite() or not 0 < factor <= 1_000 or _whole(factor, 10_000) is None:
        raise MoneyError("price.no_times", typed=text)
    return Fraction(factor)


def _whole(amount: Decimal, factor: int) -> int | None:
    try:
        product = _EXACT.multiply(amount, Decimal(factor))
    except Inexact:
        return None
    return int(product) if product == product.to_integral_value() else None


def nano_of_pico(pico: int) -> int:
    """Round pico-dollars to nano-dollars, half to even; once per call."""
    whole, rest = divmod(pico, PICO_PER_NANO)
    half = PICO_PER_NANO // 2
    return whole + (rest > half or (rest == half and whole % 2 == 1))


def usd_exact(nano: int) -> str:
    """All nine decimals without trailing zeros: ``0.00123`` (for headers and JSON)."""
    whole, part = divmod(abs(nano), NANO_PER_USD)
    return f"{'-' if nano < 0 else ''}{whole}.{part:09}".rstrip("0").rstrip(".")


def usd_short(nano: int) -> str:
    """Three significant figures with the currency, for people: ``$455``, ``$1.21k``, ``<$0.01``."""
    sign, nano = ("-", -nano) if nano < 0 else ("", nano)
    dollars = Decimal(nano) / NANO_PER_USD
    if 0 < dollars < Decimal("0.0095"):
        return f"{sign}<$0.01"
    for limit, divisor, unit in ((999_500, 1_000_000, "M"), (999.5, 1_000, "k")):
        if dollars >= Decimal(str(limit)):
            return f"{sign}${_three(dollars / divisor)}{unit}"
    return f"{sign}${_three(dollars)}"


def _three(value: Decimal) -> str:
    if value == 0:
        return "0"
    places = 0 if value >= Decimal("99.95") else 1 if value >= Decimal("9.995") else 2
    return format(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), "f")
