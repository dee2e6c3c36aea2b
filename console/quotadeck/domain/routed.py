"""What passed of each model lately, who asked for it, how its targets did, what another would cost.

Money is in nano-dollars, instants are UTC microseconds. What is counted over the whole window comes
from the minutes' sums; how the targets did from the newest calls, see ``calls_since_us``.
"""

from dataclasses import dataclass
from typing import Final

MOST_ASKERS: Final = 20
"""Projects that are told of a model: those that asked most."""


@dataclass(frozen=True, slots=True)
class Asker:
    """A project's requests for a model, the refused ones too."""

    project: str
    asked: int


@dataclass(frozen=True, slots=True)
class Switch:
    """What an hour like the window would cost more at this target than at the one that serves."""

    target: str
    hourly_nano: int


@dataclass(frozen=True, slots=True)
class ModelFlow:
    """What was asked of a model; ``asked`` includes the ``refused``, ``forwarded`` were sent on."""

    model: str
    asked: int
    refused: int
    forwarded: int
    failed: int
    cost_nano: int
    askers: tuple[Asker, ...] = ()
    switches: tuple[Switch, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetTook:
    """How long a target's answered calls took; ``limited_over_us``: when its last 429s were over.

    None where there were none within a day, or where they still come.
    """

    target: str
    ended: int
    p50_ms: int | None
    p95_ms: int | None
    first_p95_ms: int | None
    """Until the first byte; of calls that were streamed."""
    limited_over_us: int | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """The last quarter of an hour of all models, in its minutes from ``since_us`` on."""

    at_us: int
    since_us: int
    calls_since_us: int
    models: tuple[ModelFlow, ...] = ()
    targets: tuple[TargetTook, ...] = ()
