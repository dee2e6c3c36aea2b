"""A night by a clock in our hand: the real admission, judgement and picture, second by second.

What is asked goes through the real limiter under the real plan; what came of it is also written
down as the ledger would, and every second's frame is held to that.
"""

from typing import Any, Final

from quotadeck.domain.calls import Call, Counted, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry, Field
from quotadeck.domain.refusals import LimitReached, Refusal, gate_of
from quotadeck.domain.snapshot import ProjectRow, Snapshot
from quotadeck.domain.state import State
from quotadeck.domain.subject import Subject
from quotadeck.sim import SCENES
from quotadeck.words.states import Words, words_of
from tests.gateway.picture import ANALYTICS, Picture
from tests.gateway.values import call, catalogue, entry
from tests.truth.played import Played

OPUS: Final = Subject.model("opus")
FAILED: Final[dict[str, Any]] = {"outcome": Outcome.UPSTREAM_ERROR, "cause": Cause.UPSTREAM_5XX}


class Night:
    """Of project analytics and model opus; ``limits`` are the project's."""

    def __init__(self, **limits: Any) -> None:
        self.it = Picture(catalogue(**limits))
        self.frames: list[Snapshot] = []
        self.calls: list[Call] = []
        self.changes_us: list[int] = []
        self._entries: list[Entry] = []

    @property
    def now_us(self) -> int:
        return self.it.clock.wall_us()

    async def ask(self, times: int = 1, **how: Any) -> None:
        """So many requests at once, that end as ``how`` says."""
        for _ in range(times):
            project, route = self.it.plan.projects["analytics"], self.it.plan.routes["opus"]
            if project.paused or route.paused:
                self._refused(Cause.PAUSED, ANALYTICS if project.paused else OPUS, "")
                continue
            try:
                flight = await self.it.begin()
            except Refusal as refusal:
                gate = gate_of(refusal, "analytics")
                wait_ms = (refusal.wait_ms or 0) if isinstance(refusal, LimitReached) else 0
                bucket = f"{gate}:{refusal.cause}"
                self._refused(refusal.cause, gate, bucket, wait_ms)
                continue
            told = {"at_us": self.now_us, "total_ms": 0, **how}
            self.calls.append(await self.it.end(flight, **told))

    def refuse_large(self) -> None:
        """A request comes whose dearest outcome the day's money does not cover."""
        self._refused(Cause.BUDGET, ANALYTICS, f"{ANALYTICS}:budget")

    def _refused(self, cause: Cause, gate: Subject, bucket: str, wait_ms: int = 0) -> None:
        # Money is never held here: each request ends at once.
        self.it.live.refused("analytics", "opus", cause, gate, wait_ms)
        refused = call(
            id=f"req_r{len(self.calls)}", at_us=self.now_us, outcome=Outcome.REFUSED, cause=cause,
            http_status=429, binding=bucket, target="", cost_nano_usd=0, total_ms=0,
            counted=Counted(self.now_us, self.now_us, 1, 0, 0),
        )  # fmt: skip
        self.calls.append(refused)

    def change(self, subject: Subject, field: Field, value: Any, **more: Any) -> None:
        """An operator's command, in force from now on."""
        self._entries.append(
            entry(len(self._entries) + 1, subject, field, value, at_us=self.now_us, **more)
        )
        self.it.command(*self._entries)
        self._changed(subject)

    def undo(self, subject: Subject) -> None:
        """The last command is taken back."""
        self._entries.pop()
        self.it.command(*self._entries)
        self._changed(subject)

    def _changed(self, subject: Subject) -> None:
        self.it.live.changed([subject])
        self.changes_us.append(self.now_us)

    async def second(self, seconds: int = 1, *, asks: int = 0, **how: Any) -> State:
        """Let time pass, in which every second so many ask; what is said at its end."""
        for _ in range(seconds):
            await self.ask(asks, **how)
            self.it.clock.advance_ms(1_000)
            self.frames.append(await self.it.live.snapshot())
        return self.row.state

    @property
    def row(self) -> ProjectRow:
        """What the last frame says of the project."""
        return next(row for row in self.frames[-1].projects if row.id == "analytics")

    @property
    def words(self) -> Words:
        """As the screen has them."""
        last = self.frames[-1]
        return words_of(self.row.state, last.now_ms, last.at_us)

    def contradictions(self) -> list[str]:
        """All that any frame said and the ledger contradicts."""
        played = Played(SCENES["mix"], self.frames, self.calls, {}, self.changes_us)
        return played.contradictions()
