"""A price: exact for every count, tier and length, and never above the bound that was held."""

from collections.abc import Sequence
from fractions import Fraction

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.price import Price, Rates, bound_nano, cost_nano, fees_nano, price_of
from quotadeck.domain.tiers import chosen
from quotadeck.domain.usage import Usage
from quotadeck.wire.objects import dump, load

TOKENS = st.integers(0, 10_000_000)
PICO = st.integers(0, 10**12)
TIERS = ("", "priority", "flex", "fast", "us", "priority+us", "fast+us")
USUAL = Rates(2_000_000, 8_000_000, 500_000, 2_500_000, 4_000_000, 10_000_000_000)


def a_row(tier: str, above: int) -> st.SearchStrategy[Rates]:
    return st.builds(Rates, PICO, PICO, PICO, PICO, PICO, PICO, st.just(tier), st.just(above))


@st.composite
def rows(draw: st.DrawFn) -> list[Rates]:
    """Of the usual tier and some others the short inputs', and of some those of longer ones."""
    made = []
    for tier in ("", *draw(st.lists(st.sampled_from(TIERS[1:]), unique=True, max_size=3))):
        lengths = draw(st.lists(st.integers(1, 1_000_000), unique=True, max_size=2))
        made += [draw(a_row(tier, above)) for above in (0, *sorted(lengths))]
    return made


@st.composite
def usages(draw: st.DrawFn, tiers: Sequence[str] = TIERS, searches: int = 9) -> Usage:
    given_in = draw(TOKENS)
    cached = draw(st.integers(0, given_in))
    write = draw(st.integers(0, given_in - cached))
    hour = draw(st.integers(0, write))
    return Usage(
        given_in,
        cached,
        draw(TOKENS),
        write,
        hour,
        web_searches=draw(st.integers(0, searches)),
        tier=draw(st.sampled_from(tiers)),
    )


def priced(rows: Sequence[Rates], unasked: tuple[str, ...] = ()) -> Price:
    usual, *others = rows
    return Price(
        usual.input_pico,
        usual.output_pico,
        usual.cached_input_pico,
        usual.cache_write_pico,
        "v1",
        usual.cache_write_1h_pico,
        usual.search_pico,
        tuple(others),
        unasked,
    )


def exact(row: Rates, usage: Usage) -> Fraction:
    """In nano-dollars, by the price list and nothing of ours."""
    per_mtok = {name: Fraction(getattr(row, name), 10**6) for name in Rates.__slots__[:5]}
    fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    dollars = (
        fresh * per_mtok["input_pico"]
        + usage.cached_tokens * per_mtok["cached_input_pico"]
        + (usage.cache_write_tokens - usage.cache_write_1h_tokens) * per_mtok["cache_write_pico"]
        + usage.cache_write_1h_tokens * per_mtok["cache_write_1h_pico"]
        + usage.output_tokens * per_mtok["output_pico"]
    ) / 10**6 + usage.web_searches * Fraction(row.search_pico, 10**12)
    return dollars * 10**9


@given(rows(), usages())
def test_a_call_costs_what_the_list_says_for_its_tier_and_length(
    rows: list[Rates], usage: Usage
) -> None:
    at_its_length = {row.tier: row for row in rows if not row.above}
    at_its_length |= {row.tier: row for row in rows if usage.input_tokens > row.above}
    price = priced(rows)
    if usage.tier in at_its_length:
        row = at_its_length[usage.tier]
        fees = round(Fraction(usage.web_searches * row.search_pico, 1_000))
        assert cost_nano(price, usage) == round(exact(row, usage))
        assert fees_nano(price, usage) == fees
    elif usage.tier == "flex":  # no more than the usual
        assert cost_nano(price, usage) == round(exact(at_its_length[""], usage))
        assert not price.lists(usage.tier)
    else:  # the dearest of each count
        assert not price.lists(usage.tier)
        for row in at_its_length.values():
            assert cost_nano(price, usage) >= round(exact(row, usage))


