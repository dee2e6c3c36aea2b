"""``[targets."UPSTREAM/MODEL"]``: a model at an upstream, what it costs and how much it takes."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from quotadeck.domain.money import parse_price, parse_times
from quotadeck.wire.config.table import Allowed, Count, Default, Inner, PerMinute, Table

TIER = r"^[a-z0-9][a-z0-9_+-]{0,39}$"


def _price(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("not a price")  # noqa: TRY004 - pydantic collects ValueErrors
    return parse_price(value)


def _times(value: object) -> Fraction:
    if not isinstance(value, str):
        raise ValueError("no factor")  # noqa: TRY004 - pydantic collects ValueErrors
    return parse_times(value)


PriceUsd = Annotated[
    int | None,
    BeforeValidator(_price),
    Allowed('dollars per million tokens as text, such as "2.50": at most six decimals'),
]
SearchUsd = Annotated[
    int | None,
    BeforeValidator(_price),
    Allowed('dollars per thousand as text, such as "10.00": at most six decimals'),
]
"""In micro-dollars: a thousandth of them is what one costs."""


class LongTable(Table):
    """``[[targets."UPSTREAM/MODEL".long]]``: what every token of a call costs whose input is longer
    than so many tokens."""

    above: Annotated[
        int, Field(ge=1, le=100_000_000), Allowed("a whole number from 1 to 100_000_000")
    ]
    """The most input tokens of a call that is cheaper."""
    input_usd: Annotated[PriceUsd, Default("**required**")] = None
    """Price of input tokens."""
    output_usd: Annotated[PriceUsd, Default("**required**")] = None
    """Price of output tokens."""
    cached_input_usd: Annotated[PriceUsd, Default("`input_usd`")] = None
    """Price of input tokens read from the provider's cache."""
    cache_write_usd: Annotated[PriceUsd, Default("1.25 × `input_usd`")] = None
    """Price of input tokens written to the provider's cache."""
    cache_write_1h_usd: Annotated[PriceUsd, Default("2 × `input_usd`")] = None
    """Price of those that are kept there for an hour."""


class TierTable(Table):
    """``[targets."UPSTREAM/MODEL".tiers.TIER]``: what calls cost whose reply states this service
    tier, speed or region: `priority`, `flex`, `fast`, `us`, or several, such as `"priority+us"`.
    Calls whose words have no price here are of unknown price; so are those that used what is in no
    count, which has words of its own: `audio`, `image_generation`, `file_search`,
    `code_interpreter`, `cache_12h`, `other_model`."""

    times: Annotated[
        Fraction | None,
        BeforeValidator(_times),
        Allowed('a factor as text, such as "1.1": at most four decimals'),
        Default("its own prices, below"),
    ] = None
    """So many times what a token costs otherwise, in every other tier, too."""
    input_usd: Annotated[PriceUsd, Default("`times`")] = None
    """Price of input tokens; `output_usd` goes with it."""
    output_usd: Annotated[PriceUsd, Default("`times`")] = None
    """Price of output tokens; `input_usd` goes with it."""
    cached_input_usd: Annotated[PriceUsd, Default("`input_usd`")] = None
    """Price of input tokens read from the provider's cache."""
    cache_write_usd: Annotated[PriceUsd, Default("1.25 × `input_usd`")] = None
    """Price of input tokens written to the provider's cache."""
    cache_write_1h_usd: Annotated[PriceUsd, Default("2 × `input_usd`")] = None
    """Price of those that are kept there for an hour."""
    long: Annotated[
        list[LongTable],
        Field(default_factory=list),
        Inner(LongTable),
        Allowed("tables as `[[targets.….long]]` are"),
        Default("none"),
    ]
    """What longer inputs cost in this tier."""


class TargetTable(Table):
    """``[targets."UPSTREAM/MODEL"]``: a model at an upstream. A known model needs no keys."""

    price_usd: Annotated[PriceUsd, Default("the known model's")] = None
    """One price for input and output alike; or the two apart, below."""
    input_usd: Annotated[PriceUsd, Default("`price_usd`")] = None
    """Price of input tokens; `output_usd` goes with it."""
    output_usd: Annotated[PriceUsd, Default("`price_usd`")] = None
    """Price of output tokens; `input_usd` goes with it."""
    cached_input_usd: Annotated[PriceUsd, Default("`input_usd`")] = None
    """Price of input tokens read from the provider's cache."""
    cache_write_usd: Annotated[PriceUsd, Default("1.25 × `input_usd`")] = None
    """Price of input tokens written to the provider's cache, where its replies tell of them."""
    cache_write_1h_usd: Annotated[PriceUsd, Default("2 × `input_usd`")] = None
    """Price of those among them that are kept there for an hour."""
    search_usd: Annotated[SearchUsd, Default("nothing; the list's, where its prices hold")] = None
    """Price of a thousand web searches."""
    price: Annotated[
        Literal["list", "upstream"] | None,
        Allowed('"list" or "upstream"'),
        Default("the upstream's"),
    ] = None
    """What is booked: by the prices here, or what the upstream's replies say that they cost."""
    long: Annotated[
        list[LongTable],
        Field(default_factory=list),
        Inner(LongTable),
        Allowed("tables `[[targets.….long]]`"),
        Default("none"),
    ]
    """What calls with longer inputs cost."""
    tiers: Annotated[
        dict[Annotated[str, Field(pattern=TIER)], TierTable],
        Field(default_factory=dict),
        Inner(TierTable),
        Allowed("tables `[targets.….tiers.TIER]`, TIER being 1 to 40 of a-z 0-9 _ - +"),
        Default("none"),
    ]
    """What calls of other service tiers, speeds and regions cost: what the reply states counts."""
    rpm: Annotated[PerMinute, Default("the known model's")] = None
    """The provider's limit of requests per minute."""
    tpm: Annotated[PerMinute, Default("the known model's")] = None
    """The provider's limit of tokens per minute."""
    max_input_tokens: Annotated[Count, Default("the known model's")] = None
    """The most that one request may carry."""
    max_output_tokens: Count = None
    """The most that one reply may carry."""
