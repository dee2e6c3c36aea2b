"""States on record: what of them was entered and left, so that any past instant can be told.

At a start the states that were never left are taken up again: *since* survives a restart, and what
no longer holds is left then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.clock import Clock
from quotadeck.domain.history import StateSpan
from quotadeck.domain.state import Held, State, StateKind, Urgency
from quotadeck.domain.state_change import state_of
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.store import Ledger

OnChange = Callable[[Subject, State, State], None]

GATEWAY: Final = Subject(SubjectKind.GATEWAY, "")
"""Whose state it is that the gateway itself cannot serve."""


def unrecorded(_subject: Subject, _before: State, _after: State) -> None:
    """For who keeps no record of states."""


class StateLog:
    """`changed` is told each state that became another."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def changed(self, subject: Subject, before: State, after: State) -> None:
        """Record what is new and what is over. What cannot be written is missing there."""
        was, now = dict(_holding(before)), dict(_holding(after))
        if was.keys() == now.keys():
            return
        at_us = self._clock.wall_us()
        with suppress(OSError):
            for kind, cause in was.keys() - now.keys():
                self._record(at_us, subject, was[kind, cause], entered=False)
            for kind, cause in now.keys() - was.keys():
                self._record(at_us, subject, now[kind, cause], entered=True)

    def going_on(self, spans: Sequence[StateSpan], catalogue: Catalogue) -> list[StateSpan]:
        """Those of the last process that may still hold; the others are left now.

        A subject that is gone from the file, or a kind that only a newer version knows, is never
        judged here, so nobody else would ever say that it was left.
        """
        gone = [span for span in spans if not _is_judged(span, catalogue)]
        at_us = self._clock.wall_us()
        with suppress(OSError):
            for span in gone:
                self._ledger.state(
                    at_us, span.subject, span.kind, span.cause, entered=False, facts={}
                )
        return [span for span in spans if span not in gone]

    def _record(self, at_us: int, subject: Subject, held: Held, *, entered: bool) -> None:
        facts = {"urgency": held.urgency, "who": held.who, "count": held.count, "asked": held.asked}
        self._ledger.state(at_us, str(subject), held.kind, held.cause, entered=entered, facts=facts)


def _is_judged(span: StateSpan, catalogue: Catalogue) -> bool:
    subject = Subject.parse(span.subject)
    there = subject == GATEWAY or subject.name in catalogue.names(subject.kind)
    return there and span.kind in set(StateKind)


def _holding(state: State) -> Iterator[tuple[tuple[str, str], Held]]:
    for held in (state, *state.others):
        if held.kind is not StateKind.OK:
            yield (held.kind, held.cause), held


def resumed(spans: Iterable[StateSpan], now_ms: int, now_us: int) -> Mapping[Subject, State]:
    """The states that `StateLog.going_on` let go on, with their beginnings."""
    held: dict[Subject, list[Held]] = {}
    for span in spans:
        since_ms = now_ms - max(0, now_us - span.entered_us) // 1_000
        one = Held(
            StateKind(span.kind),
            _urgency(span.facts),
            span.cause,
            str(span.facts.get("who", "")),
            since_ms=since_ms,
        )
        held.setdefault(Subject.parse(span.subject), []).append(one)
    ordered = {subject: sorted(ones, key=lambda one: one.place) for subject, ones in held.items()}
    return {
        subject: state_of(worst, tuple(others)) for subject, (worst, *others) in ordered.items()
    }


def _urgency(facts: Mapping[str, Any]) -> Urgency:
    try:
        return Urgency(str(facts.get("urgency")))
    except ValueError:
        return Urgency.ATTENTION
