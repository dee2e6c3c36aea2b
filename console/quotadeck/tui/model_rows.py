"""Models as clients ask for them: what serves each now, and how that goes."""

from dataclasses import dataclass

from quotadeck.domain.snapshot import RouteRow, Snapshot, TargetRow
from quotadeck.domain.state import Held, StateKind, Urgency


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model: the target that serves it, and its home, from which it may be forced away.

    ``target`` and ``home`` are None where the snapshot does not have them.
    """

    route: RouteRow
    target: TargetRow | None
    home: TargetRow | None

    @property
    def id(self) -> str:
        return self.route.id

    @property
    def forced(self) -> bool:
        """Whether something else than its home serves it."""
        return bool(self.route.targets) and self.route.serving != self.route.targets[0]

    @property
    def held(self) -> tuple[Held, ...]:
        """All that holds of the model, of what serves it and of its home, the worst first."""
        rows = dict.fromkeys((self.target, self.home))
        states = [self.route.state, *(row.state for row in rows if row is not None)]
        held = [one for state in states for one in (state, *state.others)]
        return tuple(sorted((h for h in held if h.kind is not StateKind.OK), key=lambda h: h.place))

    @property
    def urgency(self) -> Urgency:
        held = self.held
        return held[0].urgency if held else Urgency.CALM


def model_rows(snapshot: Snapshot) -> list[ModelRow]:
    """The models as they are listed, those in trouble first, then those with something in force."""
    targets = {row.id: row for row in snapshot.targets}
    rows = [
        ModelRow(route, targets.get(route.serving), targets.get(next(iter(route.targets), "")))
        for route in snapshot.routes
    ]
    return sorted(rows, key=_rank)


def _rank(row: ModelRow) -> int:
    rank = row.urgency.rank
    done = bool(row.route.changes) or row.forced or row.route.paused
    return min(rank, Urgency.ATTENTION.rank) if done else rank
