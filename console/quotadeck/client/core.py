"""The state behind a manager, the same for asyncio and threads: limits, queues, and what is held.

Each method is one step under one lock, and none of them waits. A request that has to wait joins
its project's line by `join`. Its task or thread then calls `claim` whenever it is woken, which
admits it or says how long to sleep (`acquiring.py`, `blocking.py`), and in the end `leave`.
"""

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

from quotadeck.client.availability import Availability
from quotadeck.client.errors import AcquireTimeout, PriceUnknown, QuotaError, TooManyWaiting
from quotadeck.client.holding import NS, Holding
from quotadeck.client.line import AGEING_S, Waiter
from quotadeck.client.prices import Prices
from quotadeck.client.providers import Providers
from quotadeck.client.quotas import Asked, Estimate, Quota, estimate_of, must_be_name, must_be_wait
from quotadeck.client.refusing import late, refuse
from quotadeck.client.reservation import Reservation
from quotadeck.client.terms import Terms, money_of
from quotadeck.client.want import Bound, Look, Project, Want
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import BudgetLimit, Priority, SlotLimit, Take
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.limiter import Admitted, DayUnknown, Refused, TurnName
from quotadeck.limiter.at_once import complete

if TYPE_CHECKING:
    from quotadeck.client.runs import RunTerms
    from quotadeck.client.transport.provider import Provider

T = TypeVar("T")
LOOK_AGAIN_S: Final = 1.0
"""The longest sleep of a head whose wait cannot be computed; mostly it is woken before."""
BEHIND_S: Final = 10.0
"""The longest sleep of who is no head; mostly it is woken before, when it becomes one."""
LOOKS_KEPT: Final = 256
"""Checks whose takes are kept ready: programs repeat the same few again and again."""
MOST_WAITING: Final = 10_000
"""Of one project: whoever comes then is told so, and does not wait."""


