"""What a provider's form of asking and answering is to the simulated upstream."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quotadeck.sim.ask import Ask
from quotadeck.sim.catalogue import Model
from quotadeck.sim.pieces import Piece, Stamp, Usage
from quotadeck.sim.plan import Plan


@dataclass(frozen=True, slots=True)
class Form:
    """One form: a row of the table in `forms`."""

    name: str
    path: str
    prefix: str
    """Of its replies' ids."""
    parse: Callable[[Model, Mapping[str, Any]], Ask]
    usage: Callable[[Plan], dict[str, Any]]
    """The truth, in the words of the form."""
    whole: Callable[[Stamp, Ask, Plan, Usage], Piece]
    check: Callable[[Mapping[str, Any], str], None] | None = None
    """Refuses what of a body its version (as the header has it) does not take."""
    stream: Callable[[Stamp, Ask, Plan, Usage], Iterator[Piece]] | None = None
    broken: bytes = b""
    """An event that says that the rest will not come."""
    counting: str = ""
    """The path that counts the tokens of such a request."""
    counted: Callable[[int], dict[str, Any]] | None = None
    """Its answer."""
