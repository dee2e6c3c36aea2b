"""Learning an upstream's ways by asking it: what that may cost, and what came of it."""

from dataclasses import dataclass, field

from quotadeck.domain.notice import Notice


@dataclass(frozen=True, slots=True)
class ProbeAsk:
    """What is to be learned: of which upstream, with which of its models, at whose expense.

    Without a model the cheapest is taken, without a project the config's first.
    """

    upstream: str
    model: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What would be asked: at most so many ``calls``, which cost at most ``most_nano`` together.

    ``id`` is that of a probe that runs; empty where nothing was begun.
    """

    upstream: str
    target: str
    project: str
    calls: int
    most_nano: int
    id: str = ""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What was learned so far; ``lines`` are the config's that fit, once it is ``done``.

    ``calls`` are those on record, ``cost_nano`` what they cost; ``well``: it answered a call.
    """

    id: str
    done: bool = False
    well: bool = False
    told: tuple[Notice, ...] = field(default=())
    lines: tuple[str, ...] = field(default=())
    calls: tuple[str, ...] = field(default=())
    cost_nano: int = 0
