"""The catalogue of known models: what a target takes where the file says nothing else.

Prices are one reseller's, blended: input and output alike. Every figure is a default that the
file's own keys replace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class KnownModel:
    """``price_usd`` per million tokens, input and output alike; a limit of None binds nothing."""

    price_usd: str | None = None
    rpm: int | None = None
    tpm: int | None = None
    max_input_tokens: int | None = None


KNOWN_MODELS: Mapping[str, KnownModel] = MappingProxyType(
    {
        "claude-opus-4.7": KnownModel("15.00", 50, 200_000, max_input_tokens=180_000),
        "gpt-4.1": KnownModel("8.00", 500, 1_000_000),
        "gemini-2.5-flash": KnownModel("2.50", 1_000, 2_000_000),
        "deepseek-v3.2": KnownModel("0.42", 2_000, 4_000_000),
    }
)

UNKNOWN_MODEL = KnownModel()
"""It has no price: projects with a budget are refused it, by name."""
