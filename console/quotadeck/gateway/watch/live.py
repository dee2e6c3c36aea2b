"""The live picture: what requests leave behind in memory, and its reading as a Snapshot."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

from quotadeck.admission.days import BudgetDays
from quotadeck.domain.calls import Call, OpenCall
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Entry
from quotadeck.domain.evidence import Evidence
from quotadeck.domain.history import StateSpan
from quotadeck.domain.rules import bucket_of
from quotadeck.domain.snapshot import Event, Flow, Snapshot, Vitals
from quotadeck.domain.state import State, StateKind
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.usual import Usual
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.watch.due import Midnights
from quotadeck.gateway.watch.evidence import Sources, pause_ends
from quotadeck.gateway.watch.flows import FlowsBySubject
from quotadeck.gateway.watch.path import Path
from quotadeck.gateway.watch.recall import recall
from quotadeck.gateway.watch.rows import Rows
from quotadeck.gateway.watch.state_log import OnChange, resumed, unrecorded
from quotadeck.gateway.watch.states import States, subjects_of
from quotadeck.gateway.watch.windows import SlidingSums
from quotadeck.limiter import Limiter

_HALF_MINUTE_US = 30_000_000
EVENTS_SHOWN = 20
_LOOKED_AT = 200
"""So many are looked at in a second, whether they can be forgotten: less than a millisecond."""
_JUDGED_ANEW_NS = 900_000_000
"""Whoever listens has judged within a second; the second's own job leaves it to them."""


def _unknown(_project: str) -> Usual | None:
    """For who has no history."""
    return None


