"""How much a request is: what it will likely use, and what it may cost at most."""

from typing import NamedTuple, Protocol


class Beyond(Protocol):
    """What is asked for beyond a request's own bytes."""

    @property
    def chooses(self) -> tuple[tuple[str, str], ...]: ...


class Asked(Protocol):
    """What must be known of a request, in whatever dialect it came."""

    @property
    def model(self) -> str: ...
    @property
    def max_tokens(self) -> int | None: ...
    @property
    def choices(self) -> int: ...
    @property
    def text_bytes(self) -> int: ...
    @property
    def media(self) -> int: ...
    @property
    def media_tokens(self) -> int: ...
    @property
    def input_bound(self) -> int: ...
    @property
    def costs_more(self) -> bool: ...
    @property
    def reserve_nano(self) -> int: ...
    @property
    def beyond(self) -> Beyond: ...


class Size(NamedTuple):
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
