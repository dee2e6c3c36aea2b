"""The models that the simulated upstream serves: their limits, their pace and their prices."""

from dataclasses import dataclass

PICO_PER_NANO = 1000


@dataclass(frozen=True, slots=True)
class Model:
    """One model, as a provider would publish it, and how it behaves."""

    id: str
    owned_by: str
    created: int
    """When the provider released it, in Unix seconds."""
    pico_usd_per_token: int
    """One price for input, cached input and output, as the reseller's list has it."""
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


MODELS: dict[str, Model] = {
    model.id: model
    for model in (
        Model(
            id="claude-opus-4.7",
            owned_by="anthropic",
            created=1_772_000_000,
            pico_usd_per_token=15_000_000,
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
            pico_usd_per_token=8_000_000,
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
            pico_usd_per_token=2_500_000,
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
            pico_usd_per_token=420_000,
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
}


def cost_nano_usd(model: Model, prompt_tokens: int, completion_tokens: int) -> int:
    """What a call is billed: summed in pico-dollars, rounded once, half to even."""
    pico = (prompt_tokens + completion_tokens) * model.pico_usd_per_token
    nano, rest = divmod(pico, PICO_PER_NANO)
    half = PICO_PER_NANO // 2
    return nano + (rest > half or (rest == half and nano % 2 == 1))
