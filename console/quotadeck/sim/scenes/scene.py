"""What a scene is: a story of the traffic and its upstream, told as a table of timed steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from quotadeck.sim.characters import Character


@dataclass(frozen=True, slots=True)
class Turn:
    """From then on a project's traffic behaves so; none of its habit given is as it was first."""

    at_s: float
    project: str
    habit: Mapping[str, Any] = field(default_factory=dict)
    """Fields of its `Habit` that are other than they were at first."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The upstream gets a fault, as its control door takes it."""

    at_s: float
    model: str
    kind: str
    value: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Revoke:
    """Somebody takes away the key of these strangers. Not the traffic's doing: the demo's."""

    at_s: float
    stranger: str
    reason: str


Step = Turn | Fault | Revoke


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody else who holds a key of a project. They are silent until a turn wakes them."""

    id: str
    project: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """The story's truth: what is wrong with a subject (``project:checkout``), from when to when.

    ``words`` are the states that may say so; ``until_s`` None lasts to the end, for it is not over
    when its cause is.
    """

    subject: str
    words: frozenset[str]
    from_s: float
    until_s: float | None


@dataclass(frozen=True, slots=True)
class Scene:
    """Seconds count from the traffic's beginning. After ``ends_s`` all goes on as it is then."""

    name: str
    cast: tuple[Character, ...]
    ends_s: float
    steps: tuple[Step, ...]
    wrong: tuple[Wrong, ...] = ()
    money: Mapping[str, float] = field(default_factory=dict)
    """Budgets in dollars that the story spends: a shorter telling needs less of them."""
    strangers: tuple[Stranger, ...] = ()

    def at_pace(self, pace: float) -> "Scene":
        """The same told in ``pace`` of its time; what is asked a second stays what it is."""
        budgets = {name: f"{usd * pace:.4f}" for name, usd in self.money.items()}
        return replace(
            self,
            cast=tuple(
                replace(one, daily_budget_usd=budgets.get(one.id, one.daily_budget_usd))
                for one in self.cast
            ),
            ends_s=self.ends_s * pace,
            steps=tuple(_paced(step, pace) for step in self.steps),
            wrong=tuple(
                replace(
                    one,
                    from_s=one.from_s * pace,
                    until_s=None if one.until_s is None else one.until_s * pace,
                )
                for one in self.wrong
            ),
        )


def _paced(step: Step, pace: float) -> Step:
    if isinstance(step, Fault):
        return replace(step, at_s=step.at_s * pace, seconds=step.seconds * pace)
    return replace(step, at_s=step.at_s * pace)


def one_after_the_other(name: str, scenes: tuple[Scene, ...]) -> Scene:
    """All of them as one long scene, with the cast of the first, which is that of all."""
    steps: list[Step] = []
    wrong: list[Wrong] = []
    began_s = 0.0
    for scene in scenes:
        steps += [replace(step, at_s=began_s + step.at_s) for step in scene.steps]
        wrong += [
            replace(
                one,
                from_s=began_s + one.from_s,
                until_s=None if one.until_s is None else began_s + one.until_s,
            )
            for one in scene.wrong
        ]
        began_s += scene.ends_s
    return Scene(
        name=name,
        cast=scenes[0].cast,
        ends_s=began_s,
        steps=tuple(steps),
        wrong=tuple(wrong),
        money={project: usd for scene in scenes for project, usd in scene.money.items()},
        strangers=tuple(one for scene in scenes for one in scene.strangers),
    )
