"""Whom a request concerns, found by one look-up: its project, its target and its model."""

from quotadeck.domain.calls import Call
from quotadeck.domain.subject import Subject
from quotadeck.gateway.watch.flows import Flows, used_by
from quotadeck.gateway.watch.tally import Tally


class Path:
    """What the requests of one project for one model at one target leave behind.

    Told of each request twice, on its way: nothing in here may be looked for.
    """

    __slots__ = ("_flows", "_tallies", "subjects")

    def __init__(
        self,
        subjects: tuple[Subject, Subject, Subject],
        flows: tuple[Flows, Flows],
        tallies: tuple[Tally, ...],
    ) -> None:
        """``subjects`` are project, target and model; ``flows`` those of the first two."""
        self.subjects = subjects
        self._flows = flows
        self._tallies = tallies

    def admitted(self, arrived_ns: int, now_ns: int) -> None:
        """A request that came at ``arrived_ns`` was let through."""
        model = self.subjects[2].name
        for flows in self._flows:
            flows.admitted(arrived_ns, model)
        for tally in self._tallies:
            tally.admitted(now_ns)

    def left(self, now_ns: int, failed: Call) -> None:
        """A request went on to another target: for its project and model it has not ended."""
        self._flows[1].ended(now_ns, failed, used_by(failed))
        self._tallies[1].ended(now_ns, failed)

    def joined(self, now_ns: int) -> None:
        """A request came here from another target, of the same project and model."""
        self._flows[1].admitted(now_ns, self.subjects[2].name)
        self._tallies[1].admitted(now_ns)

    def ended(self, now_ns: int, call: Call) -> None:
        """It ended."""
        used = used_by(call)
        for flows in self._flows:
            flows.ended(now_ns, call, used)
        for tally in self._tallies:
            tally.ended(now_ns, call)
