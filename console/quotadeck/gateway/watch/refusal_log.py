"""Refusals on record: the first of its kind in a second at once, the rest of a storm counted.

A client that retries in a storm is refused thousands of times a second; each refusal says the same,
so one record with a count says it too, and the journal stays small.
"""

from typing import Final

from quotadeck.domain.calls import MAX_KEYS, Call, Counted, Outcome
from quotadeck.domain.clock import Clock
from quotadeck.domain.days import day_at
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.store import Ledger

_Kind = tuple[str, str, str, str]
"""Project, model asked for, cause, binding bucket."""

_STRANGER: Final = ("UTC", 0)
"""The zone of the day, and the priority, of whom we do not know."""


class RefusalLog:
    """`flush` is called about once a second."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._second: dict[_Kind, _Run | None] = {}

    def refused(self, it: RefusedRequest) -> None:
        """Record a refusal."""
        arrival, refusal, ask = it.arrival, it.refusal, it.ask
        project, key_id = it.project, it.caller.key_id if it.caller else ""
        gate = refusal.gates[0] if refusal.gates else None
        binding, asked = (gate.bucket, gate.asked) if gate else ("", 0)
        kind = (project, it.model, str(refusal.cause), binding)
        run = self._second.get(kind)
        if run:
            run.add(arrival.at_us, key_id, asked)
            return
        zone, priority = _STRANGER
        if project:
            of = it.plan.projects[project].project
            zone, priority = of.zone, int(of.priority)
        estimated_input, estimated_output = refusal.estimated_tokens
        call = Call(
            id=arrival.id,
            at_us=arrival.at_us,
            day=day_at(arrival.at_us, zone).name,
            project=project,
            key_id=key_id,
            priority=priority,
            model=it.model,
            outcome=Outcome.REFUSED,
            cause=refusal.cause,
            http_status=it.status,
            run_id=arrival.trace_id,
            client_request_id=arrival.client_request_id,
            estimated_input=estimated_input,
            estimated_output=estimated_output,
            held_nano_usd=refusal.most_nano,
            binding=binding,
            wait_ms=refusal.wait_ms,
            total_ms=(self._clock.monotonic_ns() - arrival.at_ns) // 1_000_000,
            stream=ask is not None and ask.stream,
            retry=ask.retry if ask else 0,
            gates=refusal.gates,
        )
        first = kind not in self._second
        self._second[kind] = None if first and self._wrote(call) else _Run(call, asked)

    def flush(self) -> None:
        """Write the counted rest of the past second; what cannot be written waits on."""
        waiting = {kind: run for kind, run in self._second.items() if run}
        self._second = {
            kind: run for kind, run in waiting.items() if not self._wrote(run.counted())
        }

    def _wrote(self, call: Call) -> bool:
        try:
            self._ledger.end_now(call)
        except OSError:
            return False  # the refusal itself stands, and the vitals tell of the journal
        return True


class _Run:
    """A run of refusals that is being counted, from the one on that its record is of."""

    __slots__ = ("_asked_most", "_asked_sum", "_call", "_count", "_first_us", "_keys", "_last_us")

    def __init__(self, call: Call, asked: int) -> None:
        self._call = call
        self._count = 1
        self._first_us = self._last_us = call.at_us
        self._keys = {call.key_id}
        self._asked_sum = self._asked_most = asked

    def add(self, at_us: int, key_id: str, asked: int) -> None:
        self._count += 1
        self._first_us = min(self._first_us, at_us)
        self._last_us = max(self._last_us, at_us)
        self._asked_sum += asked
        self._asked_most = max(self._asked_most, asked)
        if len(self._keys) < MAX_KEYS:
            self._keys.add(key_id)

    def counted(self) -> Call:
        """The record of what there is of it so far."""
        run = Counted(
            self._first_us, self._last_us, len(self._keys), self._asked_sum, self._asked_most
        )
        return self._call._replace(count=self._count, counted=run)
