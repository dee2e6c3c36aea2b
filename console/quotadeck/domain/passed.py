"""What passed around a past instant, as the store sums it, and the figures that it makes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import NOT_THE_UPSTREAMS
from quotadeck.domain.latency import COLUMNS, quantile_ms
from quotadeck.domain.rules import Measure, Rule, Used, bucket_of
from quotadeck.domain.snapshot import Flow
from quotadeck.domain.subject import Subject, SubjectKind

MINUTE_US: Final = 60_000_000
MODELS_US: Final = 5 * MINUTE_US
"""So far back go the models that a project asked for, and the latencies."""
SPENT_US: Final = 10 * MINUTE_US
"""So far back goes the spend that a rate is made of."""


_NOTHING: Final = Used(0, 0, 0)


class Passed(NamedTuple):
    """Sums of the calls of one project, target, model, outcome, cause and binding bucket.

    Where nothing else is said they cover the 60 s before the instant. ``begun`` counts arrivals,
    all others ends; a refusal is both at once.
    """

    project: str
    target: str
    model: str
    outcome: str
    cause: str
    binding: str
    begun: int
    ended: int
    input_tokens: int
    output_tokens: int
    cost_nano: int
    cost_10m_nano: int = 0
    under_way: int = 0
    """At the instant: begun before it, ended after it."""
    held_nano: int = 0
    """The money that those under way held."""
    booked_nano: int = 0
    """Spent since the day's whole sums end: see `quotadeck.store.as_of`."""
    last_us: int | None = None
    """The last arrival within ten minutes."""
    ended_us: int | None = None
    """The last end within them."""


class Latency(NamedTuple):
    """How many calls of the five minutes fall into one column of the histogram."""

    project: str
    target: str
    column: int
    calls: int


@dataclass(slots=True)
class Sums:
    """Of one project, target or model."""

    begun: int = 0
    ended: int = 0
    failed: int = 0
    invalid: int = 0
    upstream_429: int = 0
    used: Used = _NOTHING
    cost_10m_nano: int = 0
    under_way: int = 0
    held_nano: int = 0
    booked_nano: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the word of their cause."""
    refused_us: dict[str, int] = field(default_factory=dict)
    """When each cause refused last."""
    failed_us: int = 0
    """When one failed last, and one did not."""
    well_us: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * COLUMNS)
    models: set[str] = field(default_factory=set)

    @property
    def asked(self) -> int:
        """Let through or refused."""
        return self.begun + self.refused.total()

    def taken(self, rule: Rule) -> int:
        """What the minute took of a rate, or what the moment takes of slots."""
        if rule.measure is Measure.SLOTS:
            return self.under_way
        return self.begun if rule.counts is None else rule.used(self.used)

    def flow(self) -> Flow:
        """The figures of a row."""
        return Flow(
            requests_60s=self.begun,
            tokens_60s=self.used.input_tokens + self.used.output_tokens,
            refused_60s=self.refused.total(),
            ended_60s=self.ended,
            failed_60s=self.failed,
            spent_60s_nano=self.used.cost_nano,
            spent_10m_nano=self.cost_10m_nano,
            p95_ms=quantile_ms(self.latencies, 0.95),
            in_flight=self.under_way,
        )

    def add_refused(self, one: Passed) -> None:
        """Requests that a gate refused."""
        if one.begun:
            self.refused[one.cause] += one.begun
        if one.last_us is not None:
            self.refused_us[one.cause] = max(one.last_us, self.refused_us.get(one.cause, 0))

    def add(self, one: Passed) -> None:
        """Requests that were let through."""
        self.begun += one.begun
        self.ended += one.ended
        before = self.used
        self.used = Used(
            before.input_tokens + one.input_tokens,
            before.output_tokens + one.output_tokens,
            before.cost_nano + one.cost_nano,
        )
        self.cost_10m_nano += one.cost_10m_nano
        self.under_way += one.under_way
        self.held_nano += one.held_nano
        self.booked_nano += one.booked_nano
        if one.outcome == Outcome.CLIENT_ERROR:
            self.invalid += one.ended
        if one.cause == "upstream_429":
            self.upstream_429 += one.ended
        lost = one.outcome == Outcome.UNKNOWN and one.cause not in NOT_THE_UPSTREAMS
        if lost or one.outcome == Outcome.UPSTREAM_ERROR:
            self.failed += one.ended
            self.failed_us = max(self.failed_us, one.ended_us or 0)
        elif one.cause not in NOT_THE_UPSTREAMS:
            self.well_us = max(self.well_us, one.ended_us or 0)


class Passing:
    """The sums by subject; what nothing passed through has none of its own."""

    def __init__(self, at_us: int) -> None:
        self._since_us = at_us - MODELS_US
        self._sums: dict[Subject, Sums] = {}
        self._none = Sums()

    def of(self, subject: Subject) -> Sums:
        """To read."""
        return self._sums.get(subject, self._none)

    def add(self, rows: Iterable[Passed]) -> None:
        """Tell each row to those that it concerns."""
        for one in rows:
            project, model = Subject.project(one.project), Subject.model(one.model)
            if one.last_us is None or one.last_us > self._since_us:
                self._at(project).models.add(one.model)
            if one.outcome != Outcome.REFUSED:
                for subject in (project, Subject.target(one.target), model):
                    self._at(subject).add(one)
                continue
            gates = {project, model}
            if one.binding and (gate := bucket_of(one.binding)[0]).kind is SubjectKind.TARGET:
                gates.add(gate)
            for subject in gates:
                self._at(subject).add_refused(one)

    def add_latencies(self, rows: Iterable[Latency]) -> None:
        """Tell each column's count to its project and its target."""
        for project, target, at, count in rows:
            for subject in (Subject.project(project), Subject.target(target)):
                self._at(subject).latencies[at] += count

    def _at(self, subject: Subject) -> Sums:
        sums = self._sums.get(subject)
        if sums is None:
            sums = self._sums[subject] = Sums()
        return sums
