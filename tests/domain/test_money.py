"""Money: exact in, exact out, rounded once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.money import (
    MAX_NANO_USD,
    NANO_PER_USD,
    MoneyError,
    nano_of_pico,
    parse_price,
    parse_usd,
    usd_exact,
    usd_short,
)
from quotadeck.words import say
from tests.wording import refuses


@given(st.integers(0, MAX_NANO_USD))
def test_an_amount_survives_being_written_and_read(nano: int) -> None:
    assert parse_usd(usd_exact(nano)) == nano


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("12.50", 12_500_000_000),
        ("0", 0),
        ("0.000000001", 1),
        ("1000000000", MAX_NANO_USD),
        ("1e3", 1_000 * NANO_PER_USD),
        ("0.5" + "0" * 100, NANO_PER_USD // 2),
    ],
)
def test_dollars_are_read_exactly(text: str, nano: int) -> None:
    assert parse_usd(text) == nano


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not an amount of dollars such as"),
        ("12,50", "is not an amount of dollars such as"),
        ("$5", "is not an amount of dollars such as"),
        ("-0.01", "zero or more"),
        ("NaN", "zero or more"),
        ("sNaN", "zero or more"),
        ("Infinity", "zero or more"),
        ("0.0000000001", "more than nine decimals"),
        ("1." + "0" * 30 + "1", "more than nine decimals"),
        ("1." + "0" * 300 + "1", "more than nine decimals"),
        ("1e-9999999", "more than nine decimals"),
        ("1000000000.000000001", "more than a billion"),
        ("1e999999", "more than a billion"),
        ("1e999999999999999999", "more than a billion"),
    ],
)
def test_what_is_not_an_amount_is_said_to_be_none(text: str, words: str) -> None:
    with refuses(MoneyError, match=words) as caught:
        parse_usd(text)
    assert repr(text) in say(caught.value.told)


@pytest.mark.parametrize(
    ("text", "pico"), [("2.50", 2_500_000), ("0.000001", 1), ("0", 0), ("1000000", 10**12)]
)
def test_a_price_per_million_is_exact_per_token(text: str, pico: int) -> None:
    assert parse_price(text) == pico


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("two", "such as"),
        ("-1", "between 0 and"),
        ("1000000.1", "between 0 and"),
        ("inf", "between 0 and"),
        ("1e999999", "between 0 and"),
        ("0.0000001", "more than six decimals"),
        ("2.5" + "0" * 30 + "1", "more than six decimals"),
        ("1e-9999999", "more than six decimals"),
    ],
)
def test_what_is_not_a_price_is_said_to_be_none(text: str, words: str) -> None:
    with refuses(MoneyError, match=words):
        parse_price(text)


@given(st.integers(-(10**30), 10**30))
def test_pico_dollars_round_half_to_even(pico: int) -> None:
    assert nano_of_pico(pico) == round(Fraction(pico, 1_000))


@pytest.mark.parametrize(("pico", "nano"), [(500, 0), (1_500, 2), (2_500, 2), (2_501, 3), (499, 0)])
def test_halves_go_to_the_even_neighbour(pico: int, nano: int) -> None:
    assert nano_of_pico(pico) == nano


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (1_230_000, "0.00123"),
        (100 * NANO_PER_USD, "100"),
        (-1_500_000_000, "-1.5"),
    ],
)
def test_exact_dollars_have_no_trailing_zeros(nano: int, text: str) -> None:
    assert usd_exact(nano) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        ("0", "$0"),
        ("0.001", "<$0.01"),
        ("0.034", "$0.03"),
        ("1.205", "$1.20"),
        ("9.994", "$9.99"),
        ("9.995", "$10.0"),
        ("38.2", "$38.2"),
        ("455", "$455"),
        ("999.4", "$999"),
        ("999.5", "$1.00k"),
        ("1210", "$1.21k"),
        ("999499", "$999k"),
        ("999500", "$1.00M"),
        ("-455", "-$455"),
    ],
)
def test_short_dollars_fit_a_column(dollars: str, text: str) -> None:
    assert usd_short(int(Decimal(dollars) * NANO_PER_USD)) == text


@given(st.integers(0, MAX_NANO_USD - 1))
def test_short_dollars_are_never_longer_than_six_characters(nano: int) -> None:
    assert len(usd_short(nano)) <= 6
