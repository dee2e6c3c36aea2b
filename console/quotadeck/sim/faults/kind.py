"""What a row of a table of faults says."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Run = TypeVar("Run")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Run]):
    """One kind of fault."""

    run: Run
    says: str
    """What it does, and what its value means."""
    default: float = 0
    """The value where none is given."""
