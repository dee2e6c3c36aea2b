"""The state behind a manager whose limits are a gateway's: it admits what is left of its leases.

The limits of this process, such as a provider's or a run's, bind beside them as in any manager.
"""

import os
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, NoReturn

from quotadeck.client.availability import Availability, Room, rooms_of
from quotadeck.client.core import Core
from quotadeck.client.errors import BudgetSpent, GatewayRefused, PriceUnknown, QuotaError
from quotadeck.client.leased.agent import Agent
from quotadeck.client.leased.answer import FIELDS, KINDS
from quotadeck.client.leased.gateway_client import GatewayClient
from quotadeck.client.leased.pool import NS, TOLD_NS, Needs, Pool
from quotadeck.client.prices import Prices
from quotadeck.client.quotas import Asked, Estimate, Quota, estimate_of
from quotadeck.client.reservation import Charge
from quotadeck.client.want import Bound, Project, Want
from quotadeck.domain.clock import Clock
from quotadeck.domain.gate import Gate
from quotadeck.domain.limits import MICRO, BudgetLimit, Priority, RateLimit, Take
from quotadeck.domain.rules import bucket_key, bucket_of
from quotadeck.domain.subject import Subject
from quotadeck.limiter import Admitted, Refused, TurnName

MOST_ASKED_FOR: Final = 1_024
"""How many of a line are asked for in one question."""
MOST_TOLD: Final = 16
"""How many rows of who waits the gateway takes at most."""
_WORDS: Final = {"rpm": "requests", "tpm": "tokens", "budget": "money"}
_NO_LIMIT: Final = Quota()


