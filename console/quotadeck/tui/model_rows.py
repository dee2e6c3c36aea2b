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
        rows = [row for row in dict.fromkeys((self.target, self.home)) if row is not None]
        told = [one for row in rows for one in (row.state, *row.state.others)]
        known = {(one.kind, one.cause) for one in told}
        # What the model fails by is its target's failure again: said once.
        own = [
            one
            for one in (self.route.state, *self.route.state.others)
            if (one.kind, one.cause) not in known
        ]
        held = [one for one in (*own, *told) if one.kind is not StateKind.OK]
        return tuple(sorted(held, key=lambda one: one.place))

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
