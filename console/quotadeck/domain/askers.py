"""Who asks for a model now, and whom its pause would leave without any. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quotadeck.domain.limits import Priority
from quotadeck.domain.snapshot import ProjectRow


@dataclass(frozen=True, slots=True)
class Askers:
    """Projects that asked for a model in the last five minutes; those of high priority first.

    ``alone`` are those of them that asked for no other.
    """

    projects: tuple[ProjectRow, ...] = ()
    alone: tuple[ProjectRow, ...] = ()


NOBODY = Askers()


def askers(projects: Iterable[ProjectRow]) -> Mapping[str, Askers]:
    """By the model's name; of a model that nobody asked for there is nothing."""
    found: dict[str, list[ProjectRow]] = {}
    for row in projects:
        for model in row.models:
            found.setdefault(model, []).append(row)
    made = {}
    for model, rows in found.items():
        rows.sort(key=_first)
        alone = tuple(row for row in rows if len(row.models) == 1)
        made[model] = Askers(tuple(rows), alone)
    return made


def _first(row: ProjectRow) -> tuple[bool, int]:
    """In powers of two: those that ask alike do not take turns."""
    asked = row.flow.requests_60s + row.flow.refused_60s
    return row.priority != Priority.HIGH.word, -asked.bit_length()
