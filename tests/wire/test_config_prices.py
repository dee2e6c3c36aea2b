"""Prices in the config file: for each count, tier and length, and by a factor on all of them."""

from pathlib import Path

import pytest

from quotadeck.domain.price import Price, cost_nano
from quotadeck.domain.usage import Usage
from quotadeck.wire.config.problems import ConfigError
from tests.wire.configs import changed, loaded, refusal

TABLE = '[targets."main/gpt-4.1"]\n'
BASE = 'input_usd = "2"\noutput_usd = "8"\ncached_input_usd = "0.5"\n'
TIERS = """
[[targets."main/gpt-4.1".long]]
above = 1000
input_usd = "4"
output_usd = "12"

[targets."main/gpt-4.1".tiers.priority]
input_usd = "3.5"
output_usd = "14"

[[targets."main/gpt-4.1".tiers.priority.long]]
above = 2000
input_usd = "7"
output_usd = "20"

[targets."main/gpt-4.1".tiers.us]
times = "1.1"
"""


def price(place: Path, more: str) -> Price:
    found = loaded(place, changed(TABLE, TABLE + more)).catalogue.targets["main/gpt-4.1"]
    return found.price


@pytest.mark.parametrize(
    ("usage", "nano"),
    [
        (Usage(1_000, 400, 100), 600 * 2_000 + 400 * 500 + 100 * 8_000),
        (Usage(1_001, 0, 100), 1_001 * 4_000 + 100 * 12_000),
        (Usage(1_001, 1, 100, tier="priority"), 1_001 * 3_500 + 100 * 14_000),
        (Usage(2_001, 0, 100, tier="priority"), 2_001 * 7_000 + 100 * 20_000),
        (Usage(1_000, 400, 100, tier="us"), 600 * 2_200 + 400 * 550 + 100 * 8_800),
        (Usage(2_001, 0, 100, tier="priority+us"), 2_001 * 7_700 + 100 * 22_000),
        (Usage(100, 0, 0, 100), 100 * 2_500),
        (Usage(100, 0, 0, 100, 100), 100 * 4_000),
        (Usage(0, 0, 0, web_searches=3), 3 * 10_000_000),
    ],
)
def test_each_count_has_its_price_by_tier_and_length(
    tmp_path: Path, usage: Usage, nano: int
) -> None:
    assert cost_nano(price(tmp_path, BASE + 'search_usd = "10.00"\n' + TIERS), usage) == nano


def test_replies_may_state_unasked_what_has_a_price_or_what_the_upstream_says(
    tmp_path: Path,
) -> None:
    fast = '[targets."main/gpt-4.1".tiers.fast]\ntimes = "2"\n'
    assert price(tmp_path, BASE + TIERS + fast).unasked == ("priority", "us")
    text = changed(TABLE, TABLE + BASE + TIERS)
    only = text.replace("[upstreams.main]\n", '[upstreams.main]\ntiers = ["us"]\n')
    assert only != text
    assert loaded(tmp_path, only).catalogue.targets["main/gpt-4.1"].price.unasked == ("us",)


@pytest.mark.parametrize(
    ("more", "where", "found"),
    [
        ('[targets."main/gpt-4.1".tiers.us]\n', "tiers.us", "nothing"),
        ('[targets."main/gpt-4.1".tiers.us]\ninput_usd = "1"\n', "tiers.us", "only input_usd"),
        (
            '[targets."main/gpt-4.1".tiers.us]\ntimes = "2"\noutput_usd = "1"\n',
            "tiers.us.times",
            "times beside output_usd",
        ),
        ('[targets."main/gpt-4.1".tiers.us]\ntimes = "1.00001"\n', "tiers.us.times", '"1.00001"'),
        ('[targets."main/gpt-4.1".tiers.us]\ntimes = 2\n', "tiers.us.times", "found 2"),
        ('[targets."main/gpt-4.1".tiers.us]\ntime = "2"\n', "tiers.us.time", "unknown key"),
        ('[targets."main/gpt-4.1".tiers."U S"]\ntimes = "2"\n', 'tiers."U S"', '"U S"'),
        ('[targets."main/gpt-4.1".tiers]\nus = "2"\n', "tiers.us", '"2"'),
        ('[[targets."main/gpt-4.1".long]]\nabove = 5\n', "long", "no price"),
        ('[[targets."main/gpt-4.1".long]]\nabove = 0\n', "long[0].above", "found 0"),
        (
            '[[targets."main/gpt-4.1".long]]\nabove = 5\ninput_usd = "1"\noutput_usd = "1"\n' * 2,
            "long[1].above",
            "more than 5",
        ),
    ],
)
def test_prices_that_leave_a_doubt_are_told_by_their_place(
    tmp_path: Path, more: str, where: str, found: str
) -> None:
    told = refusal(tmp_path, changed(TABLE, TABLE + BASE + more))
    assert f'targets."main/gpt-4.1".{where}' in told
    assert found in told


def test_a_factor_that_leaves_less_than_six_decimals_is_refused(tmp_path: Path) -> None:
    fine = 'input_usd = "0.000001"\noutput_usd = "1"\n'
    more = '[targets."main/gpt-4.1".tiers.us]\ntimes = "1.1"\n'
    with pytest.raises(ConfigError, match="six decimals"):
        price(tmp_path, fine + more)
