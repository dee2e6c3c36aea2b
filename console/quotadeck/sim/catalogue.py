"""The models that the simulated upstream serves: their limits, their pace and their prices."""

from dataclasses import dataclass

from quotadeck.sim.prices import Prices


@dataclass(frozen=True, slots=True)
class Model:
    """One model, as a provider would publish it, and how it behaves."""

    id: str
    owned_by: str
    created: int
    """When the provider released it, in Unix seconds."""
    prices: Prices
    rpm: int
    tpm: int
    max_input_tokens: int
    max_output_tokens: int
    ascii_bytes_per_100_tokens: int
    """Providers' tokenizers differ, so that a caller's estimate has something to learn."""
    median_output_tokens: int
    tokens_per_chunk: int
    """How much one stream event carries: some providers send words, others sentences."""
    first_token_ms: int
    """Median time to the first token."""
    tokens_per_s: int


RESOLD: tuple[Model, ...] = (
    Model(
        id="claude-opus-4.7",
        owned_by="anthropic",
        created=1_772_000_000,
        prices=Prices.flat(15_000_000),
        rpm=50,
        tpm=200_000,
        max_input_tokens=180_000,
        max_output_tokens=32_000,
        ascii_bytes_per_100_tokens=350,
        median_output_tokens=260,
        tokens_per_chunk=3,
        first_token_ms=700,
        tokens_per_s=80,
    ),
    Model(
        id="gpt-4.1",
        owned_by="openai",
        created=1_744_600_000,
        prices=Prices.flat(8_000_000),
        rpm=500,
        tpm=1_000_000,
        max_input_tokens=1_047_576,
        max_output_tokens=32_768,
        ascii_bytes_per_100_tokens=410,
        median_output_tokens=150,
        tokens_per_chunk=1,
        first_token_ms=350,
        tokens_per_s=110,
    ),
    Model(
        id="gemini-2.5-flash",
        owned_by="google",
        created=1_750_100_000,
        prices=Prices.flat(2_500_000),
        rpm=1000,
        tpm=2_000_000,
        max_input_tokens=1_048_576,
        max_output_tokens=65_536,
        ascii_bytes_per_100_tokens=420,
        median_output_tokens=50,
        tokens_per_chunk=12,
        first_token_ms=200,
        tokens_per_s=220,
    ),
    Model(
        id="deepseek-v3.2",
        owned_by="deepseek",
        created=1_764_500_000,
        prices=Prices.flat(420_000),
        rpm=2000,
        tpm=4_000_000,
        max_input_tokens=131_072,
        max_output_tokens=8_192,
        ascii_bytes_per_100_tokens=390,
        median_output_tokens=80,
        tokens_per_chunk=2,
        first_token_ms=300,
        tokens_per_s=90,
    ),
)
"""At one price for input, cached input and output, as the reseller's list has them."""

LISTED: tuple[Model, ...] = (
    Model(
        id="gpt-sim",
        owned_by="openai",
        created=1_780_000_000,
        prices=Prices(
            input=1_250_000,
            cached=125_000,
            written=1_562_500,
            written_1h=1_562_500,
            output=10_000_000,
            search_nano=10_000_000,
            tiers={"priority": 2_000, "flex": 500},
            long_above=4_000,
            long_input=2_000,
            long_output=1_500,
        ),
        rpm=100_000,
        tpm=400_000_000,
        max_input_tokens=1_000_000,
        max_output_tokens=64_000,
        ascii_bytes_per_100_tokens=410,
        median_output_tokens=12,
        tokens_per_chunk=3,
        first_token_ms=200,
        tokens_per_s=200,
    ),
    Model(
        id="claude-sim",
        owned_by="anthropic",
        created=1_781_000_000,
        prices=Prices(
            input=3_000_000,
            cached=300_000,
            written=3_750_000,
            written_1h=6_000_000,
            output=15_000_000,
            search_nano=10_000_000,
            tiers={"priority": 1_200, "fast": 6_000, "us": 1_100},
        ),
        rpm=100_000,
        tpm=400_000_000,
        max_input_tokens=1_000_000,
        max_output_tokens=64_000,
        ascii_bytes_per_100_tokens=350,
        median_output_tokens=12,
        tokens_per_chunk=2,
        first_token_ms=200,
        tokens_per_s=200,
    ),
    Model(
        id="embed-sim",
        owned_by="openai",
        created=1_779_000_000,
        prices=Prices(20_000, 20_000, 20_000, 20_000, 0),
        rpm=100_000,
        tpm=400_000_000,
        max_input_tokens=8_192,
        max_output_tokens=1,
        ascii_bytes_per_100_tokens=410,
        median_output_tokens=1,
        tokens_per_chunk=1,
        first_token_ms=20,
        tokens_per_s=1_000,
    ),
)
"""With a list as providers have them today; their answers are short."""

ADVISOR = "claude-opus-4.7"
"""The model that others may ask on the way."""
MODELS: dict[str, Model] = {model.id: model for model in (*RESOLD, *LISTED)}