class LeasedCore(Core):
    """See `Core`. Its pools, one a project, are touched only under the lock."""

    def __init__(
        self,
        gateway: str,
        key: str,
        *,
        prices: Prices,
        clock: Clock,
        lifetime_s: float,
        windows: tuple[int, int],
        zone: str,
        name: str = "",
    ) -> None:
        super().__init__(
            _NO_LIMIT, windows=windows, zone=zone, prices=prices, clock=clock, lifetime_s=lifetime_s
        )
        self.name = name or f"{socket.gethostname()}:{os.getpid()}-{secrets.token_hex(2)}"
        """The name under which the gateway's operators see this manager."""
        self.process = secrets.token_hex(8)
        """By which the gateway knows it again: several may be given one name."""
        client = GatewayClient(gateway, key)
        self.address = gateway
        self._origin, self._under = client.origin, f"{client.under}/v1/"
        self.agent = Agent(self, client, self._endings)
        self.pools = self.agent.pools

    def close(self) -> None:
        """Give back what is leased. Nothing is admitted afterwards, and nobody waits any more."""
        self.agent.close()
        with self.lock:
            self.wake_heads()

    def _new_project(self, name: str) -> Project:
        if not name.isascii() or not name.isprintable():
            raise ValueError(f"a gateway's projects have names of visible ASCII, unlike {name!r}")
        self.pools[name] = Pool(name, self.clock.monotonic_ns())
        # What is counted in this process has another name than the gateway's buckets.
        return Project(name, self.terms(f"here:{name}", _NO_LIMIT))

    def set_quota(self, name: str, change: Callable[[Quota], Quota]) -> NoReturn:  # noqa: ARG002
        raise QuotaError(
            "this manager's limits are the gateway's: its operators set them, "
            f"as in: quotadeck limit {name} rpm 40 --for 1h",
            name,
        )

    def want(
        self,
        name: str,
        asked: Asked,
        priority: Priority | None = None,
        timeout_s: float | None = None,
        beyond: tuple[Bound, ...] = (),
    ) -> Want:
        """As in any manager; without a price no money is held here, for the gateway has prices.
        Raises PriceUnknown where a run's own budget binds, of which the gateway knows nothing."""
        estimate = estimate_of(asked)
        if estimate.cost_nano is None:
            known = self.prices.most_nano(
                estimate.model, estimate.input_tokens, estimate.output_tokens
            )
            if known is None and any(bound.has_budget for bound in beyond):
                raise PriceUnknown(name, estimate.model)
            estimate = estimate._replace(cost_nano=known or 0)
        return super().want(name, estimate, priority, timeout_s, beyond)

    def headers(self, want: Want, name: str) -> dict[str, str]:
        """The headers by which this reservation's call draws on the lease.

        Its project; and the lease, with what the call may draw of it, unless that is over.
        """
        pool = self.pools[want.project.name]
        with self.lock:
            took, lease = pool.taken.get(name), pool.lease
            if took is not None:
                pool.named.add(name)
            over = pool.expired(self.clock.monotonic_ns())
        head = {"X-Project-Id": want.project.name}
        if took and lease and not over:
            parts = "".join([f";{field}={amount}" for field, amount in took.items()])
            head["X-Quota-Lease"] = f"{lease}{parts}"
        return head

    def is_at(self, scheme: str, host: str, port: int | None, path: str) -> bool:
        origin = scheme, host, port or (443 if scheme == "https" else 80)
        return origin == self._origin and path.startswith(self._under)

    def counted(self, want: Want, name: str, *, there: bool) -> None:
        pool = self.pools[want.project.name]
        with self.lock:
            if not there:
                pool.named.discard(name)
            elif name in pool.taken:
                pool.named.add(name)

    def lease_over(self, project: str, lease: str) -> None:
        pool = self.pools[project]
        with self.lock:
            if pool.lease == lease:  # others have been told so, too, and there may be a new one
                pool.over()
                self.agent.wake(pool)

    def rooms_elsewhere(self, project: Project) -> tuple[Room, ...]:
        want = Want(project, Estimate(), 0, Priority.MEDIUM, None, ())
        return rooms_of(*self._known_rooms(self.pools[project.name], want, requests=0))

    def trouble(self, project: Project) -> str:
        return self.away or self.pools[project.name].paused

    def check(
        self, name: str, estimate: Estimate, priority: Priority | None, beyond: tuple[Bound, ...]
    ) -> Availability:
        """What is leased here, what the gateway told last is left beside it, and what the limits of
        this process leave, such as a run's; it takes nothing."""
        want = self.want(name, estimate, priority, None, beyond)
        pool = self.pools[name]
        self.bury()
        with self.lock:
            self.look_after()
            now_ns = self.clock.monotonic_ns()
            self._must_serve(pool, now_ns)
            takes, levels = self._known_rooms(pool, want)
            own_takes = want.takes()
            own = self._known(lambda: self.limiter.look(own_takes, want.priority))
            takes += own_takes
            levels += _before(own, own_takes)
            field = pool.short(_needs(want), now_ns)
            if field:
                self.agent.wake(pool)
            answer: Admitted | Refused
            if isinstance(own, Refused):
                answer = replace(own, levels=levels)
            elif field:
                answer = self._short(pool, want, field, levels)
            else:
                left = tuple(level - take.amount for level, take in zip(levels, takes, strict=True))
                answer = Admitted("", left)
            waiting = len(want.project.line)
        return Availability(answer, takes, waiting, self.away_since_us)

    def look_after(self) -> None:
        super().look_after()
        now_ns = self.clock.monotonic_ns()
        for pool in self.pools.values():
            if pool.expired(now_ns):
                pool.void()

    def lines(self, pool: Pool) -> list[Needs]:
        """What the waiting requests need, the first in line first."""
        line = self.projects[pool.project].line
        return [_needs(waiter.wants) for waiter in islice(line, MOST_ASKED_FOR)]

    def who_waits(self, pool: Pool) -> list[dict[str, Any]]:
        """What the gateway's operators are told: how many wait, for which model and limit, in which
        class, and for how long the first of them has."""
        now_s = self.clock.monotonic_ns() / NS
        counts: Counter[tuple[str, str, str]] = Counter()
        longest: dict[tuple[str, str, str], float] = {}
        head_binding = ""
        for waiter in islice(self.projects[pool.project].line, MOST_ASKED_FOR):
            head_binding = head_binding or waiter.binding
            _, kind = bucket_of(waiter.binding or head_binding)
            want = waiter.wants
            whose = (
                want.estimate.model or pool.project,
                _WORDS.get(kind, kind),
                want.priority.word,
            )
            counts[whose] += 1
            longest[whose] = max(longest.get(whose, 0.0), now_s - waiter.since_s)
        return [
            {
                "who": whose[0][:80],
                "limit": whose[1][:80],
                "priority": whose[2],
                "count": count,
                "longest_ms": int(longest[whose] * 1_000),
            }
            for whose, count in counts.most_common(MOST_TOLD)
        ]

    def wake(self, pool: Pool) -> None:
        """Let the head of the project's line ask again: there may be enough for it now."""
        head = self.projects[pool.project].line.head
        if head is not None:
            head.wake()

    def _ask(
        self, name: str, want: Want, takes: list[Take], turn: TurnName | None = None
    ) -> Admitted | Refused:
        pool, needs = self.pools[want.project.name], _needs(want)
        now_ns = self.clock.monotonic_ns()
        field = pool.short(needs, now_ns) or pool.unsure(needs, now_ns)
        self._must_wait(pool, want, now_ns)
        if field:
            self.agent.wake(pool)
            _, levels = self._known_rooms(pool, want)
            return self._short(pool, want, field, levels)
        answer = super()._ask(name, want, takes, turn)
        if isinstance(answer, Admitted):
            pool.take(name, needs, now_ns)
            if pool.runs_low():
                self.agent.wake(pool)
        return answer

    def _must_wait(self, pool: Pool, want: Want, now_ns: int) -> None:
        """Raises where no wait helps: what `_must_serve` does, or BudgetSpent."""
        self._must_serve(pool, now_ns)
        money, told_ns = pool.limits.get("nano_usd"), pool.told_ns
        if money is None or told_ns is None or now_ns - told_ns > TOLD_NS:
            return
        assert isinstance(money.limit, BudgetLimit)
        here = pool.left["nano_usd"] or 0
        left = money.left + here
        # What is held for calls under way, and by others, may come back.
        if want.cost_nano > left + max(0, money.held - here):
            wait_s = (money.limit.ends_at_us - self.clock.wall_us()) / 1_000_000
            if want.timeout_s is None or want.timeout_s < wait_s:
                bucket = _bucket(pool, "nano_usd")
                raise BudgetSpent(pool.project, bucket, left, want.cost_nano, wait_s)

    def _must_serve(self, pool: Pool, now_ns: int) -> None:
        """Raises where this manager is closed, or the gateway has just refused its key; a while
        later it is asked anew."""
        if self.agent.closed:
            raise QuotaError("this quota manager was closed: make a new one", pool.project)
        if pool.refusal and now_ns < pool.not_before_ns:
            raise GatewayRefused(pool.refusal, pool.project)

    def _short(self, pool: Pool, want: Want, field: str, levels: tuple[int, ...]) -> Refused:
        """The refusal of a request for which too little is leased, with the gateway's own wait."""
        binding = pool.binding or _bucket(pool, field)
        now_ns = self.clock.monotonic_ns()
        # Where it has told no instant, it is asked again soon: no wait for a limit.
        left_ns = pool.there_ns - now_ns
        wait_ms = -(-left_ns // 1_000_000) if left_ns > 0 else None
        if self.away_since_us is not None or pool.paused:
            wait_ms = None
        needs: dict[str, int] = dict(zip(KINDS.values(), _needs(want), strict=True))
        asked = needs.get(bucket_of(binding)[1])
        gate = Gate(binding, 0, asked or 1, pool.left[field] or 0)
        return Refused(binding, wait_ms, (gate,), levels)

    def _known_rooms(
        self, pool: Pool, want: Want, requests: int = 1
    ) -> tuple[list[Take], tuple[int, ...]]:
        """The takes of a request at the project's limits, as the gateway told them last, and what
        is left of each: not leased to anybody, or leased to us."""
        takes, levels = [], []
        needs = _needs(want)._replace(requests=requests)
        for field, amount in zip(FIELDS, needs, strict=True):
            known, here = pool.limits.get(field), pool.left[field]
            if known is not None and here is not None:
                scale = MICRO if isinstance(known.limit, RateLimit) else 1
                takes.append(Take(_bucket(pool, field), amount * scale, known.limit))
                # What was used of a lease may have been refilled there since.
                levels.append(min(known.limit.amount, known.left + here) * scale)
        return takes, tuple(levels)

    def ended(self, want: Want, name: str, charge: Charge | None) -> None:
        super().ended(want, name, charge)
        self.agent.call()

    def _over(self, want: Want, name: str, charge: Charge | None) -> None:
        pool = self.pools[want.project.name]
        if charge is not None and pool.settled(name, want.estimate.model, charge):
            self.agent.wake(pool)
        elif charge is None:
            pool.ended(name, back=True)
            self.wake(pool)
        super()._over(want, name, charge)


def _bucket(pool: Pool, field: str) -> str:
    return bucket_key(Subject.project(pool.project), KINDS[field])


def _needs(want: Want) -> Needs:
    return Needs(1, want.estimate.tokens, want.cost_nano)


def _before(answer: Admitted | Refused, takes: Sequence[Take]) -> tuple[int, ...]:
    """The levels that an answer tells, without what it would take."""
    if isinstance(answer, Refused):
        return answer.levels
    return tuple(level + take.amount for level, take in zip(answer.levels, takes, strict=True))
