"""A past instant as the live picture shows the present: the same `Snapshot`, from the records.

`Then` is what the store has of the instant, `snapshot_of` makes the rows of it: the same projects,
models and targets, under the names and limits that they had. What is not on record is named in the
snapshot's `Past`, and its figures say nothing.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from quotadeck.domain.catalogue import Catalogue, Project, Route, Target
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry, Field, Plain
from quotadeck.domain.days import day_at
from quotadeck.domain.history import StateSpan
from quotadeck.domain.in_force import changes_of
from quotadeck.domain.layers import Layers
from quotadeck.domain.limits import RateLimit
from quotadeck.domain.passed import NOTHING_PASSED, Around, Passing, Sums
from quotadeck.domain.past_state import past_state
from quotadeck.domain.rules import Measure, Rule, Windows, bucket_key, rules_of
from quotadeck.domain.snapshot import (
    Budget,
    Change,
    Event,
    Gap,
    Level,
    LimitReading,
    Past,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    Vitals,
)
from quotadeck.domain.state import Held, State, StateKind
from quotadeck.domain.subject import Subject, SubjectKind

_SORTED: Final = 2_000
"""Levels sorted by their buckets before others get a turn."""
_A_SLICE: Final = 20
"""Rows made before others get a turn: about half a millisecond."""

Work = Generator[None, None, Snapshot]
Item = TypeVar("Item")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Then:
    """What the store has of one instant."""

    at_us: int
    source_id: str
    name: str
    """The gateway's own, as its file said."""
    past: Past
    catalogue: Catalogue
    windows: Windows
    layers: Layers
    """The command log folded up to the instant, over nothing: the file's values are in the
    catalogue."""
    around: Around = NOTHING_PASSED
    levels: Sequence[tuple[str, int, int]] = ()
    """(bucket, level, when) as last sampled."""
    states: Sequence[StateSpan] = ()
    """Those that held, and those left within five minutes before."""
    spent_nano: Mapping[str, int] = field(default_factory=dict)
    """Of each project's day up to `Passed.booked_nano`."""
    events: Sequence[Event] = ()
    """The newest first."""
    started_us: int = 0
    since_us: int = 0
    """The ledger's beginning."""


def snapshot_of(then: Then) -> Work:
    """The picture of the instant. Yields where others may have a turn."""
    passing = Passing()
    yield from passing.add(then.around)
    rows = _Rows(then, passing)
    yield from rows.begin()
    projects = yield from _in_slices(rows.project, then.catalogue.projects.values())
    targets = yield from _in_slices(rows.target, then.catalogue.targets.values())
    routes = yield from _in_slices(rows.route, then.catalogue.routes.values())
    return Snapshot(
        now_ms=then.at_us // 1_000,
        at_us=then.at_us,
        vitals=Vitals(
            then.name,
            "",
            then.source_id,
            then.started_us,
            counting_since_us=then.since_us,
            strangers_refused_60s=passing.of(SubjectKind.PROJECT, "").refused.total(),
            state=rows.state(Subject(SubjectKind.GATEWAY, "")),
        ),
        projects=projects,
        targets=targets,
        routes=routes,
        events=tuple(then.events),
        past=then.past,
    )


def _in_slices(
    made: Callable[[Item], Row], items: Iterable[Item]
) -> Generator[None, None, tuple[Row, ...]]:
    rows = []
    for at, item in enumerate(items):
        rows.append(made(item))
        if at % _A_SLICE == 0:
            yield
    return tuple(rows)


