"""Refusals on record: the first of its kind in a second at once, the rest of a storm counted.

A client that retries in a storm is refused thousands of times a second; each refusal says the same,
so one record with a count says it too, and the journal stays small.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from quotadeck.dialects.openai.request import ChatRequest
from quotadeck.domain.calls import Call, Cause, Outcome
from quotadeck.domain.clock import Clock
from quotadeck.domain.days import day_at
from quotadeck.gateway.flight import Arrival
from quotadeck.gateway.keys import Caller
from quotadeck.gateway.plan import ProjectPlan
from quotadeck.store import Ledger

_Kind = tuple[str, str, str, str]
"""Project, model asked for, cause, binding bucket."""


class RefusalLog:
    """`flush` is called about once a second."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._second: dict[_Kind, Call | None] = {}
        self._more: Counter[_Kind] = Counter()

    def add(
        self,
        arrival: Arrival,
        caller: Caller,
        project: ProjectPlan,
        request: ChatRequest | None,
        cause: Cause,
        binding: str,
        status: Callable[[], int],
    ) -> None:
        """Record a refusal; ``request`` is None where it was not read, or names no model of ours.

        ``status`` is asked only for those that are written whole.
        """
        model = request.model if request else ""
        kind = (caller.project, model, str(cause), binding)
        if self._second.get(kind):
            self._more[kind] += 1
            return
        call = Call(
            id=arrival.id,
            at_us=arrival.at_us,
            day=day_at(arrival.at_us, project.project.zone).name,
            project=caller.project,
            key_id=caller.key_id,
            priority=int(project.project.priority),
            model=model,
            outcome=Outcome.REFUSED,
            cause=cause,
            http_status=status(),
            binding=binding,
            stream=request is not None and request.stream,
            retry=request.retry if request else 0,
            total_ms=(self._clock.monotonic_ns() - arrival.at_ns) // 1_000_000,
        )
        first = kind not in self._second
        self._second[kind] = None if first and self._wrote(call) else call

    def flush(self) -> None:
        """Write the counted rest of the past second; what cannot be written waits on."""
        waiting = {
            kind: replace(call, count=call.count + self._more[kind])
            for kind, call in self._second.items()
            if call
        }
        self._more.clear()
        self._second = {kind: call for kind, call in waiting.items() if not self._wrote(call)}

    def _wrote(self, call: Call) -> bool:
        try:
            self._ledger.end_call(call)
        except OSError:
            return False  # the refusal itself stands, and the vitals tell of the journal
        return True