@given(rows(), st.data(), st.sampled_from([(), ("us",), ("priority", "us"), ("flex",)]))
def test_no_tier_that_a_reply_may_state_costs_more_than_the_bound(
    rows: list[Rates], data: st.DataObject, unasked: tuple[str, ...]
) -> None:
    price = priced(rows, unasked)
    asked = data.draw(
        st.lists(
            st.sampled_from(
                [("service_tier", "priority"), ("speed", "fast"), ("inference_geo", "us")]
            ),
            unique=True,
        )
    )
    may = {"", *unasked, *(value for _, value in asked)}
    open_to_it = [tier for tier in price.tiers if set(tier.split("+")) <= may]
    usage = data.draw(usages(open_to_it, searches=0))
    bound = bound_nano(price, usage.input_tokens, usage.output_tokens, chosen(asked))
    assert cost_nano(price, usage) <= bound
    fewer = usage._replace(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens // 2)
    assert cost_nano(price, fewer) <= bound


@given(rows(), usages(searches=0), st.integers(0, 10_000_000))
def test_a_shorter_input_than_was_feared_costs_no_more_than_the_bound(
    rows: list[Rates], usage: Usage, more: int
) -> None:
    price = priced(rows, ("priority", "flex", "fast", "us"))
    if usage.tier in price.tiers:
        bound = bound_nano(price, usage.input_tokens + more, usage.output_tokens)
        assert cost_nano(price, usage) <= bound


DEAR = Rates(4_000_000, 16_000_000, 1_000_000, 5_000_000, 8_000_000, tier="priority")
FAST = Rates(9_000_000, 9_000_000, 9_000_000, 9_000_000, 9_000_000, tier="fast")
LONG = Rates(3_000_000, 12_000_000, 750_000, 3_750_000, 6_000_000, above=1_000)
ALL = priced([USUAL, LONG, DEAR, FAST], ("priority",))


@pytest.mark.parametrize(
    ("chooses", "input_tokens", "pico"),
    [
        ((), 100, 8_000_000),
        ((("service_tier", "auto"),), 100, 8_000_000),
        ((("service_tier", "default"),), 100, 4_000_000),
        ((("service_tier", "standard_only"),), 2_000, 6_000_000),
        ((("service_tier", "priority"),), 100, 8_000_000),
        ((("service_tier", "fast"),), 100, 8_000_000),
        ((("speed", "fast"),), 100, 9_000_000),
        ((("model", "fast"), ("service_tier", "flex")), 100, 4_000_000),
    ],
)
def test_the_bound_is_taken_at_the_dearest_that_the_request_leaves_open(
    chooses: tuple[tuple[str, str], ...], input_tokens: int, pico: int
) -> None:
    assert bound_nano(ALL, input_tokens, 0, chosen(chooses)) == input_tokens * pico // 1_000


def test_a_tier_without_a_price_is_charged_by_the_dearest_and_named() -> None:
    assert cost_nano(ALL, Usage(100, 0, 10, tier="scale")) == (900_000 + 160_000)
    assert ALL.unpriced(chosen((("service_tier", "scale"),))) == "scale"
    assert not ALL.unpriced(chosen((("service_tier", "priority"), ("speed", "fast"))))


def test_a_word_that_nobody_knows_is_no_region_and_is_found_in_any_order() -> None:
    row = Rates(1, 1, 1, 1, 1, tier="us+ultrafast")
    price = priced([USUAL, row], ("ultrafast",))
    assert price.lists("ultrafast+us")
    assert price.rates("ultrafast+us", 1) is row
    assert not price.lists("ultrafast")
    settled = chosen((("inference_geo", "us"), ("service_tier", "default")))
    assert settled.may_be("ultrafast", price.unasked)


def test_what_was_written_for_an_hour_has_its_own_price() -> None:
    price = priced([USUAL])
    assert cost_nano(price, Usage(100, 0, 0, 100, 40)) == 60 * 2_500 + 40 * 4_000
    assert bound_nano(price, 100, 0) == 100 * 4_000


def test_an_older_record_of_a_price_says_what_it_said_then() -> None:
    told = {"input_pico": 1, "output_pico": 2, "cached_input_pico": 3, "cache_write_pico": 4}
    price = price_of({**told, "version": "v1", "dearest_input_pico": 4})
    assert price == Price(1, 2, 3, 4, "v1")
    assert price.cache_write_1h_pico == 4


@given(rows())
def test_a_price_on_record_or_sent_is_the_same_price(rows: list[Rates]) -> None:
    price = priced(rows, ("us",))
    assert price_of(orjson.loads(orjson.dumps(price))) == price
    assert load(Price, dump(price)) == price