class Live:
    """Fed by the data plane as requests pass; `snapshot` is read once a second."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        plan: Callable[[], Plan],
        limiter: Limiter,
        days: BudgetDays,
        clock: Clock,
        vitals: Callable[[], Vitals],
        unserved: Callable[[], str] = str,
        keyed: Callable[[str], bool] = bool,
        usual: Callable[[str], Usual | None] = _unknown,
        on_state: OnChange = unrecorded,
    ) -> None:
        """``unserved`` says why the gateway cannot serve, empty when it can; ``keyed`` whether a
        living key serves a project; ``usual`` what its traffic is like at this hour; ``on_state``
        is told each state that became another."""
        self._catalogue = catalogue
        self._plan = plan
        self._limiter = limiter
        self._days = days
        self._clock = clock
        self._vitals = vitals
        self._unserved = unserved
        self._keyed = keyed
        self._usual = usual
        self._flows = FlowsBySubject()
        self._states = States(on_state)
        self._rows = Rows(limiter, days, clock, self._states, self._flows)
        self._paths: dict[tuple[str, str, str], Path] = {}
        """By project, target and model, all of the catalogue: so many at most."""
        self._touched: set[Path] = set()
        self._midnights = Midnights(catalogue.projects.values(), clock.wall_us())
        self._strangers = SlidingSums(1, 1_000_000_000, 60)
        self._events: deque[Event] = deque(maxlen=EVENTS_SHOWN)
        self._one_at_a_time = asyncio.Lock()
        """Two readings at once would each miss what the other has taken in hand."""
        self._judged_ns = 0
        self._to_look_at: list[Subject] = []
        self._wake_all()

    def seed(self, minutes: Iterable[tuple[int, str, int]], events: Iterable[Event]) -> None:
        """Start from the ledger, as if we had been there.

        ``minutes`` is the last hour's spend as (the minute's start in UTC µs, project,
        nano-dollars), ``events`` the newest events; old to new.
        """
        now_ns, now_us = self._clock.monotonic_ns(), self._clock.wall_us()
        for minute_us, project, nano in minutes:
            if project in self._catalogue.projects:
                ago_us = max(0, now_us - minute_us - _HALF_MINUTE_US)
                flows = self._flows.of(Subject.project(project))
                flows.spent_before(now_ns - ago_us * 1_000, nano)
        self._events.extend(events)

    def recall(self, calls: Iterable[Call], entries: Iterable[Entry]) -> None:
        """Judge from now on as if we had seen these calls and commands of the last process."""
        recall(
            self._states,
            calls,
            entries,
            self._plan(),
            now_ns=self._clock.monotonic_ns(),
            now_us=self._clock.wall_us(),
        )

    def resume(self, spans: Iterable[StateSpan]) -> None:
        """Go on from the states that held when the last process ended."""
        now_ms = self._clock.monotonic_ns() // 1_000_000
        self._states.resume(resumed(spans, now_ms, self._clock.wall_us()))

    def flow_of(self, subject: Subject) -> Flow:
        """What passed of it lately."""
        return self._flows.seen(subject).flow(self._clock.monotonic_ns())

    def state_of(self, subject: Subject) -> State:
        """Its state as last judged."""
        return self._states.of(subject)

    def storms(self, project: str) -> bool:
        """Whether its callers retry without minding what they are told."""
        return self.state_of(Subject.project(project)).held(StateKind.STORM) is not None

    def happened(self, event: Event) -> None:
        """An event to show under the rows; one told again after a restart is shown once."""
        if all(shown.id != event.id for shown in self._events):
            self._events.append(event)

    def begun(self, opened: OpenCall, arrived_ns: int) -> None:
        """A request was dispatched, that came at ``arrived_ns``."""
        path = self._paths.get((opened.project, opened.target, opened.model))
        if path is None:
            path = self._path(opened.project, opened.target, opened.model)
        path.admitted(arrived_ns, self._clock.monotonic_ns())
        self._touched.add(path)

    def moved(self, failed: Call, now: OpenCall) -> None:
        """A dispatched request goes on to another target: that of ``failed`` has ended with it."""
        now_ns = self._clock.monotonic_ns()
        left = self._paths[failed.project, failed.target, failed.model]
        path = self._paths.get((now.project, now.target, now.model))
        if path is None:
            path = self._path(now.project, now.target, now.model)
        left.left(now_ns, failed)
        path.joined(now_ns)
        self._touched |= {left, path}

    def ended(self, call: Call) -> None:
        """A dispatched request ended."""
        path = self._paths.get((call.project, call.target, call.model))
        if path is None:
            path = self._path(call.project, call.target, call.model)
        path.ended(self._clock.monotonic_ns(), call)
        self._touched.add(path)

    def _path(self, project: str, target: str, model: str) -> Path:
        subjects = subjects_of(project, target, model)
        flows = self._flows.of(subjects[0]), self._flows.of(subjects[1])
        path = Path(subjects, flows, tuple(map(self._states.tally, subjects)))
        self._paths[project, target, model] = path
        return path

    def _mark_touched(self) -> None:
        """Have the rows built and the states judged of whoever asked since."""
        touched, self._touched = self._touched, set()
        for path in touched:
            self._states.wake(path.subjects)
            self._rows.mark(path.subjects)

    def refused(
        self,
        project: str,
        model: str,
        cause: Cause,
        gate: Subject,
        wait_ms: int = 0,
        *,
        money_held: bool = False,
    ) -> None:
        """We refused a request: ``gate`` did, and would let it pass after ``wait_ms``.

        ``model`` is what it asked for, where that is known; ``money_held``: the day's money would
        have covered it without what requests under way hold.
        """
        now_ns = self._clock.monotonic_ns()
        asking = Subject.project(project)
        self._flows.of(asking).refused(now_ns, model if model in self._plan().routes else "")
        if gate.kind is SubjectKind.TARGET:
            self._flows.of(gate).refused(now_ns)
        self._states.refused(now_ns, asking, cause, gate, wait_ms, money_held=money_held)
        self._rows.mark((asking, gate))

    def refused_stranger(self) -> None:
        """We refused a request of whom we do not know."""
        self._strangers.slot(self._clock.monotonic_ns())[0] += 1

    def changed(self, subjects: Iterable[Subject], keyed: Iterable[str] = ()) -> None:
        """Commands, or their ends, changed these, and keys of the projects ``keyed``.

        What they refused before is history.
        """
        self._states.changed(subjects)
        self._states.keys_changed(keyed)
        self._states.wake(
            Subject.target(target)
            for subject in subjects
            if subject.kind is SubjectKind.MODEL
            for target in self._catalogue.routes[subject.name].targets
        )

    async def second(self) -> None:
        """Judge what happened, if no listener has had it judged within the second; forget."""
        if self._clock.monotonic_ns() - self._judged_ns >= _JUDGED_ANEW_NS:
            async with self._one_at_a_time:
                await self._judge()
        self._forget()

    def _forget(self) -> None:
        """Let go of projects that nobody asked anything for an hour, a few at a time."""
        now_ns = self._clock.monotonic_ns()
        looked_at = self._to_look_at[-_LOOKED_AT:]
        del self._to_look_at[-_LOOKED_AT:]
        if not self._to_look_at:
            self._to_look_at = self._flows.known()
        gone = {
            subject.name
            for subject in looked_at
            if subject.kind is SubjectKind.PROJECT
            and self._flows.seen(subject).forgettable(now_ns)
            and self._states.forget(subject, now_ns)
        }
        if gone:
            for name in gone:
                self._flows.forget(Subject.project(name))
            # Whoever has a path tells those that it was made with: they go together.
            self._paths = {at: path for at, path in self._paths.items() if at[0] not in gone}

    async def snapshot(self) -> Snapshot:
        """The whole picture. Gives way to requests between slices of rows."""
        async with self._one_at_a_time:
            await self._judge()
            self._mark_touched()
            tables = await self._rows.read(self._plan())
            now_ns = self._clock.monotonic_ns()
            (strangers,) = self._strangers.advance(now_ns)
            return Snapshot(
                now_ms=now_ns // 1_000_000,
                at_us=self._clock.wall_us(),
                vitals=replace(
                    self._vitals(), state=self._states.gateway, strangers_refused_60s=strangers
                ),
                projects=tables.projects,
                targets=tables.targets,
                routes=tables.routes,
                events=tuple(reversed(self._events)),
            )

    async def _judge(self) -> None:
        plan, now_ns, now_us = self._plan(), self._clock.monotonic_ns(), self._clock.wall_us()
        self._judged_ns = now_ns
        self._mark_touched()
        unserved = self._unserved()
        if self._states.judge_gateway(Evidence(now_ns // 1_000_000, unserved=unserved)):
            self._wake_all()
        touched = set(map(_owner, await self._limiter.touched("live")))
        for project in self._midnights.passed(now_us):
            self._states.day_began(project)
            touched.add(project)
        self._states.wake(touched)
        self._rows.mark(touched)
        await self._states.judge(
            Sources(
                plan,
                self._flows,
                self._states,
                self._days,
                self._keyed,
                unserved,
                pause_ends(plan),
                now_ns,
                now_us,
                self._usual,
            ).read
        )
        self._rows.mark(self._states.turned)
        self._states.turned.clear()

    def _wake_all(self) -> None:
        """At a start the ledger may say that money is spent; and all suffer from a sick gateway."""
        for kind in SubjectKind:
            self._states.wake(Subject(kind, name) for name in self._catalogue.names(kind))


@lru_cache(maxsize=1 << 16)
def _owner(bucket: str) -> Subject:
    return bucket_of(bucket)[0]
