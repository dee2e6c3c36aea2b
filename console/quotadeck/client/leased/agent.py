"""The background thread of a leased manager: it takes, renews and gives back its leases.

One thread serves loops and threads alike. It keeps no manager alive: when its manager is gone, it
gives back what is leased, and ends.
"""

import atexit
import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from quotadeck.client.backoff import Backoff
from quotadeck.client.leased.answer import Answer, Away, Granted, granted_of
from quotadeck.client.leased.gateway_client import GatewayClient
from quotadeck.client.leased.pool import NS, Pool

if TYPE_CHECKING:
    from quotadeck.client.leased.core import LeasedCore

LOG: Final = logging.getLogger(__name__)
_AWAY: Final = "the gateway at %s does not answer (%s)"
AGAIN: Final = Backoff(base_s=0.2, ceiling_s=5.0, tries=1_000_000)
"""How long it waits between two tries while the gateway does not answer."""
LOOK_S: Final = 5.0
"""It looks at least so often whether its manager is still there."""
PAUSED_MS: Final = 2_000
"""After so long a project that is paused is asked for again."""
REFUSED_MS: Final = 5_000
"""After so long a key that was refused is tried again."""
AT_EXIT_S: Final = 1.0
"""How long the end of a program waits for its leases to be given back."""
_GATHER_S: Final = 0.002
"""How long it waits for further requests, to ask for all of them in one question."""


_AT_WORK: Final["weakref.WeakSet[Agent]"] = weakref.WeakSet()


class Agent:
    """Asks the gateway for the pools of a core. Its thread begins with the first request."""

    def __init__(self, core: "weakref.ref[LeasedCore]", gateway: GatewayClient) -> None:
        self._core = core
        self._gateway = gateway
        self._called = threading.Event()
        self._thread: threading.Thread | None = None
        self.closed = False
        self._tries = 0

    def wake(self) -> None:
        """Let the thread see what is due. To be called under the core's lock."""
        if self._thread is None and not self.closed:
            self._thread = threading.Thread(target=self._run, name="quotadeck leases", daemon=True)
            self._thread.start()
            _AT_WORK.add(self)
        self._called.set()

    def close(self, within_s: float | None = None) -> None:
        """Give every lease back, and end; waits for that as long as for one answer, or so long."""
        self.closed = True
        self._called.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._gateway.timeout_s + 1 if within_s is None else within_s)

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._gateway.close()

    def _work(self) -> None:
        held: dict[str, str] = {}
        sleep_s: float | None = 0.0
        while True:
            self._called.wait(LOOK_S if sleep_s is None else min(sleep_s, LOOK_S))
            self._called.clear()
            core = self._core()
            if core is None or self.closed:
                break
            sleep_s = self._round(core)
            with core.lock:
                held = {pool.project: pool.lease for pool in core.pools.values() if pool.lease}
            del core  # between two rounds it may go
        core = self._core()
        told: dict[str, list[dict[str, Any]]] = {}
        if core is not None:
            with core.lock:
                for pool in core.pools.values():
                    held[pool.project] = pool.lease
                    while used := pool.tells():  # what it may not have heard, and what came since
                        told.setdefault(pool.project, []).append({"manager": core.name, **used})
                        pool.heard()
                    pool.void()
        for project, lease in held.items():
            try:
                for used in told.get(project, ()):
                    self._gateway.ask("POST", lease, project, used)
                if lease:
                    self._gateway.ask("DELETE", lease, project, {})
            except Away:
                break

    def _round(self, core: "LeasedCore") -> float | None:
        """Ask all that is due; the seconds until more is due, None where a request has to come."""
        core.bury()
        with core.lock:
            core.look_after()
            pools = list(core.pools.values())
        for pool in pools:
            with core.lock:
                what, asked = self._due(core, pool)
                lease, sent_ns = pool.lease, core.clock.monotonic_ns()
            if not what:
                continue
            try:
                method = "DELETE" if what == "back" else "POST"
                answer = self._gateway.ask(method, lease, pool.project, asked)
                lives = what != "back" and answer.status == 200
                granted = granted_of(answer) if lives else None
            except Away as away:
                self._is_away(core, pool, str(away))
                continue
            with core.lock:
                if core.away_since_us is not None:
                    LOG.warning("the gateway at %s answers again", core.address)
                self._tries, core.away_since_us, core.away = 0, None, ""
                self._told(core, pool, what, answer, granted, sent_ns)
                core.wake(pool)
        with core.lock:
            now_ns, nexts = core.clock.monotonic_ns(), []
            for pool in core.pools.values():
                line = core.lines(pool)
                lacking = bool(pool.lacks(line, now_ns)[0])
                next_ns = pool.next_ns(now_ns, waiting=bool(line), lacking=lacking)
                if next_ns is not None:
                    nexts.append(next_ns)
        return max(_GATHER_S, (min(nexts) - now_ns) / NS) if nexts else None

    def _due(self, core: "LeasedCore", pool: Pool) -> tuple[str, dict[str, Any]]:
        now_ns = core.clock.monotonic_ns()
        if pool.expired(now_ns):
            pool.void()
        line = core.lines(pool)
        more, least = pool.lacks(line, now_ns)
        what = pool.due(now_ns, waiting=bool(line), lacking=bool(more))
        asked: dict[str, Any] = {"manager": core.name, "waiting": core.who_waits(pool)}
        if what:
            pool.told_waiting = bool(asked["waiting"])
        if what in ("lease", "renew"):
            asked |= pool.tells()
        if what == "lease":
            asked |= {"more": more or {"requests": 1}, "least": least}
        elif what == "renew":
            # What admitted calls were to draw and never did is nobody's: it goes back.
            asked |= {"keep": pool.kept(), "more": more, "least": least}
        return what, asked

    def _told(
        self,
        core: "LeasedCore",
        pool: Pool,
        what: str,
        answer: Answer,
        granted: Granted | None,
        sent_ns: int,
    ) -> None:
        now_ns = core.clock.monotonic_ns()
        if what != "back" and answer.hears_used:
            pool.heard()
        if granted is not None:
            pool.given(granted, sent_ns, now_ns)
        elif what == "back" or answer.status == 404:
            pool.void()
        elif answer.status == 429:
            pool.binding = answer.limit or pool.binding
            pool.lacking(answer.wait_ms, now_ns)
        else:
            pool.void()
            is_paused = answer.code.endswith("_paused")
            pool.paused, pool.refusal = (answer.message, "") if is_paused else ("", answer.message)
            pool.wait(PAUSED_MS if pool.paused else REFUSED_MS, now_ns)

    def _is_away(self, core: "LeasedCore", pool: Pool, why: str) -> None:
        self._tries += 1
        with core.lock:
            if core.away_since_us is None:
                core.away_since_us = core.clock.wall_us()
                LOG.warning(_AWAY, core.address, why)
            core.away = _AWAY % (core.address, why)
            pool.wait(int(AGAIN.wait_s(self._tries) * 1_000), core.clock.monotonic_ns())


def _at_exit() -> None:
    """Give back what a program that ends has leased, where its gateways answer at once."""
    for agent in tuple(_AT_WORK):
        agent.close(AT_EXIT_S)


atexit.register(_at_exit)