class Core(Holding):
    """One state, in this process. Whatever changes after its making changes under ``lock``."""

    def __init__(
        self,
        everything: Quota,
        *,
        windows: tuple[int, int],
        zone: str,
        prices: Prices,
        clock: Clock,
        lifetime_s: float,
    ) -> None:
        super().__init__(clock)
        self.prices, self.zone = prices, zone
        self.projects: dict[str, Project] = {}
        """All that were named: a report tells of each, so none is ever forgotten."""
        self.runs: dict[str, RunTerms] = {}
        self._windows = windows
        self.providers: Providers[Provider] = Providers(self.limiter.drop)
        """What the providers of its clients allow."""
        self.everything = self.terms("all", everything, shared=True)
        self._ttl_ms = int(lifetime_s * 1_000)
        self._names = count(1)
        self._next_burial_ns = 0
        self._leaving: deque[Waiter[Want]] = deque()
        """Who went away while the lock was not to be had."""
        self._looks: dict[tuple[str, Estimate, Priority | None, tuple[Bound, ...]], Look] = {}

    def terms(self, name: str, quota: Quota, *, shared: bool = False) -> Terms:
        """The quota as the limits of a subject's buckets; ``shared`` between projects or not."""
        return Terms(
            name, quota, windows=self._windows, zone=self.zone, clock=self.clock, shared=shared
        )

    def project(self, name: str) -> Project:
        """The project of that name, made at its first mention. Raises ValueError for no name.

        Not to be called under the lock, unless the project is known to be there.
        """
        known = self.projects.get(name)
        if known is None:
            must_be_name("a project", name)
            with self.lock:  # under which others go through all projects
                known = self.projects.get(name) or self._new_project(name)
                self.projects[name] = known
        return known

    def _new_project(self, name: str) -> Project:
        """Without a quota of its own, so that only the limits of everything bind it."""
        return Project(name, self.terms(str(Subject.project(name)), Quota()))

    def set_quota(self, name: str, change: Callable[[Quota], Quota]) -> Quota:
        """Change a project's quota: what was used stays used, and the heads ask again.

        ``change`` is told the quota in force, under the lock: of two changes of different limits
        at the same time none undoes the other. What it raises is raised, and nothing changes.
        """
        project = self.project(name)
        with self.lock:
            quota = change(project.terms.quota)
            project.terms = self.terms(str(Subject.project(name)), quota)
            self._looks.clear()
            self._known(lambda: complete(self.limiter.relimit(project.terms.limits)))
            self.waiting.wake()
        return quota

    def want(
        self,
        name: str,
        asked: Asked,
        priority: Priority | None = None,
        timeout_s: float | None = None,
        beyond: tuple[Bound, ...] = (),
    ) -> Want:
        """The request, with its price where the estimate tells none; ``beyond`` binds it, too.

        Raises PriceUnknown, TypeError or ValueError for what is no estimate, and ValueError for
        what is no timeout.
        """
        estimate, project = estimate_of(asked), self.project(name)
        beyond = (self.everything, *beyond)
        cost = estimate.cost_nano
        if cost is None:
            most = self.prices.most_nano(
                estimate.model, estimate.input_tokens, estimate.output_tokens
            )
            if most is None and any(each.has_budget for each in (project.terms, *beyond)):
                raise PriceUnknown(name, estimate.model)
            cost = most or 0
        if timeout_s is not None:
            must_be_wait("timeout", timeout_s)
        own: Any = project.terms.quota.priority
        return Want(
            project, estimate, cost, own if priority is None else priority, timeout_s, beyond
        )

    def cost_nano(self, model: str, usage: Usage) -> int | None:
        """What a call cost, in nano-dollars; None where the model's price is not known."""
        return self.prices.cost_nano(model, usage)

    def check(
        self, name: str, estimate: Estimate, priority: Priority | None, beyond: tuple[Bound, ...]
    ) -> Availability:
        """What an acquire would be told now; nothing is taken. Raises what `want` does."""
        asked = name, estimate, priority, beyond
        if name not in self.projects:
            self.project(name)
        with self.lock:
            if self._endings or self._leaving or self.clock.monotonic_ns() >= self._next_look_ns:
                self.look_after()
            look = self._looks.get(asked)
            if look is None or not look.since_us <= self.clock.wall_us() < look.until_us:
                look = self._look(self.want(name, estimate, priority, None, beyond))
                if len(self._looks) >= LOOKS_KEPT:
                    self._looks.clear()
                self._looks[asked] = look
            try:
                answer = self.limiter.look(look.takes, look.priority)
            except DayUnknown:
                answer = self._known(lambda: self.limiter.look(look.takes, look.priority))
            before = len(look.line) + bool(self.waiting.heads.before(look.takes))
        if before and self.bury():
            return self.check(name, estimate, priority, beyond)
        return Availability(answer, look.takes, before)

    def _look(self, want: Want) -> Look:
        takes = want.takes()
        days = [take.limit for take in takes if isinstance(take.limit, BudgetLimit)]
        return Look(
            takes,
            want.priority,
            want.project.line,
            max(day.starts_at_us for day in days),
            min(day.ends_at_us for day in days),
        )

    def admit(self, want: Want) -> Reservation | None:
        """Its reservation, or None where it has to wait in line. Raises as `claim` does."""
        if self.waiting.lines:
            self.bury()
        with self.lock:
            try:
                return self._admit(want)
            except QuotaError:
                want.project.tally.refused += 1
                raise

    def _admit(self, want: Want) -> Reservation | None:
        self.look_after()
        line = want.project.line
        binding, wait_ms = "", None
        if line.head is None or self._key(want) < line.head.key:
            for bound in want.beyond:
                bound.must_go_on()
            takes = want.takes()
            binding = self.waiting.heads.before(takes)
            if not binding:
                name = self.new_name()
                answer = self._ask(name, want, takes)
                if isinstance(answer, Admitted):
                    return Reservation(self, want, name, 0.0)
                binding, wait_ms = answer.binding, answer.wait_ms
                refuse(self.limiter, want, takes, answer, self.clock.wall_us())
        if want.timeout_s == 0:
            wait_s = None if wait_ms is None else wait_ms / 1_000
            raise AcquireTimeout(
                want.project.name, binding, 0.0, wait_s, away=self.trouble(want.project)
            )
        return None

    def join(
        self, want: Want, wake: Callable[[], None], lives: Callable[[], bool] = lambda: True
    ) -> Waiter[Want]:
        """Stand in the project's line, to be left by `leave` whatever happens.

        ``wake`` is called, from any thread and under the lock, when it is time to `claim` again;
        ``lives`` tells whether that can be done. Raises TooManyWaiting.
        """
        with self.lock:
            line = want.project.line
            if len(line) >= MOST_WAITING:
                want.project.tally.refused += 1
                raise TooManyWaiting(want.project.name, len(line))
            turn = TurnName(want.project.name, self.new_name())
            waiter = Waiter(want, self._now_s(), want.priority, turn, wake, lives)
            self._stand(waiter)
            return waiter

    def _stand(self, waiter: Waiter[Want]) -> None:
        displaced = self.waiting.join(waiter)
        if displaced is not None:
            self._forget(displaced)

    def bury(self) -> bool:
        """Let the heads whose loops were closed, or stand still, leave their lines; every second.

        One whose loop goes on stands where it stood when it asks again. Not to be called under the
        lock: with the last word of a closed loop's task its own code may run.
        """
        now_ns = self.clock.monotonic_ns()
        if now_ns < self._next_burial_ns:
            return False
        buried: list[Waiter[Want]] = []
        with self.lock:
            self._next_burial_ns = now_ns + NS
            while stuck := self.waiting.stuck():
                buried += stuck
                for waiter in stuck:
                    self._leave(waiter)
        for waiter in buried:
            waiter.wake()
        return bool(buried)

    def claim(self, waiter: Waiter[Want]) -> Reservation | float:
        """The waiter's reservation; else the seconds to sleep unless it is woken.

        Raises what an acquire does; the waiter still has to leave then.
        """
        want, tally = waiter.wants, waiter.wants.project.tally
        self.bury()
        with self.lock:
            self.look_after()
            if waiter.gone:
                self._stand(waiter)
            now_ns = self.clock.monotonic_ns()
            waited_s = now_ns / NS - waiter.since_s
            try:
                found = self._claim(waiter, now_ns)
                if isinstance(found, Admitted):
                    tally.waited_s += waited_s
                    return Reservation(self, want, waiter.turn.name, waited_s)
                sleep_s = found
                for bound in want.beyond:
                    if bound.ends_ns is not None:
                        sleep_s = min(sleep_s, (bound.ends_ns - now_ns) / NS)
                if want.timeout_s is None:
                    return sleep_s
                left_s = want.timeout_s - waited_s
                if left_s <= 0:
                    raise late(waiter, waited_s, self.trouble(want.project))
                return min(sleep_s, left_s)
            except QuotaError:
                tally.refused += 1
                raise

    def _claim(self, waiter: Waiter[Want], now_ns: int) -> Admitted | float:
        """Ask the limiter for the head of a line, by its turn; else the seconds until it may ask.

        Only heads ask.
        """
        waiting, takes = self.waiting, waiter.wants.takes()
        waiter.needs_s = None
        for bound in waiter.wants.beyond:
            bound.must_go_on()
        if waiter.wants.project.line.head is not waiter:
            return BEHIND_S
        if not waiter.due_ns and (before := waiting.heads.before(takes, waiter)):
            waiting.stands(waiter, before)
            return LOOK_AGAIN_S
        answer = self._ask(waiter.turn.name, waiter.wants, takes, waiter.turn)
        if isinstance(answer, Admitted):
            waiting.went(waiter)
            return answer
        wait_ms = answer.wait_ms
        waiter.needs_s = None if wait_ms is None else wait_ms / 1_000
        wait_s = LOOK_AGAIN_S if waiter.needs_s is None else waiter.needs_s
        if _is_slot(answer.binding, takes):
            # It is woken when one comes back; how long that takes is a guess, and may be 0.
            wait_s = max(wait_s, LOOK_AGAIN_S)
        waiter.money = money_of(takes)
        waiting.refused(waiter, answer.binding)
        refuse(self.limiter, waiter.wants, takes, answer, self.clock.wall_us())
        if answer.turn and wait_ms is not None:
            waiter.due_ns = now_ns + wait_ms * 1_000_000
            waiting.goes_on(waiter)
            return wait_s
        self._give_up_turn(waiter)
        if waiter.waits_for_money:
            waiting.goes_on(waiter)
            return LOOK_AGAIN_S
        waiting.stands(waiter, answer.binding)
        # No turn was promised: it was more than a minute ahead, or all of the bucket is promised.
        return min(wait_s, max(LOOK_AGAIN_S, wait_s - 59.0))

    def leave(self, waiter: Waiter[Want]) -> None:
        """Leave the line, with a reservation or without one."""
        if not waiter.gone and not self._soon(self._leave, waiter):
            # As `settle`: a collection has closed who waited, in the middle of another step.
            self._leaving.append(waiter)
            self.waiting.wake()

    def look_after(self) -> None:
        """Besides, see off who went away without the lock."""
        while self._leaving:
            waiter = self._leaving.popleft()
            if not waiter.gone:
                self._leave(waiter)
        super().look_after()

    def _leave(self, waiter: Waiter[Want]) -> None:
        self._forget(waiter)
        self.waiting.leave(waiter)

    def _forget(self, waiter: Waiter[Want]) -> None:
        """It is no head any more: it has no turn, and stands nowhere."""
        self._give_up_turn(waiter)
        self.waiting.goes_on(waiter)

    def _give_up_turn(self, waiter: Waiter[Want]) -> None:
        if waiter.due_ns:
            waiter.due_ns = 0
            complete(self.limiter.forget(waiter.turn))
            self.waiting.came_back([take.key for take in waiter.wants.takes()], waiter)

    def _ask(
        self, name: str, want: Want, takes: list[Take], turn: TurnName | None = None
    ) -> Admitted | Refused:
        answer = self._known(
            lambda: complete(self.limiter.acquire(name, takes, want.priority, self._ttl_ms, turn))
        )
        if isinstance(answer, Admitted):
            self._open[name] = want
        return answer

    def _known(self, call: Callable[[], T]) -> T:
        """What ``call`` gives, once the limiter knows what was spent on the day that it is about.

        It forgets the oldest days. A clock that is set back to one of them finds no money spent:
        nobody else has an account of it.
        """
        while True:
            try:
                return call()
            except DayUnknown as unknown:
                complete(self.limiter.restore_spent({unknown.key: {unknown.day: 0}}))

    def _key(self, want: Want) -> float:
        """Where it would stand in its line: see `quotadeck.client.line.Waiter`."""
        return self._now_s() + want.priority * AGEING_S

    def _now_s(self) -> float:
        return self.clock.monotonic_ns() / NS

    def new_name(self) -> str:
        """An id that no other reservation, turn or run of this state has."""
        return f"r{next(self._names)}"


def _is_slot(bucket: str, takes: list[Take]) -> bool:
    return any(take.key == bucket and isinstance(take.limit, SlotLimit) for take in takes)
