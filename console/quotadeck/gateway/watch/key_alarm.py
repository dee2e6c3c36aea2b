"""Requests that come with a revoked key, or from nobody we know: noticed, and put on record.

Nothing that a stranger sends is kept here: they are counted by cause, revoked keys by their ids.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.cause import Cause
from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Fact, Notice
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.store.events import gateway_event

_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60 * _SECOND_NS
APART_NS: Final = 5 * _MINUTE_NS
"""So long after an event of a kind the next one says how many there were since."""
MANY: Final = 10
"""So many strangers of a kind within a minute are told; a scanner's odd request is not."""
_STRANGERS: Final = {
    Cause.UNKNOWN_KEY: "stranger.unknown_key",
    Cause.BAD_KEY: "stranger.bad_key",
    Cause.WRONG_PATH: "stranger.wrong_path",
}


@dataclass(slots=True)
class _Run:
    """Requests of one kind; ``count`` since the instant ``since_ns``, where it was told last."""

    since_ns: int
    count: int = 0
    told: bool = False


class KeyAlarm:
    """Each kind is told once, and then at most every five minutes for as long as it goes on."""

    def __init__(self, clock: Clock, tell: Callable[[Event], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._runs: dict[tuple[Cause, str, str], _Run] = {}
        """By cause, and for a revoked key by its id and project."""

    def refused(self, it: RefusedRequest) -> None:
        """Look at whom a refused request came from."""
        cause = it.refusal.cause
        whose: tuple[Cause, str, str]
        if cause is Cause.KEY_REVOKED and it.caller:
            whose, least = (cause, it.caller.key_id, it.caller.project), 1
        elif cause in _STRANGERS:
            whose, least = (cause, "", ""), MANY
        else:
            return
        run = self._runs.get(whose)
        if run is None:
            run = self._runs[whose] = _Run(self._clock.monotonic_ns())
        run.count += 1
        if not run.told and run.count >= least:
            self._say(whose, run)

    def second(self) -> None:
        """Tell what went on; forget what did not. To be called every second."""
        now_ns = self._clock.monotonic_ns()
        for whose, run in list(self._runs.items()):
            if now_ns - run.since_ns < (APART_NS if run.told else _MINUTE_NS):
                continue
            if run.told and run.count:
                self._say(whose, run)
            else:
                del self._runs[whose]

    def _say(self, whose: tuple[Cause, str, str], run: _Run) -> None:
        cause, key, project = whose
        now_ns = self._clock.monotonic_ns()
        over_ms = max(1, (now_ns - run.since_ns) // _SECOND_NS) * 1_000
        facts: Mapping[str, Fact] = {"count": run.count, "over_ms": over_ms}
        if cause is Cause.KEY_REVOKED:
            kind = "key.revoked_used_on" if run.told else "key.revoked_used"
            facts = {**facts, "key": key, "project": project}
        else:
            kind = _STRANGERS[cause]
        subject = str(Subject.project(project)) if project else ""
        run.since_ns, run.count, run.told = now_ns, 0, True
        event = gateway_event(Notice(kind, facts), self._clock)
        self._tell(Event(event.id, event.at_us, subject, event.told))
