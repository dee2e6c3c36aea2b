"""The background of a leased manager: it takes, renews and gives back its leases, and tells the
gateway what calls used elsewhere.

It is one thread with one connection as a rule. Only where questions about several projects are due
at once, it is more of both, eight at most, so that no project waits for the answer to another's.
They keep no manager alive; what it still holds and has to tell is kept here, and outlives it.
"""

import atexit
import logging
import random
import threading
import time
import weakref
from collections.abc import MutableSequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quotadeck.client.backoff import Backoff
from quotadeck.client.leased.answer import Answer, Away, Granted, granted_of
from quotadeck.client.leased.gateway_client import LEASES, USED, GatewayClient
from quotadeck.client.leased.pool import NS, Pool

if TYPE_CHECKING:
    from collections import deque

    from quotadeck.client.leased.core import LeasedCore
    from quotadeck.client.reservation import Charge
    from quotadeck.client.want import Want

LOG: Final = logging.getLogger(__name__)
_AWAY: Final = "the gateway at %s does not answer (%s)"
_LOST: Final = (
    "what %d calls of %s used elsewhere is not on the gateway's record: the manager has ended, "
    "and it could not be told (%s)"
)
AGAIN: Final = Backoff(base_s=0.2, ceiling_s=5.0, tries=1_000_000)
"""How long it waits between two tries while the gateway does not answer."""
MOST_THREADS: Final = 8
PAUSED_MS: Final = 2_000
"""After so long a project that is paused is asked for again."""
REFUSED_MS: Final = 5_000
"""After so long a key that was refused is tried again."""
TOLD_MS: Final = 500
"""After so long at least what was used is told again where others had told too much."""
UNHEARD_MS: Final = 60_000
"""After so long it is told again to a gateway that has refused to hear it."""
AT_EXIT_S: Final = 1.0
"""How long the end of a program waits for its leases to be given back."""

_AT_WORK: Final["weakref.WeakSet[Agent]"] = weakref.WeakSet()


class _Question(NamedTuple):
    """One under way: ``what`` is as `Pool.next` has it, ``lease`` empty where it names none, and
    ``asked`` its body."""

    pool: Pool
    what: str
    lease: str
    asked: dict[str, Any]
    sent_ns: int


