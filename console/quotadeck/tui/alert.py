"""Who looks elsewhere hears and sees of a new trouble: the terminal's bell, and its title."""

from dataclasses import dataclass
from typing import Final

from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.state import Urgency
from quotadeck.domain.subject import Subject
from quotadeck.words import text

AGAIN_MS: Final = 300_000
"""What was in trouble so lately is nothing new: a row at the edge of a limit rings once."""
APART_MS: Final = 30_000


@dataclass(slots=True)
class Alert:
    """What each reading has that is new, for bell and title; the first has nothing new."""

    troubled: tuple[str, ...] = ()
    """Whoever was in trouble in the last reading, by kind and name."""
    _seen_ms: dict[str, int] | None = None
    _rang_ms: int | None = None

    def rings(self, snapshot: Snapshot) -> bool:
        """Whether something is in trouble now that was not; once in half a minute at most."""
        now_ms, first = snapshot.now_ms, self._seen_ms is None
        seen = {
            name: at_ms
            for name, at_ms in (self._seen_ms or {}).items()
            if now_ms - at_ms < AGAIN_MS
        }
        self.troubled = troubled(snapshot)
        new = any(name not in seen for name in self.troubled)
        self._seen_ms = seen | dict.fromkeys(self.troubled, now_ms)
        lately = self._rang_ms is not None and now_ms - self._rang_ms < APART_MS
        if first or not new or lately:
            return False
        self._rang_ms = now_ms
        return True


def troubled(snapshot: Snapshot) -> tuple[str, ...]:
    """Whoever is in trouble, by kind and name."""
    trouble = Urgency.TROUBLE
    found = (
        *(
            str(Subject.project(row.id))
            for row in snapshot.projects
            if row.state.urgency is trouble
        ),
        *(str(Subject.target(row.id)) for row in snapshot.targets if row.state.urgency is trouble),
        *(str(Subject.model(row.id)) for row in snapshot.routes if row.state.urgency is trouble),
    )
    return (*found, "gateway") if snapshot.vitals.state.urgency is trouble else found


def title(count: int, gateway: str) -> str:
    """What the terminal's title says; empty, which leaves it alone, where nobody is in trouble."""
    return text("alert.title", count=count, gateway=gateway) if count else ""
