"""Lanes: all that is the same for every request of a project for a model, under one plan.

A lane is worked out for its first request, and never changes. It holds nothing that can change
without a new plan, such as the day's money or keys; the end of an override makes a new plan, too.
So the lanes of the plan in force are always up to date.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from quotadeck.admission.planned import ProjectPlan, TargetPlan
from quotadeck.admission.prepared import Prepared, prepare
from quotadeck.dialects.base import Dialect, Translations, Translator
from quotadeck.domain.catalogue import Upstream
from quotadeck.domain.commands import Entry
from quotadeck.domain.nearest import nearest
from quotadeck.domain.refusals import ModelNotAllowed, NotSpoken, Paused, UnknownModel
from quotadeck.domain.subject import Subject
from quotadeck.gateway.plan import Plan, RoutePlan
from quotadeck.gateway.upstream.endpoint import Endpoint, endpoint_of
from quotadeck.gateway.upstream.keys import UpstreamKeys

MOST_LANES: Final = 16_384
"""Of a kilobyte each. Beyond them the oldest makes room, and is worked out again where it is asked
for, in 10 to 20 µs. One in use pays that once in so many new ones, so nobody need keep the order
of use."""

NO_TRANSLATIONS: Final[Translations] = MappingProxyType({})

_Endpoints = dict[tuple[str, str], Endpoint]
"""By target and path: those of a plan's lanes that are the same are one."""


class Stop(NamedTuple):
    """A target on a lane: where its requests go, and the header lines of what comes from there."""

    target: TargetPlan
    speech: Translator
    """Between the client's dialect and what is spoken there."""
    prepared: Prepared
    endpoint: Endpoint
    step: int
    head: bytes


class Lane(NamedTuple):
    """A project's way to a model: its targets in the order in which they are asked."""

    project: ProjectPlan
    model: str
    dialect: Dialect
    stops: tuple[Stop, ...]
    keys: UpstreamKeys
    """To be kept out of all that comes from there."""
    targets: Mapping[str, TargetPlan] = MappingProxyType({})
    """All that there are: other models may have a part in a call, and have their own prices."""


class Lanes:
    """The lanes of the plan in force, built as they are asked for."""

    def __init__(
        self, translations: Translations = NO_TRANSLATIONS, most: int = MOST_LANES
    ) -> None:
        self._translations = translations
        self._most = most
        self._plan: Plan | None = None
        self._known: dict[tuple[str, str, str], Lane] = {}
        self._endpoints: _Endpoints = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, plan: Plan, project: str, model: str, dialect: Dialect, path: str) -> Lane:
        """The lane of a request that came to ``path``.

        Raises UnknownModel, ModelNotAllowed, Paused, or NotSpoken.
        """
        if plan is not self._plan:
            self._plan, self._known, self._endpoints = plan, {}, {}
        lane = self._known.get((project, model, path))
        if lane is None:
            lane = lane_of(plan, project, model, dialect, path, self._translations, self._endpoints)
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[project, model, path] = lane
        return lane


def lane_of(
    plan: Plan,
    project_id: str,
    model: str,
    dialect: Dialect,
    path: str,
    translations: Translations = NO_TRANSLATIONS,
    endpoints: _Endpoints | None = None,
) -> Lane:
    """See `Lanes.of`. ``endpoints`` are the plan's so far; one that is new is added."""
    # First of all the model: what is refused further down is on record under its name.
    route = plan.routes.get(model)
    if route is None:
        raise UnknownModel(model, nearest(model, plan.routes))
    project = plan.projects[project_id]
    if project.paused:
        raise _paused(Subject.project(project_id), project.paused)
    allowed = project.project.models
    if allowed and model not in allowed:
        raise ModelNotAllowed(model, project_id, allowed)
    if route.paused:
        raise _paused(Subject.model(route.route.model), route.paused)
    known = {} if endpoints is None else endpoints
    stops = tuple(_stops(plan, project, route, dialect, path, translations, known))
    return Lane(project, model, dialect, stops, plan.upstream_keys, plan.targets)


def _stops(
    plan: Plan,
    project: ProjectPlan,
    route: RoutePlan,
    dialect: Dialect,
    path: str,
    translations: Translations,
    endpoints: _Endpoints,
) -> Iterable[Stop]:
    """One: the target that serves the model now."""
    target = plan.targets[route.serving]
    speech = _speech(dialect, target.upstream, translations)
    endpoint = endpoints.get((target.target.id, path))
    if endpoint is None:
        headers = speech.asks_with(target.upstream.key)
        endpoint = endpoint_of(target.upstream, speech.path(path), headers)
        endpoints[target.target.id, path] = endpoint
    head = b"x-project-id: %b\r\nx-served-model: %b\r\nx-fallback-step: %d\r\n" % (
        project.project.id.encode(),
        target.target.id.encode("utf-8", "replace"),
        route.step,
    )
    yield Stop(target, speech, prepare(project, target), endpoint, route.step, head)


def _speech(dialect: Dialect, upstream: Upstream, translations: Translations) -> Translator:
    """The dialect itself where it is spoken there, else the first that translates."""
    if not upstream.speaks or dialect.form in upstream.speaks:
        return dialect
    for spoken in upstream.speaks:
        if translator := translations.get((dialect.form, spoken)):
            return translator
    raise NotSpoken(dialect.form, upstream.name, upstream.speaks)


def _paused(subject: Subject, entry: Entry) -> Paused:
    return Paused(subject, entry.reason if entry.public else "", entry.until_us)