class _Rows:
    def __init__(self, then: Then, passing: Passing) -> None:
        self._then = then
        self._gaps: Collection[str] = then.past.gaps
        self._passing = passing
        self._levels: dict[str, tuple[int, int]] = {}
        self._spans: dict[str, list[StateSpan]] = {}
        self._cut_off: dict[str, set[str]] = {}
        """The projects that each paused model cuts off."""

    def begin(self) -> Generator[None, None, None]:
        """Sort what was read by whose it is. Yields where others may have a turn."""
        levels, then = self._then.levels, self._then
        for start in range(0, len(levels), _SORTED):
            for bucket, level, sampled_us in levels[start : start + _SORTED]:
                self._levels[bucket] = (level, sampled_us)
            yield
        for span in then.states:
            self._spans.setdefault(span.subject, []).append(span)
            held = span.left_us is None or span.left_us > then.at_us
            if held and span.kind == StateKind.CUT_OFF and span.cause == Cause.PAUSED:
                name = Subject.parse(span.subject).name
                self._cut_off.setdefault(str(span.facts.get("who")), set()).add(name)

    def project(self, project: Project) -> ProjectRow:
        subject, then = Subject.project(project.id), self._then
        sums = self._passing.of(*subject)
        day = day_at(then.at_us, project.zone)
        values = self._values(subject, project.limits)
        spent = then.spent_nano.get(project.id, 0) + sums.booked_nano
        limits = self._limits(subject, values, sums, spent)
        state = self.state(subject, limits, day_ends_us=day.end_us)
        file: dict[Field, Plain] = {**project.limits, Field.PRIORITY: project.priority.word}
        budget_nano = next((value for rule, value in values if rule.measure is Measure.MONEY), None)
        return ProjectRow(
            id=project.id,
            name=project.name,
            priority=self._priority(subject, project),
            version=then.layers.version(subject),
            paused=self._paused(subject) is not None,
            limits=limits,
            budget=Budget(budget_nano, spent, sums.held_nano, day.end_us),
            flow=sums.flow(),
            changes=self._changes(subject, file, state),
            models=tuple(sorted(sums.models & then.catalogue.routes.keys())),
            state=state,
        )

    def target(self, target: Target) -> TargetRow:
        subject, then = Subject.target(target.id), self._then
        sums = self._passing.of(*subject)
        limits = self._limits(subject, self._values(subject, target.limits), sums, 0)
        state = self.state(subject, limits)
        return TargetRow(
            id=target.id,
            version=then.layers.version(subject),
            limits=limits,
            flow=sums.flow(),
            upstream_429_60s=sums.upstream_429,
            changes=self._changes(subject, target.limits, state),
            state=state,
        )

    def route(self, route: Route) -> RouteRow:
        subject, then = Subject.model(route.model), self._then
        forced = then.layers.in_force(subject, Field.TARGET, then.at_us).value
        state = self.state(subject)
        serving = forced if isinstance(forced, str) and forced in route.targets else ""
        return RouteRow(
            id=route.model,
            version=then.layers.version(subject),
            targets=route.targets,
            serving=serving or route.targets[0],
            paused=self._paused(subject) is not None,
            changes=self._changes(subject, {Field.TARGET: route.targets[0]}, state),
            state=state,
        )

    def state(
        self,
        subject: Subject,
        limits: Iterable[LimitReading] = (),
        *,
        day_ends_us: int | None = None,
    ) -> State:
        known = None if Gap.FLOW in self._gaps else self._passing.of(*subject)

        def ends(held: Held) -> int | None:
            if held.kind is StateKind.SPENT:
                return day_ends_us
            gate = subject if held.kind is StateKind.PAUSED else Subject.parse(held.who)
            if held.kind is StateKind.PAUSED or held.cause == Cause.PAUSED:
                paused = self._paused(gate)
                return paused.until_us if paused else None
            return None

        spans = self._spans.get(str(subject), ())
        cuts_off = ", ".join(sorted(self._cut_off.get(str(subject), ())))
        return past_state(spans, self._then.at_us, known, limits, ends, cuts_off)

    def _changes(
        self, subject: Subject, file: Mapping[Field, Plain], state: State
    ) -> tuple[Change, ...]:
        at_us = self._then.at_us
        in_force = self._then.layers.overrides(subject, at_us)
        changes = changes_of(in_force, state, at_us // 1_000, at_us)
        return tuple(
            replace(one, was=file.get(Field(one.field))) if one.was is None else one
            for one in changes
        )

    def _priority(self, subject: Subject, project: Project) -> str:
        given = self._then.layers.in_force(subject, Field.PRIORITY, self._then.at_us).value
        return given if isinstance(given, str) else project.priority.word

    def _paused(self, subject: Subject) -> Entry | None:
        layers = self._then.layers
        if not layers.changed(subject):
            return None
        return layers.in_force(subject, Field.PAUSED, self._then.at_us).entry

    def _values(self, subject: Subject, file: Mapping[Field, int]) -> list[tuple[Rule, int | None]]:
        """The limits in force, each with its kind."""
        layers, rules = self._then.layers, rules_of(subject.kind)
        if not layers.changed(subject):
            return [(rule, file.get(rule.field)) for rule in rules]
        values = []
        for rule in rules:
            found = layers.in_force(subject, rule.field, self._then.at_us)
            value = found.value if found.entry else file.get(rule.field)
            values.append((rule, value if isinstance(value, int) else None))
        return values

    def _limits(
        self,
        subject: Subject,
        values: Iterable[tuple[Rule, int | None]],
        sums: Sums,
        spent_nano: int,
    ) -> tuple[LimitReading, ...]:
        found = []
        for rule, value in values:
            if value is None:
                continue
            if rule.measure is Measure.MONEY:
                used, held = spent_nano, sums.held_nano
            else:
                used, held = sums.taken(rule), 0
            level = self._level(subject, rule, value)
            found.append(LimitReading(rule.field, value, used, held, level))
        return tuple(found)

    def _level(self, subject: Subject, rule: Rule, value: int) -> Level | None:
        """As last sampled; a bucket that no sample is of was never touched, and full."""
        if rule.measure is not Measure.RATE or Gap.LEVELS in self._gaps:
            return None
        limit = self._then.windows.limit(rule, value)
        assert isinstance(limit, RateLimit)
        sampled = self._levels.get(bucket_key(subject, rule.kind))
        if sampled is None or sampled[0] >= limit.capacity:
            return Level(limit.capacity, limit.capacity, 0)
        return Level(sampled[0], limit.capacity, sampled[1] // 1_000)
