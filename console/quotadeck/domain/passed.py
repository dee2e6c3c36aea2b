"""What passed around a past instant, as the store sums it, and the figures that it makes."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import NOT_THE_UPSTREAMS
from quotadeck.domain.latency import COLUMNS, column, quantile_ms
from quotadeck.domain.rules import Measure, Rule, Used, bucket_of
from quotadeck.domain.snapshot import Flow
from quotadeck.domain.subject import SubjectKind

Row = TypeVar("Row")

MINUTE_US: Final = 60_000_000
MODELS_US: Final = 5 * MINUTE_US
"""So far back go the models that a project asked for, and the latencies."""
SPENT_US: Final = 10 * MINUTE_US
"""So far back goes the spend that a rate is made of."""


_A_SLICE: Final = 200
"""Rows told to their subjects before others get a turn: some tenths of a millisecond."""
_NOTHING: Final = Used(0, 0, 0)


class Passed(NamedTuple):
    """Sums of the 60 s before the instant, of the calls of one project, target, model, outcome,
    cause and binding bucket.

    ``begun`` counts arrivals, all others ends; a refusal is both at once.
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
    under_way: int = 0
    """At the instant: begun before it, ended after it."""
    held_nano: int = 0
    """The money that those under way held."""
    booked_nano: int = 0
    """Spent since the day's whole sums end: see `quotadeck.store.as_of`."""


class Lately(NamedTuple):
    """Of one project, target or model, in the ten minutes before the instant."""

    kind: SubjectKind
    name: str
    cost_nano: int
    failed_us: int
    """When one failed last; 0 for never."""
    well_us: int
    """The same of those that did not."""
    models: tuple[str, ...] = ()
    """What it asked for in the last five of them."""


class LastRefused(NamedTuple):
    """When a project's requests for a model were refused last, within the ten minutes."""

    project: str
    model: str
    cause: str
    binding: str
    last_us: int


class Took(NamedTuple):
    """How long the calls of one project or target took that ended within five minutes.

    By column of the histogram, or ``ms`` one by one.
    """

    kind: SubjectKind
    name: str
    columns: Mapping[int, int] = MappingProxyType({})
    ms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """What passed around an instant."""

    passed: Sequence[Passed] = ()
    lately: Sequence[Lately] = ()
    refused: Sequence[LastRefused] = ()
    took: Sequence[Took] = ()


NOTHING_PASSED: Final = Around()


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


class Passing:
    """The sums by subject; what nothing passed through has none of its own."""

    def __init__(self) -> None:
        # By kind apart: a name is looked up faster than a pair of words.
        self._sums: dict[SubjectKind, dict[str, Sums]] = {kind: {} for kind in SubjectKind}
        self._none = Sums()

    def of(self, kind: SubjectKind, name: str) -> Sums:
        """To read."""
        return self._sums[kind].get(name, self._none)

    def add(self, around: Around) -> Generator[None, None, None]:
        """Tell each row to those that it concerns. Yields where others may have a turn."""
        yield from _each(around.passed, self._passed)
        yield from _each(around.lately, self._lately)
        yield from _each(around.refused, self._refused)
        yield from _each(around.took, self._took)

    def _passed(self, one: Passed) -> None:
        if one.outcome == Outcome.REFUSED:
            for sums in self._gates(one.project, one.model, one.binding):
                sums.refused[one.cause] += one.begun
            return
        self._at(SubjectKind.PROJECT, one.project).add(one)
        self._at(SubjectKind.TARGET, one.target).add(one)
        self._at(SubjectKind.MODEL, one.model).add(one)
        if one.under_way and one.begun:
            self._at(SubjectKind.PROJECT, one.project).models.add(one.model)

    def _lately(self, one: Lately) -> None:
        sums = self._at(one.kind, one.name)
        sums.cost_10m_nano += one.cost_nano
        sums.failed_us = max(sums.failed_us, one.failed_us)
        sums.well_us = max(sums.well_us, one.well_us)
        sums.models.update(one.models)

    def _refused(self, one: LastRefused) -> None:
        for sums in self._gates(one.project, one.model, one.binding):
            sums.refused_us[one.cause] = max(one.last_us, sums.refused_us.get(one.cause, 0))

    def _took(self, one: Took) -> None:
        counts = self._at(one.kind, one.name).latencies
        for at, count in one.columns.items():
            counts[at] += count
        for ms in one.ms:
            counts[column(ms)] += 1

    def _gates(self, project: str, model: str, binding: str) -> Iterator[Sums]:
        """Those that a refusal is told of."""
        yield self._at(SubjectKind.PROJECT, project)
        yield self._at(SubjectKind.MODEL, model)
        if binding and (gate := bucket_of(binding)[0]).kind is SubjectKind.TARGET:
            yield self._at(*gate)

    def _at(self, kind: SubjectKind, name: str) -> Sums:
        sums = self._sums[kind].get(name)
        if sums is None:
            sums = self._sums[kind][name] = Sums()
        return sums


def _each(rows: Sequence[Row], tell: Callable[[Row], None]) -> Generator[None, None, None]:
    for at, row in enumerate(rows, 1):
        tell(row)
        if at % _A_SLICE == 0:
            yield
