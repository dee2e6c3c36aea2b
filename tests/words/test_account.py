"""A call in full: its cost, line by line, is what was booked."""

import re
from decimal import Decimal

import pytest

from quotadeck.domain.history import FoundCall
from quotadeck.domain.price import Price, Rates, cost_nano, fees_nano
from quotadeck.domain.usage import Usage
from quotadeck.words.account import Beside, account
from tests.tui.call_book import call

PRICE = Price(
    *(2_000_000, 8_000_000, 500_000, 2_500_000, "v1", 4_000_000, 10_000_000_000),
    others=(Rates(3_000_000, 9_000_000, 600_000, 3_500_000, 5_000_000, 0, "priority"),),
)


def lines(usage: Usage) -> list[tuple[str, str]]:
    booked = call(1, usage=usage, ago_ms=1_000)._replace(
        cost_nano_usd=cost_nano(PRICE, usage), fees_nano_usd=fees_nano(PRICE, usage)
    )
    found = FoundCall(is_own=True, calls=(booked,), price=PRICE)
    return [(part.label, part.words) for part in account(found, Beside(asked=True))]


@pytest.mark.parametrize(
    "usage",
    [
        Usage(1_000, 100, 50),
        Usage(1_000, 100, 50, 300, 120, web_searches=2),
        Usage(1_000, 100, 50, 300, 120, tier="priority"),
        Usage(1_000, 0, 0, 1_000, 1_000, tier="scale"),
    ],
)
def test_the_lines_of_a_cost_add_up_to_it(usage: Usage) -> None:
    told = lines(usage)
    parts = [words.rpartition("= $")[2] for label, words in told if label in ("tokens", "fees")]
    (cost,) = (words for label, words in told if label == "cost")
    whole = re.match(r"\$([0-9.]+)", cost)
    assert whole is not None
    assert sum(map(Decimal, parts)) == Decimal(whole[1])
    assert len(parts) == sum(
        map(
            bool,
            (
                usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
                usage.cached_tokens,
                usage.cache_write_tokens - usage.cache_write_1h_tokens,
                usage.cache_write_1h_tokens,
                usage.output_tokens,
                usage.web_searches,
            ),
        )
    )


def test_its_tier_and_the_upstreams_own_account_are_told() -> None:
    told = dict(lines(Usage(10, 0, 5, tier="priority", stated_nano=1_500)))
    assert told["tier"] == "priority"
    assert told["upstream"] == "$0.0000015 by the upstream's own account"
    assert "no price of its own" in dict(lines(Usage(10, 0, 5, tier="scale")))["tier"]
