"""What passed of one project lately, taken apart: which models, which callers, why it was refused.

Money is in nano-dollars, instants are UTC microseconds. What is counted over the whole window comes
from the minutes' sums; keys, examples and failures from the newest calls, see ``calls_since_us``.
"""

from dataclasses import dataclass
from typing import Final

WINDOW_MINUTES: Final = 15
SINCE_MINUTES: Final = 60
"""So far back the beginning of a cause is looked for."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What was asked of one model; ``targets`` are those that served it, the most first.

    ``asked`` includes the refused; ``failed`` is the upstream's fault, of the ``forwarded``.
    """

    model: str
    targets: tuple[str, ...]
    asked: int
    refused: int
    forwarded: int
    failed: int
    cost_nano: int
    p95_ms: int | None
    unpriced: int = 0
    """Of the newest calls, those whose price nobody knows."""


@dataclass(frozen=True, slots=True)
class CauseFound:
    """Requests that were refused, or failed, for one reason; ``outcome`` is `calls.Outcome`'s word.

    ``since_us`` is the start of the first of the unbroken minutes up to the last one; None where
    that is further back than was looked. ``binding`` is the bucket that refused, ``limit`` what
    it was then, as people set it; ``asked`` and ``level`` as in `calls.Gate`, of the ``example``,
    which is the newest that has a record of its own.
    """

    outcome: str
    cause: str
    count: int
    since_us: int | None
    last_us: int
    example: str = ""
    binding: str = ""
    limit: int | None = None
    asked: int | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Requests that came with one key; ``retried`` said of themselves that they were a retry."""

    key_id: str
    asked: int
    refused: int
    retried: int


@dataclass(frozen=True, slots=True)
class ProjectDetail:
    """The last quarter of an hour of a project, in its minutes from ``since_us`` on.

    ``usual_hour_nano`` is what was spent in this hour of the days before, newest first; days that
    nobody recorded are left out.
    """

    project: str
    at_us: int
    since_us: int
    calls_since_us: int
    """Keys, examples and failures are of the calls since then: no earlier than ``since_us``."""
    models: tuple[ModelUse, ...] = ()
    causes: tuple[CauseFound, ...] = ()
    callers: tuple[Caller, ...] = ()
    usual_hour_nano: tuple[int, ...] = ()
