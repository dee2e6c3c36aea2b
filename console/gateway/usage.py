"""What the upstream says a call used, read with distrust."""

from dataclasses import dataclass
from typing import Any, TypeGuard

MAX_BELIEVED_TOKENS = 100_000_000
"""More than any model takes: such a figure is a fault of the upstream, not a bill."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a call. ``input_tokens`` includes ``cached_tokens``, as OpenAI counts."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int
    is_estimate: bool = False

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens


def read_usage(usage: Any) -> Usage | None:
    """The usage object of OpenAI's dialect; None where it is absent or cannot be believed."""
    if not isinstance(usage, dict):
        return None
    prompt, output = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not _believable(prompt) or not _believable(output):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    if not _believable(cached) or cached > prompt:
        cached = 0
    return Usage(prompt, cached, output)


def _believable(tokens: Any) -> TypeGuard[int]:
    return type(tokens) is int and 0 <= tokens <= MAX_BELIEVED_TOKENS
