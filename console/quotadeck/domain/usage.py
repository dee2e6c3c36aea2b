"""What a call used of a model."""

from typing import Final, NamedTuple


class Usage(NamedTuple):
    """Tokens of a call, as the upstream told them, or estimated where it did not.

    ``input_tokens`` are all of the input: those read from a cache (``cached_tokens``) and those
    written to one (``cache_write_tokens``) are among them. ``cache_write_1h_tokens`` are those of
    the written that are kept for an hour or longer, which costs more than the usual minutes.
    ``output_tokens`` are all of the output, ``reasoning_tokens`` among them. ``web_searches`` are
    charged each beside the tokens.

    ``tier`` is what of the reply changes its price: its service tier, speed and region, in this
    order and joined by "+", the usual left out: "priority", "fast", "us", "priority+us"; behind
    them what was used that none of the counts has, as `quotadeck.domain.tiers` names it.
    ``stated_nano`` is what the upstream itself says that the call costs, in nano-dollars.

    ``beside`` is what other models used for it, by their names: in no count here, and no longer
    there once it is priced.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimate: bool = False
    web_searches: int = 0
    tier: str = ""
    stated_nano: int | None = None
    beside: "tuple[tuple[str, Usage], ...]" = ()

    def and_of(self, more: "Usage") -> "Usage":
        """With the tokens of another part of the call, of the same model and tier."""
        return self._replace(
            input_tokens=self.input_tokens + more.input_tokens,
            cached_tokens=self.cached_tokens + more.cached_tokens,
            output_tokens=self.output_tokens + more.output_tokens,
            cache_write_tokens=self.cache_write_tokens + more.cache_write_tokens,
            cache_write_1h_tokens=self.cache_write_1h_tokens + more.cache_write_1h_tokens,
        )

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens


NOTHING_USED: Final = Usage()
