"""What the gateway tells of itself, put into the log: events, states, calls that failed, refusals.

Each is an observer of what is told anyway; none may wait, or raise.
"""

import logging
from typing import Any, Final

from quotadeck.domain.calls import Call, OpenCall, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Event
from quotadeck.domain.state import Held, State, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.log.handler import ACCESS, log
from quotadeck.gateway.watch.state_log import OnChange

_MINUTE_NS: Final = 60_000_000_000
_TROUBLE: Final = ("upstream.", "stranger.", "key.", "budget.dry", "store.", "vital.", "offline.")
"""Kinds of events that somebody should look at; the others are told as what happened."""
_GRAVE: Final = frozenset({Cause.UNRECORDED, Cause.CROWDED, Cause.KEY_REVOKED})
"""Refusals that are more than a limit at its work."""
_FAILED: Final = {
    Outcome.UPSTREAM_ERROR: logging.WARNING,
    Outcome.UNKNOWN: logging.WARNING,
    Outcome.CLIENT_ERROR: logging.INFO,
}
_ACCESS: Final = logging.getLogger(ACCESS)


def event_told(event: Event) -> None:
    """An alarm, a change, or anything else that stands in the timeline."""
    kind = event.told.kind
    level = logging.WARNING if kind.startswith(_TROUBLE) else logging.INFO
    log(level, event.told, id=event.id, subject=event.subject)


def also_told(recorded: OnChange) -> OnChange:
    """Puts into the log, too, what began to hold of a subject, and what holds no longer."""

    def changed(subject: Subject, before: State, after: State) -> None:
        recorded(subject, before, after)
        _tell_states(subject, before, after)

    return changed


def _tell_states(subject: Subject, before: State, after: State) -> None:
    was, now = _holding(before), _holding(after)
    for key in now.keys() - was.keys():
        _tell_state("log.state", subject, now[key])
    for key in was.keys() - now.keys():
        _tell_state("log.state_over", subject, was[key])


def _holding(state: State) -> dict[tuple[str, str], Held]:
    return {
        (held.kind, held.cause): held
        for held in (state, *state.others)
        if held.kind is not StateKind.OK
    }


def _tell_state(kind: str, subject: Subject, held: Held) -> None:
    calm = held.urgency is Urgency.CALM or kind != "log.state"
    told = notice(
        kind,
        subject=str(subject) or "gateway",
        state=str(held.kind),
        cause=held.cause or None,
        who=held.who or None,
    )
    log(logging.INFO if calm else logging.WARNING, told, urgency=str(held.urgency))


class CallLines:
    """Calls that failed, each by its id; refusals by the minute; with ``access`` every call.

    Of a kind of refusal (its project and its cause) the first is told at once, the others of its
    minute by their number. `second` is called about once a second.
    """

    def __init__(self, clock: Clock, *, access: bool) -> None:
        self._clock = clock
        self._access = access
        self._minutes: dict[tuple[str, Cause], _Minute] = {}

    def moved(self, failed: Call, _now: OpenCall) -> None:
        """A call goes on elsewhere, because this attempt failed."""
        self._failed(failed)

    def ended(self, call: Call) -> None:
        """A call ended."""
        if call.outcome is not Outcome.OK:
            self._failed(call)
        if self._access:
            _ACCESS.info("", extra={"event": "access", "facts": _facts_of(call)})

    def _failed(self, call: Call) -> None:
        level = logging.ERROR if call.cause is Cause.INTERNAL else _FAILED.get(call.outcome)
        if level is None:
            return
        last = call.attempts[-1] if call.attempts else None
        told = notice(
            "log.call_failed",
            request_id=call.id,
            project=call.project,
            target=call.target,
            cause=str(call.cause),
            status=last.http_status if last and last.http_status else None,
        )
        log(
            level,
            told,
            outcome=str(call.outcome),
            model=call.model,
            key_id=call.key_id,
            upstream_request_id=last.request_id if last else "",
            client_request_id=call.client_request_id,
            total_ms=call.total_ms,
        )

    def refused(self, it: RefusedRequest) -> None:
        """We refused a request."""
        if self._access:
            _ACCESS.info("", extra={"event": "access", "facts": _facts_of_refused(it)})
        kind = it.project, it.refusal.cause
        minute = self._minutes.get(kind)
        if minute is not None:
            minute.more += 1
            return
        self._minutes[kind] = _Minute(self._clock.monotonic_ns())
        told = notice(
            "log.refused",
            project=it.project or None,
            cause=str(it.refusal.cause),
            status=it.status,
            request_id=it.arrival.id,
        )
        key_id = it.caller.key_id if it.caller else ""
        log(_grave(it.refusal.cause), told, model=it.model, key_id=key_id, count=1)

    def second(self) -> None:
        """Tell of the minutes that are over."""
        now_ns = self._clock.monotonic_ns()
        for kind, minute in list(self._minutes.items()):
            if now_ns - minute.since_ns < _MINUTE_NS:
                continue
            if not minute.more:
                del self._minutes[kind]  # the next one is told at once
                continue
            self._tell_more(kind, minute, now_ns)
            self._minutes[kind] = _Minute(now_ns)

    def close(self) -> None:
        """Tell of the minutes that are not."""
        now_ns = self._clock.monotonic_ns()
        for kind, minute in self._minutes.items():
            if minute.more:
                self._tell_more(kind, minute, now_ns)
        self._minutes.clear()

    def _tell_more(self, kind: tuple[str, Cause], minute: "_Minute", now_ns: int) -> None:
        project, cause = kind
        told = notice(
            "log.refused_more",
            project=project or None,
            cause=str(cause),
            count=minute.more,
            over_ms=(now_ns - minute.since_ns) // 1_000_000,
        )
        log(_grave(cause), told)


class _Minute:
    """Of one kind of refusal: since when, and how many more there were than the one told."""

    __slots__ = ("more", "since_ns")

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.more = 0


def _grave(cause: Cause) -> int:
    return logging.WARNING if cause in _GRAVE else logging.INFO


def _facts_of(call: Call) -> dict[str, Any]:
    usage = call.usage
    return {
        "request_id": call.id,
        "client_request_id": call.client_request_id,
        "project": call.project,
        "key_id": call.key_id,
        "model": call.model,
        "target": call.target,
        "status": call.http_status,
        "outcome": str(call.outcome),
        "cause": str(call.cause),
        "stream": call.stream,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_nano_usd": call.cost_nano_usd,
        "first_byte_ms": call.first_byte_ms,
        "total_ms": call.total_ms,
    }


def _facts_of_refused(it: RefusedRequest) -> dict[str, Any]:
    return {
        "request_id": it.arrival.id,
        "client_request_id": it.arrival.client_request_id,
        "project": it.project,
        "key_id": it.caller.key_id if it.caller else "",
        "model": it.model,
        "status": it.status,
        "outcome": str(Outcome.REFUSED),
        "cause": str(it.refusal.cause),
    }
