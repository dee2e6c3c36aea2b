"""The terms under which requests are replayed: the values in force, with a change or without."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from quotadeck.admission.planned import PlannedLimit, ProjectPlan, TargetPlan, planned
from quotadeck.domain.catalogue import Project, Target, Upstream
from quotadeck.domain.commands import Field, Value
from quotadeck.domain.limits import Priority
from quotadeck.domain.price import price_of
from quotadeck.domain.rules import LimitKind, Measure, Windows, rules_of
from quotadeck.domain.subject import Subject, SubjectKind

Values = Mapping[str, Mapping[str, Value | None]]
"""By subject, as text, and field: what is in force in the place of what the file says."""

_NOWHERE: Final = Upstream("", "", "")


class File:
    """What the config file says, as it is on record. Its parts are made when they are asked for."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self.windows: Final = Windows(content["request_window_s"], content["token_window_s"])

    def project(self, name: str) -> Project | None:
        told = self._content["projects"].get(name)
        if told is None:
            return None
        return Project(
            name,
            told["name"],
            Priority(told["priority"]),
            told["zone"],
            {Field(key): value for key, value in told["limits"].items()},
            tuple(told["models"]),
            frozenset(map(LimitKind, told["shadow"])),
        )

    def target(self, name: str) -> Target | None:
        told = self._content["targets"].get(name)
        if told is None:
            return None
        limits = {Field(key): value for key, value in told["limits"].items()}
        return Target(name, told["upstream"], told["model"], price_of(told["price"]), limits)

    def route(self, model: str) -> tuple[str, ...]:
        """The model's targets in their order; none where nothing routes it."""
        told = self._content["routes"].get(model)
        return tuple(told["targets"]) if told else ()


@dataclass
class Terms:
    """Plans of one set of values. What was made once is kept."""

    file: File
    values: Values
    unlimited: frozenset[str] = frozenset()
    """Targets whose limits need not be asked."""
    _projects: dict[str, ProjectPlan | None] = field(default_factory=dict)
    _targets: dict[str, TargetPlan | None] = field(default_factory=dict)

    @cached_property
    def paused_projects(self) -> frozenset[str]:
        return self._paused(SubjectKind.PROJECT)

    @cached_property
    def paused_models(self) -> frozenset[str]:
        return self._paused(SubjectKind.MODEL)

    def _paused(self, kind: SubjectKind) -> frozenset[str]:
        named = ((Subject.parse(text), fields) for text, fields in self.values.items())
        return frozenset(
            subject.name
            for subject, fields in named
            if subject.kind is kind and fields.get(Field.PAUSED)
        )

    def serving(self, model: str) -> str:
        """The target that serves the model; empty where there is none."""
        route = self.file.route(model)
        forced = self.values.get(str(Subject.model(model)), {}).get(Field.TARGET)
        if isinstance(forced, str) and forced in route:
            return forced
        return route[0] if route else ""

    def project(self, name: str) -> ProjectPlan | None:
        """None for one that has left the file."""
        if name not in self._projects:
            self._projects[name] = self._project(name)
        return self._projects[name]

    def target(self, name: str) -> TargetPlan | None:
        if name not in self._targets:
            self._targets[name] = self._target(name)
        return self._targets[name]

    def _project(self, name: str) -> ProjectPlan | None:
        project = self.file.project(name)
        if project is None:
            return None
        given = self.values.get(str(Subject.project(name)), {}).get(Field.PRIORITY)
        if isinstance(given, str):
            project = project.of_class(given)
        limits = self._limits(Subject.project(name), project.limits, project.shadow)
        budget = next(each for each in limits if each.rule.measure is Measure.MONEY)
        # Money that has no limit is counted nowhere: nobody asks for it here.
        bound = tuple(each for each in limits if each.value is not None)
        return ProjectPlan(project, 0, None, bound, budget, ())

    def _target(self, name: str) -> TargetPlan | None:
        target = self.file.target(name)
        if target is None:
            return None
        limits = () if name in self.unlimited else self._limits(Subject.target(name), target.limits)
        return TargetPlan(target, _NOWHERE, 0, limits, ())

    def _limits(
        self,
        subject: Subject,
        file: Mapping[Field, int],
        shadow: frozenset[LimitKind] = frozenset(),
    ) -> tuple[PlannedLimit, ...]:
        changed = self.values.get(str(subject), {})
        found = [
            (rule, changed.get(rule.field, file.get(rule.field))) for rule in rules_of(subject.kind)
        ]
        whole = [(rule, value if isinstance(value, int) else None) for rule, value in found]
        return planned(subject, whole, self.file.windows, shadow)
