"""The ledger's newest calls told to the states at a start, as if this process had been there.

Without it a gateway that comes back would call a project ok whose last three calls have failed.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry
from quotadeck.domain.evidence import HOUR_MS
from quotadeck.domain.rules import bucket_of
from quotadeck.domain.subject import Subject
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.watch.states import States, subjects_of

CALLS: Final = 5_000
"""How many are read: the last minutes of a busy gateway, the last hour of a calm one."""
_MOST_REFUSALS: Final = 1_000
"""Of one counted record; more would say no more."""


def recall(
    states: States,
    calls: Iterable[Call],
    entries: Iterable[Entry],
    plan: Plan,
    *,
    now_ns: int,
    now_us: int,
) -> None:
    """Tell what was decided and ended in the last hour, but not what a later change made history.

    ``calls`` may come in any order; ``entries`` are the applied commands.
    """
    changed_us = _changes(entries, now_us)
    events: list[tuple[int, bool, Call]] = []
    for call in calls:
        known = call.project in plan.projects and now_us - call.at_us < HOUR_MS * 1_000
        if not known:
            continue
        events.append((call.at_us, False, call))
        if call.outcome is not Outcome.REFUSED:
            events.append((call.at_us + call.total_ms * 1_000, True, call))
    for at_us, ended, call in sorted(events, key=lambda event: event[:2]):
        at_ns = now_ns - max(0, now_us - at_us) * 1_000
        subjects = subjects_of(call.project, call.target, call.model)
        if ended:
            states.ended(at_ns, call, subjects)
        elif call.outcome is not Outcome.REFUSED:
            states.admitted(at_ns, subjects)
        else:
            gate = _gate_of(call, plan)
            # A record of many stands for a second of them, of which it has the first instant.
            if at_us > changed_us.get(gate, 0):
                for _ in range(min(call.count, _MOST_REFUSALS)):
                    states.refused(at_ns, subjects[0], call.cause, gate)


def _gate_of(call: Call, plan: Plan) -> Subject:
    if call.binding:
        return bucket_of(call.binding)[0]
    route = plan.routes.get(call.model)
    if call.cause is Cause.PAUSED and route is not None and route.paused:
        return Subject.model(call.model)
    if call.cause is Cause.KEY_REVOKED:
        return Subject.key(call.key_id)
    return Subject.project(call.project)


def _changes(entries: Iterable[Entry], now_us: int) -> Mapping[Subject, int]:
    """When each subject was last changed, by a command or by its end."""
    changed: dict[Subject, int] = {}
    for entry in entries:
        ended = entry.until_us is not None and entry.until_us <= now_us
        at_us = entry.until_us if ended and entry.until_us is not None else entry.at_us
        changed[entry.subject] = max(at_us, changed.get(entry.subject, 0))
    return changed
