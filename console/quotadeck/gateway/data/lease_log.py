"""What becomes of leases, recorded as events: a few one by one, many together as one.

An application may make ten leases a second, and an event for each would fill the ledger. So of each
project the first of ten seconds are told one by one, and the rest of them as one event.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.lease import Amounts, LeaseEnd
from quotadeck.domain.notice import Fact, Notice, notice
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.lease import Lease
from quotadeck.store.events import gateway_event

TOLD_EACH: Final = 4
"""So many of a project in `APART_NS` are told by themselves."""
APART_NS: Final = 10_000_000_000
_BEGUN: Final = "begun"


class LeaseLog:
    """`second` is called every second."""

    def __init__(self, clock: Clock, tell: Callable[[Event], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._since_ns: dict[str, int] = {}
        self._told: Counter[str] = Counter()
        self._more: dict[str, Counter[str]] = {}

    def begun(self, lease: Lease, held: Amounts) -> None:
        """A lease was made."""
        if self._is_told(lease, _BEGUN):
            self._say(lease, notice("lease.begun", **_of(lease), **_facts(held)))

    def ended(self, lease: Lease, how: LeaseEnd, back: Amounts) -> None:
        """A lease has ended; ``back`` is what no call had drawn of it."""
        if self._is_told(lease, how.value):
            use = "lease.used" if lease.calls else "lease.unused"
            facts: dict[str, Fact] = {"use": use, "calls": lease.calls}
            told = notice(f"lease.{how}", **_of(lease), **_facts(back), **facts)
            self._say(lease, told)

    def second(self) -> None:
        """Tell what was only counted, when its ten seconds are over."""
        now_ns = self._clock.monotonic_ns()
        for project, since_ns in list(self._since_ns.items()):
            if now_ns - since_ns < APART_NS:
                continue
            if counted := self._more.pop(project, None):
                facts: dict[str, Fact] = {how.value: counted[how] or None for how in LeaseEnd}
                over_ms = (now_ns - since_ns) // 1_000_000
                told = notice(
                    "lease.more",
                    project=project,
                    over_ms=over_ms,
                    count=counted.total(),
                    begun=counted[_BEGUN] or None,
                    **facts,
                )
                self._event(project, told)
            del self._since_ns[project], self._told[project]

    def _is_told(self, lease: Lease, what: str) -> bool:
        """Whether it is told by itself; else it is counted."""
        project = lease.caller.project
        self._since_ns.setdefault(project, self._clock.monotonic_ns())
        self._told[project] += 1
        if self._told[project] <= TOLD_EACH:
            return True
        self._more.setdefault(project, Counter())[what] += 1
        return False

    def _say(self, lease: Lease, told: Notice) -> None:
        self._event(lease.caller.project, told)

    def _event(self, project: str, told: Notice) -> None:
        event = gateway_event(told, self._clock)
        self._tell(Event(event.id, event.at_us, str(Subject.project(project)), event.told))


def _of(lease: Lease) -> dict[str, Fact]:
    return {
        "project": lease.caller.project,
        "key": lease.caller.key_id,
        "id": lease.id,
        "manager": lease.manager or None,
    }


def _facts(held: Amounts) -> dict[str, Fact]:
    """What there is of each; what has no limit, or is nothing, is not told."""
    requests, tokens, nano_usd = held
    return {
        "requests": requests or None,
        "tokens": tokens or None,
        "held_nano": nano_usd or None,
    }
