"""Whose state is judged, and when: what was touched, and what is not at rest.

Ten thousand idle projects cost nothing: a subject is judged after something happened to it, and
then once a second until nothing holds of it and nothing was cleared lately. It is judged whether
anybody listens or not, so that *since* is true for whoever comes.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from quotadeck.domain.calls import Call
from quotadeck.domain.cause import Cause
from quotadeck.domain.evidence import Evidence
from quotadeck.domain.judgement import judge, recovered
from quotadeck.domain.state import AT_REST, State, StateKind
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.gateway.slices import in_slices
from quotadeck.gateway.watch.state_log import GATEWAY, OnChange
from quotadeck.gateway.watch.tally import Tally

_A_SLICE = 16
"""Subjects judged before the event loop gets a turn: less than a millisecond."""
_JUDGED = (SubjectKind.PROJECT, SubjectKind.TARGET, SubjectKind.MODEL)
"""The kinds of subjects that have a state, in this order: a model names whom it cuts off."""


class States:
    """By subject; `gateway` is the gateway's."""

    def __init__(self, on_change: OnChange) -> None:
        """``on_change`` is told the subject, and its state before and after."""
        self._on_change = on_change
        self.gateway = AT_REST
        self._tallies: dict[Subject, Tally] = {}
        self._states: dict[Subject, State] = {}
        self._awake: set[Subject] = set()
        self.turned: set[Subject] = set()
        """Those whose state is another since somebody took them from here."""

    def resume(self, states: Mapping[Subject, State]) -> None:
        """Go on from these, as the last process left them."""
        self.gateway = states.get(GATEWAY, self.gateway)
        self._states.update((one, state) for one, state in states.items() if one.kind in _JUDGED)
        self._awake.update(self._states)

    def of(self, subject: Subject) -> State:
        """Its state as last judged."""
        return self._states.get(subject, AT_REST)

    def tally(self, subject: Subject) -> Tally:
        """What it is judged from."""
        tally = self._tallies.get(subject)
        if tally is None:
            tally = self._tallies[subject] = Tally()
        return tally

    def told(self, subject: Subject) -> Tally | None:
        """Its tally, if anything was told of it."""
        return self._tallies.get(subject)

    def forget(self, subject: Subject, now_ns: int) -> bool:
        """Let go of what is known of it if that says nothing any more; whether it was so."""
        tally = self.told(subject)
        if subject in self._states or subject in self._awake:
            return False
        if tally is not None and not tally.forgettable(now_ns):
            return False
        self._tallies.pop(subject, None)
        return True

    def wake(self, subjects: Iterable[Subject]) -> None:
        """Have them judged next time, though nobody asked them anything."""
        self._awake.update(subjects)

    def admitted(self, now_ns: int, subjects: Sequence[Subject]) -> None:
        """A request of these subjects was let through."""
        for subject in subjects:
            self.tally(subject).admitted(now_ns)
        self._awake.update(subjects)

    def ended(self, now_ns: int, call: Call, subjects: Sequence[Subject]) -> None:
        """A request of these subjects ended."""
        for subject in subjects:
            self.tally(subject).ended(now_ns, call)
        self._awake.update(subjects)

    def refused(
        self,
        now_ns: int,
        project: Subject,
        cause: Cause,
        gate: Subject,
        wait_ms: int = 0,
        *,
        money_held: bool = False,
    ) -> None:
        """A project's request was refused by ``gate``: that is told of both."""
        for subject in {project, gate}:
            if subject.kind not in _JUDGED:
                continue
            self.tally(subject).refused(now_ns, cause, gate, wait_ms, money_held=money_held)
            self._awake.add(subject)

    def changed(self, subjects: Iterable[Subject]) -> None:
        """These gates were changed: what they refused before is history for everybody."""
        for subject in subjects:
            if subject.kind is SubjectKind.PROJECT:
                self.tally(subject).forget(subject)
            else:
                for tally in self._tallies.values():
                    tally.forget(subject)
            if subject.kind in _JUDGED:
                self._awake.add(subject)

    def cut_off_by(self, gate: Subject, now_ns: int) -> tuple[str, ...]:
        """The projects that a paused model cuts off, by name."""
        return tuple(
            sorted(
                subject.name
                for subject, state in self._states.items()
                if subject.kind is SubjectKind.PROJECT
                and state.held(StateKind.CUT_OFF)
                and any(
                    refused.gate == gate
                    for refused in self.tally(subject).decided(now_ns).by({Cause.PAUSED})
                )
            )
        )

    def keys_changed(self, projects: Iterable[str]) -> None:
        """These projects have one key more, or less: what a revoked one was refused is history."""
        for project in projects:
            subject = Subject.project(project)
            if tally := self.told(subject):
                tally.forget(cause=Cause.KEY_REVOKED)
            self._awake.add(subject)

    def day_began(self, project: Subject) -> None:
        """A budget begins anew: what it refused was yesterday's."""
        if tally := self.told(project):
            tally.forget(project, Cause.BUDGET)
        self._awake.add(project)

    async def judge(
        self, read: Callable[[Sequence[Subject]], Awaitable[Mapping[Subject, Evidence]]]
    ) -> None:
        """Judge all who are awake. ``read`` gives the evidence of those that it knows."""

        async def judged(subjects: Sequence[Subject]) -> None:
            for subject, evidence in (await read(subjects)).items():
                self._judge(subject, evidence)

        for kind in _JUDGED:
            awake = [subject for subject in self._awake if subject.kind is kind]
            await in_slices(self._awake, awake, _A_SLICE, judged)

    def judge_gateway(self, evidence: Evidence) -> bool:
        """Judge the gateway itself; whether it has begun or ceased to serve."""
        before, self.gateway = self.gateway, judge(self.gateway, evidence)
        if before != self.gateway:
            self._on_change(GATEWAY, before, self.gateway)
        return before.kind is not self.gateway.kind

    def _judge(self, subject: Subject, evidence: Evidence) -> None:
        before = self.of(subject)
        after = judge(before, evidence)
        if (
            before.held(StateKind.FAILING)
            and not after.held(StateKind.FAILING)
            and recovered(evidence)
        ):
            self.tally(subject).forget_failures()
        if after != before:
            self._states[subject] = after
            self.turned.add(subject)
            self._on_change(subject, before, after)
        if after == AT_REST:
            self._states.pop(subject, None)
        else:
            self._awake.add(subject)


@lru_cache(maxsize=1 << 16)
def subjects_of(project: str, target: str, model: str) -> tuple[Subject, Subject, Subject]:
    """Whom a dispatched request concerns."""
    return Subject.project(project), Subject.target(target), Subject.model(model)