class Agent:
    """Asks the gateway for the pools of a core. The first thread begins with the first request and
    sleeps while nothing is due; all further ones end as soon as nothing is."""

    def __init__(
        self,
        core: "LeasedCore",
        gateway: GatewayClient,
        endings: "deque[tuple[Want, str, Charge | None]]",
    ) -> None:
        """``endings`` are the reservations that have ended and that the core is still to settle;
        where it is gone, they are settled here."""
        self.pools: dict[str, Pool] = {}
        self.closed = False
        self._core = weakref.ref(core, lambda _: self.call())
        self._lock, self._clock, self._endings = core.lock, core.clock, endings
        self._who = {"manager": core.name, "process": core.process}
        self._gateway = gateway
        self._free = [gateway]
        self._threads: MutableSequence[threading.Thread] = []
        self._looks = False
        """Whether one of them sleeps until something is due."""
        self._gave_back = threading.Event()
        # No other way to wake a thread may be used in the middle of a collection.
        self._called: SimpleQueue[None] = SimpleQueue()

    def wake(self, pool: Pool) -> None:
        """Let a thread see what is due for this pool. To be called under the core's lock."""
        if not pool.asked:  # the one that asks for it looks again afterwards
            self._look()

    def call(self) -> None:
        """The same for all pools, and from the middle of anything: it takes no lock."""
        if self._called.empty():
            self._called.put(None)

    def end(self) -> None:
        """Begin to give everything back."""
        self.closed = True
        self.call()

    def join(self, until_s: float) -> None:
        """Wait until everything is given back, or for that instant of `time.monotonic`."""
        # In a forked process no thread is alive, nor is any in one that has never asked.
        if any(thread.is_alive() for thread in tuple(self._threads)):
            self._gave_back.wait(max(0.0, until_s - time.monotonic()))

    def close(self) -> None:
        """Give everything back, and wait for that as long as for one answer."""
        self.end()
        self.join(time.monotonic() + self._gateway.timeout_s + 1)

    def _look(self) -> None:
        """Wake the thread that sleeps, or begin another. Where all are asking, each looks again
        after its answer."""
        if self._looks:
            self.call()
        elif len(self._threads) < MOST_THREADS:
            thread = threading.Thread(target=self._run, name="quotadeck leases", daemon=True)
            self._threads.append(thread)
            try:
                thread.start()
            except RuntimeError:  # the program ends, or has too many
                self._threads.remove(thread)
                if not self._threads and not self.closed:
                    raise
            else:
                _AT_WORK.add(self)

    def _run(self) -> None:
        try:
            while self._work():
                pass
        finally:
            with self._lock:
                self._leaves()

    def _work(self) -> bool:
        """Ask what is due, or sleep until something is. False: this thread is of no more use."""
        core = self._core()
        if core is not None:
            core.bury()
        del core  # whose last user this thread must not be while it sleeps
        with self._lock:
            question, next_ns = self._due()
            if question is None:
                if self._looks:
                    self._look()  # it may sleep longer than until what is due next
                    return self._leaves()
                if next_ns is None and self._ends() and not self._is_asking():
                    self._gave_back.set()
                    if not self._is_needed():
                        return self._leaves()
                self._looks = True
                sleep_s = None if next_ns is None else (next_ns - self._clock.monotonic_ns()) / NS
        if question is not None:
            self._ask(question)
            return True
        with suppress(Empty):
            self._called.get(timeout=None if sleep_s is None else max(0.0, sleep_s))
        with self._lock:
            self._looks = False
        return True

    def _leaves(self) -> bool:
        """This thread ends: from now on others take its place. False."""
        here = threading.current_thread()
        if here in self._threads:
            self._threads.remove(here)
        while not self._threads and self._free:
            self._free.pop().close()
        return False

    def _is_asking(self) -> bool:
        return any(pool.asked for pool in self.pools.values())

    def _is_needed(self) -> bool:
        """Whether what is still under way is to be told when it ends."""
        return any(pool.taken for pool in self.pools.values())

    def _ends(self) -> bool:
        """Whether the manager is closed or gone, so that nobody needs a lease any more."""
        return self.closed or self._core() is None

    def _due(self) -> tuple[_Question | None, int | None]:
        """A question that is due, of the pool that was asked for longest ago. Where none is, the
        instant at which one will be; None where only a new request brings one."""
        core, now_ns = self._core(), self._clock.monotonic_ns()
        if core is not None:
            core.look_after()
        else:
            while self._endings:
                want, name, charge = self._endings.popleft()
                pool = self.pools[want.project.name]
                if charge is None:
                    pool.ended(name, back=True)
                else:
                    pool.settled(name, want.estimate.model, charge)
        due: list[tuple[Pool, str]] = []
        later: list[int] = []
        for pool in self.pools.values():
            if pool.asked:
                continue
            if core is None or self.closed:
                what, at_ns = pool.last(now_ns)
            else:
                lacking = bool(pool.lacks(line := core.lines(pool), now_ns)[0])
                what, at_ns = pool.next(now_ns, waiting=bool(line), lacking=lacking)
            if what and at_ns <= now_ns:
                due.append((pool, what))
            elif what:
                later.append(at_ns)
        if not due:
            return None, min(later, default=None)
        pool, what = min(due, key=lambda each: each[0].asked_ns)
        pool.asked, pool.asked_ns = True, now_ns
        if len(due) > 1:
            self._look()
        return self._question(core, pool, what, now_ns), None

    def _question(self, core: "LeasedCore | None", pool: Pool, what: str, now_ns: int) -> _Question:
        if what == "back":
            return _Question(pool, what, pool.to_give_back(), {}, now_ns)
        used = pool.tells() if what == "tell" or now_ns >= pool.tells_ns else {}
        asked: dict[str, Any] = {**self._who, **used}
        if core is None or what == "tell":
            return _Question(pool, what, "", asked, now_ns)
        line = core.lines(pool)
        more, least = pool.lacks(line, now_ns)
        asked |= {"waiting": core.who_waits(pool), "more": more, "least": least}
        pool.told_waiting = bool(line)
        if what == "lease":
            asked["more"] = more or {"requests": 1}
            return _Question(pool, what, "", asked, now_ns)
        # What admitted calls were to draw and never did is nobody's: it goes back.
        return _Question(
            pool, what, pool.lease, {**asked, "keep": pool.kept(told=bool(used))}, now_ns
        )

    def _ask(self, question: _Question) -> None:
        pool, what, lease, asked, _ = question
        with self._lock:
            gateway = self._free.pop() if self._free else self._gateway.another()
        method, path = "POST", USED if what == "tell" else LEASES
        if lease:
            method, path = "DELETE" if what == "back" else "POST", f"{LEASES}/{lease}"
        answer: Answer | Away
        granted = None
        try:
            try:
                answer = gateway.ask(method, path, pool.project, asked)
                if answer.status == 200 and what in ("lease", "renew"):
                    granted = granted_of(answer)
            except Away as away:
                answer = away
            core = self._core()
            with self._lock:
                if isinstance(answer, Away):
                    self._is_away(core, pool, str(answer))
                else:
                    self._told(core, question, answer, granted)
                if core is not None:
                    core.wake(pool)
        finally:
            with self._lock:
                pool.asked = False  # not before what came of it is known here
                self._free.append(gateway)

    def _told(
        self,
        core: "LeasedCore | None",
        question: _Question,
        answer: Answer,
        granted: Granted | None,
    ) -> None:
        pool, what, lease, _, sent_ns = question
        now_ns = self._clock.monotonic_ns()
        pool.tries = 0
        if core is not None and core.away_since_us is not None:
            LOG.warning("the gateway at %s answers again", core.address)
            core.away_since_us, core.away = None, ""
        if "used" in question.asked:
            self._has_told(pool, what, answer, now_ns)
        if what == "tell":
            return
        if what == "back":
            pool.strays.pop(lease, None)
        elif granted is not None:
            pool.given(granted, sent_ns, now_ns)
        elif answer.status == 404:
            pool.void()
        elif answer.code == "too_many_reports":
            pool.wait(TOLD_MS // 10, now_ns)  # and then without what was used
        elif answer.status == 429:
            pool.binding = answer.limit or pool.binding
            pool.lacking(answer.wait_ms, now_ns)
        else:
            pool.void()
            is_paused = answer.code.endswith("_paused")
            pool.paused, pool.refusal = (answer.message, "") if is_paused else ("", answer.message)
            pool.wait(PAUSED_MS if pool.paused else REFUSED_MS, now_ns)

    def _has_told(self, pool: Pool, what: str, answer: Answer, now_ns: int) -> None:
        """What came of telling what was used."""
        if answer.hears_used:
            pool.heard(now_ns)
        elif answer.status == 429:
            # All that tell under this key were refused: they are not to come back together.
            wait_ms = max(TOLD_MS, min(answer.wait_ms or REFUSED_MS, REFUSED_MS))
            pool.tell_after(int(wait_ms * random.uniform(1, 2)), now_ns)
        elif what == "tell":
            pool.tell_after(UNHEARD_MS, now_ns)
            if self._ends():
                _lost(pool, answer.message)

    def _is_away(self, core: "LeasedCore | None", pool: Pool, why: str) -> None:
        pool.tries += 1
        pool.wait(int(AGAIN.wait_s(pool.tries) * 1_000), self._clock.monotonic_ns())
        if self._ends():  # what is leased runs out by itself
            for each in self.pools.values():
                _lost(each, why)
                each.void()
                each.strays.clear()
        elif core is not None:
            if core.away_since_us is None:
                core.away_since_us = core.clock.wall_us()
                LOG.warning(_AWAY, core.address, why)
            core.away = _AWAY % (core.address, why)


def _lost(pool: Pool, why: str) -> None:
    """Nobody will tell it any more: the gateway's limits and its ledger lack it."""
    if pool.untold:
        LOG.warning(_LOST, pool.calls_untold, pool.project, why)
        pool.forget_used()


def _at_exit() -> None:
    """Give back what a program that ends has leased, where its gateways answer at once."""
    agents, until_s = tuple(_AT_WORK), time.monotonic() + AT_EXIT_S
    for agent in agents:
        agent.end()
    for agent in agents:
        agent.join(until_s)


atexit.register(_at_exit)
