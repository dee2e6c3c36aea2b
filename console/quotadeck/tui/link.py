"""The link to the source: the newest reading, how old it is, and coming back when it is gone."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.snapshot import Snapshot, Whoami
from quotadeck.sources.base import Reading, Source, SourceError
from quotadeck.tui.present import Present
from quotadeck.words import say, text

if TYPE_CHECKING:
    from quotadeck.tui.time.travel import Travel

STALE_MS: Final = 3_000
BACKOFF_S: Final = (0.25, 0.5, 1.0)
"""Trying is cheap, and a gateway that came back is to be seen at once."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the screen is a function of: a reading, the present, and how the link is."""

    snapshot: Snapshot
    whoami: Whoami
    present: Present
    silent_ms: int
    """Since the last heartbeat; 0 while it is on time."""
    problem: str = ""
    """Why there is no connection; empty while there is one."""


class Link:
    """Follows a source for as long as the console runs; after the first reading it waits (`go_on`).

    ``on_reading`` is called for every reading that carried a change and when the link breaks.
    """

    def __init__(self, source: Source, clock: Clock, on_reading: Callable[[], None]) -> None:
        self._source = source
        self._clock = clock
        self._on_reading = on_reading
        self._reading: Reading | None = None
        self._anchor: tuple[int, int, int] = (0, 0, 0)
        self._heard_ns = clock.monotonic_ns()
        self._may_go_on = asyncio.Event()
        self.problem = ""
        self._travel: Travel | None = None

    @property
    def travel(self) -> "Travel":
        """Where in the past the console is; made when it first goes there."""
        if self._travel is None:
            from quotadeck.tui.time.travel import Travel

            self._travel = Travel(self._source, self._clock, self.present_us, self._on_reading)
        return self._travel

    @property
    def past(self) -> "Picture | None":
        """The picture of the past that is shown in the place of the present's."""
        return self._travel.shown if self._travel else None

    @property
    def past_us(self) -> int | None:
        """The instant of `past`."""
        return self.past.snapshot.at_us if self.past else None

    @property
    def away(self) -> bool:
        """Whether the past is shown, or on its way: then nothing can be done."""
        return self._travel is not None and self._travel.wanted_us is not None

    @property
    def travelled(self) -> bool:
        """Whether the past was looked at."""
        return self._travel is not None

    def present_us(self) -> int:
        """The present on the sender's wall clock, whatever is shown."""
        picture = self.live()
        return picture.present.now_us if picture else self._clock.wall_us()

    @property
    def answered(self) -> bool:
        """Whether there was a reading, or is a reason why there is none."""
        return self._reading is not None or bool(self.problem)

    def go_on(self) -> None:
        """Follow the source after its first reading, which is on the screen now."""
        self._source.load()
        self._may_go_on.set()

    async def follow(self) -> None:
        """Read the stream, and again after a pause whenever it ends; returns only by cancel."""
        tries = 0
        while True:
            try:
                async for reading in self._source.stream():
                    tries = 0
                    self._take(reading)
                    await self._may_go_on.wait()
                self.problem = text("source.ended", socket=self._source.label)
            except SourceError as problem:
                self.problem = say(problem.told)
            self._on_reading()
            await asyncio.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])
            tries += 1

    def _take(self, reading: Reading) -> None:
        news = reading.fresh or self._reading is None or bool(self.problem)
        snapshot = reading.snapshot
        # A heartbeat may bring the same snapshot again: its instant is no news, only its arrival.
        if self._reading is None or snapshot.now_ms != self._anchor[0] or reading.fresh:
            self._anchor = (snapshot.now_ms, snapshot.at_us, reading.received_ns)
        self._reading = reading
        self._heard_ns = self._clock.monotonic_ns()
        self.problem = ""
        if news:
            self._on_reading()

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot, however old."""
        return self._reading.snapshot if self._reading else None

    def newest(self) -> Snapshot:
        """As `snapshot`, for what opens only after a reading."""
        assert self._reading is not None, "there was no reading yet"
        return self._reading.snapshot

    def picture(self) -> Picture | None:
        """What the pages are a function of: the past that was asked for, else the present."""
        return self.past or self.live()

    def live(self) -> Picture | None:
        """The newest reading in the reader's present; None before the first.

        Time runs on only while heartbeats arrive: three seconds after the last one, or when the
        connection is lost, the present stops for the levels: no silent source drifts to green.
        """
        if self._reading is None:
            return None
        now_ns = self._clock.monotonic_ns()
        silent_ms = (now_ns - self._heard_ns) // 1_000_000
        live = silent_ms < STALE_MS and not self.problem
        now_ms, at_us, received_ns = self._anchor
        passed_ms = max(0, (now_ns - received_ns) // 1_000_000)
        levels_ms = min(passed_ms, (self._heard_ns - received_ns) // 1_000_000 + STALE_MS)
        vitals = self._reading.snapshot.vitals
        present = Present(
            now_ms + levels_ms,
            at_us + passed_ms * 1_000,
            live,
            counted_us=at_us - vitals.counting_since_us,
            counting_us=at_us - vitals.started_us,
        )
        return Picture(
            self._reading.snapshot,
            self._reading.whoami,
            present,
            silent_ms if silent_ms >= STALE_MS or self.problem else 0,
            self.problem,
        )

    def wall_us(self) -> int:
        """The machine's own wall clock, for the time before the first reading."""
        return self._clock.wall_us()

    def monotonic_ns(self) -> int:
        """The console's own clock, for what stands on the screen for a while."""
        return self._clock.monotonic_ns()

    async def close(self) -> None:
        with suppress(SourceError):
            await self._source.close()
