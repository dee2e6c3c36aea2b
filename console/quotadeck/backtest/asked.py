"""The requests of a time, as they are replayed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quotadeck.admission.size import Size
from quotadeck.domain.rules import Used


class Request(NamedTuple):
    """One request that came, and what became of it.

    ``used`` is what it took when it ended, ``took_us`` later, at ``target``; of one that was
    refused, what its kind usually takes. ``unspent``: it was never sent, and gave back everything.
    """

    at_us: int
    project: str
    model: str
    key_id: str
    client_id: str
    """The caller's own name for it; empty where it sent none."""
    retry: int
    """Which one of its client's tries it was, as that told; 0 for the first, or where none was."""
    size: Size
    used: Used
    cached_tokens: int
    cache_write_tokens: int
    fees_nano: int
    took_us: int
    target: str
    admitted: bool
    counted: bool = False
    """It is one of a counted run of refusals: its instant and its size are the run's mean."""
    unsized: bool = False
    """Its size was never on record: it is its kind's usual one."""
    unspent: bool = False
    failed: bool = False
    """The upstream answered with an error, for nothing."""
    wait_ms: int = 0
    """The wait that its refusal told."""
    running: bool = False
    """It has not ended yet: nothing of it is settled."""


class UnderWay(NamedTuple):
    """A call that has not ended, so that no record tells of it. Fields as of `OpenCall`."""

    at_us: int
    project: str
    model: str
    key_id: str
    client_request_id: str
    retry: int
    estimated_input: int
    estimated_output: int
    held_nano_usd: int
    target: str


class Level(NamedTuple):
    """A rate's level as it was recorded, in micro-units; ``limit`` is that of then, a minute's."""

    bucket: str
    at_us: int
    level: int
    limit: int | None


Spent = Mapping[str, Mapping[str, int]]
"""Nano-dollars by project and day (ISO)."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What came from ``begin_us`` on, in its order.

    What came before ``since_us`` only brings the levels to where they were then. ``under_way`` had
    been admitted before ``begin_us``, and had not ended. ``spent_nano`` is by project and day.
    """

    begin_us: int
    since_us: int
    until_us: int
    requests: Sequence[Request]
    under_way: Sequence[Request]
    levels: Sequence[Level]
    spent_nano: Spent
    settled_nano: Spent
