"""What a program says to a manager: a project's quota, and what a request will likely use."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from quotadeck.domain.limits import Priority

if TYPE_CHECKING:
    from decimal import Decimal


class Estimate(NamedTuple):
    """What a request will likely use.

    ``cost_nano`` is what it may cost at most, in nano-dollars; None: by the model's price.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int | None = None
    model: str = ""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


Asked = Estimate | int
"""An estimate, or input and output tokens together as one number."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A project's limits. None is no limit; ``budget`` is dollars of a calendar day.

    ``rpm`` and ``tpm`` are per minute, ``concurrency`` is requests at the same time. Raises
    ValueError or TypeError for what is no limit.
    """

    rpm: int | None = None
    tpm: int | None = None
    budget: "str | int | Decimal | None" = None
    concurrency: int | None = None
    priority: Priority | str = Priority.MEDIUM
    budget_nano: int | None = field(init=False)

    def __post_init__(self) -> None:
        for name in ("rpm", "tpm", "concurrency"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise ValueError(f"{name} must be a whole number from 1 on, or None, not {value!r}")
        budget = None if self.budget is None else nano_of(self.budget)
        object.__setattr__(self, "budget_nano", budget)
        object.__setattr__(self, "priority", priority_of(self.priority))

    def __str__(self) -> str:
        """``20 rpm, 80,000 tpm, $100 a day``; or ``no limit``."""
        from quotadeck.domain.money import usd_short

        told = [] if self.rpm is None else [f"{self.rpm:,} rpm"]
        told += [] if self.tpm is None else [f"{self.tpm:,} tpm"]
        told += [] if self.budget_nano is None else [f"{usd_short(self.budget_nano)} a day"]
        told += [] if self.concurrency is None else [f"{self.concurrency:,} at once"]
        return ", ".join(told) or "no limit"


def priority_of(said: Priority | str) -> Priority:
    """Raises ValueError for what names no class."""
    if isinstance(said, Priority):
        return said
    try:
        return Priority.named(said)
    except (KeyError, AttributeError):
        raise ValueError(f"a priority is high, medium or low, not {said!r}") from None


def must_be_name(what: str, said: Any) -> None:
    """Raises ValueError for what names no project and no run."""
    if not said or not isinstance(said, str):
        raise ValueError(f"{what}'s name is a text that is not empty, not {said!r}")


def must_be_wait(what: str, said: Any) -> None:
    """Raises ValueError for what is no time to wait at most."""
    if said is not None and not (isinstance(said, int | float) and said >= 0):
        raise ValueError(f"{what}= is seconds from 0 on, or None, not {said!r}")


def nano_of(amount: "str | int | Decimal") -> int:
    """Nano-dollars of dollars, exactly. Raises ValueError, and TypeError for a float."""
    from quotadeck.domain.money import MoneyError, parse_usd

    if isinstance(amount, bool | float):
        raise TypeError(f'money is written as "0.10", 500 or a Decimal, not as {amount!r}')
    try:
        return parse_usd(str(amount))
    except MoneyError:
        raise ValueError(f"{amount!r} is no amount of dollars, in at most 9 decimals") from None


def estimate_of(asked: Asked) -> Estimate:
    """Raises TypeError for what is no estimate, ValueError for one below zero."""
    if type(asked) is int:
        asked = Estimate(asked)
    elif not isinstance(asked, Estimate):
        raise TypeError(f"an estimate is an Estimate or a whole number of tokens, not {asked!r}")
    given, output, cost_nano, _ = asked
    if not (type(given) is type(output) is int and (cost_nano is None or type(cost_nano) is int)):
        # Levels are integers: one fraction would make every later level a fraction.
        raise TypeError(f"tokens and nano-dollars are whole numbers, unlike those of {asked}")
    if given < 0 or output < 0 or (cost_nano is not None and cost_nano < 0):
        raise ValueError(f"tokens and nano-dollars are 0 or more, unlike those of {asked}")
    return asked
