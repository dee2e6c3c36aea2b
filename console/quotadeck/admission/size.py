"""How much a request is: what it will likely use, and what it may cost at most."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Likely tokens, and the most that it may cost in nano-dollars.

    Rates are asked for the likely size, money for the upper bound: the rate buckets heal by
    themselves, money does not.
    """

    input_tokens: int
    output_tokens: int
    bound_nano: int
    bound_is_estimate: bool

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def cost_nano(self) -> int:
        """What is held of the day's money."""
        return self.bound_nano
