"""Where in the past the console is: what was asked for, and what came.

The link goes on meanwhile, and every page draws what `Travel.shown` has in its place. One question
is under way at a time, and the next one is the newest: a key that is held asks for no more than
the gateway can answer.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import suppress
from datetime import tzinfo
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.snapshot import Gap, Past
from quotadeck.sources.base import Reading, Source, SourceError
from quotadeck.tui.link import Picture
from quotadeck.tui.present import Present
from quotadeck.words import say, text
from quotadeck.words.times import day_time

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
STEPS: Final = ((0, MINUTE_US), (8, 5 * MINUTE_US), (16, 30 * MINUTE_US))
"""A step's length after so many of one direction without a rest."""
REST_NS: Final = 1_500_000_000
SPEEDS: Final = (0, 1, 10)
"""Played: not at all, as time passed, ten times as fast."""
BEHIND_ALARM_US: Final = 2 * SECOND_US
"""So long after its beginning an alarm is looked at: it is judged once a second."""
REACHES: Final = (24 * 3_600 * SECOND_US, 90 * 24 * 3_600 * SECOND_US)
"""How far alarms are looked for, the near ones first."""
_AGAIN_S: Final = 1.0


class Travel:
    """``news`` is called when there is something else to draw; `run` is its task."""

    def __init__(
        self, source: Source, clock: Clock, present_us: Callable[[], int], news: Callable[[], None]
    ) -> None:
        self._source = source
        self._clock = clock
        self._present_us = present_us
        self._news = news
        self._called = asyncio.Event()
        self.shown: Picture | None = None
        self.wanted_us: int | None = None
        """Where it is, or is on its way to; None in the present."""
        self.speed = 0
        self.problem = ""
        """Why the last answer did not come."""
        self.running = False
        self._steps = (0, 0, 0)
        """Direction, how many, and when the last one was."""

    # -- where to --------------------------------------------------------------------------------

    def step(self, direction: int) -> None:
        """A minute on (1) or back (-1); more where the key is held."""
        now_ns = self._clock.monotonic_ns()
        before, count, last_ns = self._steps
        count = count + 1 if before == direction and now_ns - last_ns < REST_NS else 0
        self._steps = (direction, count, now_ns)
        length_us = next(us for least, us in reversed(STEPS) if count >= least)
        self.speed = 0
        self.to(self.here_us + direction * length_us)

    def to(self, at_us: int) -> None:
        """To an instant; one that is to come is the present."""
        if at_us >= self._present_us():
            self.now()
            return
        self.wanted_us = at_us
        self._called.set()
        self._news()

    def now(self) -> None:
        """Back to the present."""
        self.shown, self.wanted_us, self.speed, self.problem = None, None, 0, ""
        self._called.set()
        self._news()

    def play(self) -> None:
        """Faster, and after the fastest not at all."""
        self.speed = SPEEDS[(SPEEDS.index(self.speed) + 1) % len(SPEEDS)]
        self._called.set()
        self._news()

    @property
    def here_us(self) -> int:
        """The instant that steps are counted from."""
        return self._present_us() if self.wanted_us is None else self.wanted_us

    async def to_alarm(self, direction: int) -> bool:
        """To the alarm after (1) or before (-1); False where there is none. Raises SourceError."""
        here_us = self.here_us
        for reach_us in REACHES:
            if direction < 0:
                page = await self._source.alarms(here_us - reach_us, here_us)
            else:
                page = await self._source.alarms(here_us, min(here_us + reach_us, 1 << 52))
            looks = sorted({alarm.began_us + BEHIND_ALARM_US for alarm in page.rows})
            at = bisect_left(looks, here_us) - 1 if direction < 0 else bisect_right(looks, here_us)
            if 0 <= at < len(looks) and looks[at] < self._present_us():
                self.speed = 0
                self.to(looks[at])
                return True
        return False

    # -- its task --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Ask for what is wanted, again and again; ends by cancel alone."""
        self.running = True
        began_ns = self._clock.monotonic_ns()
        asked_us: int | None = None
        while True:
            if self.wanted_us is None or (self.wanted_us == asked_us and not self.speed):
                asked_us = self.wanted_us
                await self._called.wait()
                began_ns = self._clock.monotonic_ns()
            elif self.speed and self.wanted_us == asked_us:
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, 1 - self._passed_s(began_ns))):
                        await self._called.wait()
                if not self._called.is_set():
                    passed_us = round(self._passed_s(began_ns) * SECOND_US)
                    began_ns = self._clock.monotonic_ns()
                    self.to(self.wanted_us + passed_us * self.speed)
            self._called.clear()
            wanted_us = self.wanted_us
            if wanted_us is not None and wanted_us != asked_us:
                asked_us = wanted_us
                await self._ask(wanted_us)

    def _passed_s(self, since_ns: int) -> float:
        return (self._clock.monotonic_ns() - since_ns) / 1e9

    async def _ask(self, at_us: int) -> None:
        try:
            reading = await self._source.as_of(at_us)
        except SourceError as problem:
            if problem.told.facts.get("why") == "admin.over_share":
                await asyncio.sleep(_AGAIN_S)
                if self.wanted_us == at_us:
                    await self._ask(at_us)
                return
            self.problem, self.speed = say(problem.told), 0
        else:
            if self.wanted_us is None:
                return  # back in the present meanwhile
            self.problem = ""
            self.shown = _picture(reading)
        self._news()


def _picture(reading: Reading) -> Picture:
    snapshot = reading.snapshot
    # The ledger knows of a minute in which the gateway was started what the process before did.
    counted_us = snapshot.at_us - snapshot.vitals.counting_since_us
    present = Present(
        snapshot.now_ms,
        snapshot.at_us,
        counted_us=counted_us,
        counting_us=counted_us,
        lacks=frozenset(snapshot.past.gaps if snapshot.past else ()),
    )
    return Picture(snapshot, reading.whoami, present, 0)


def lacking(past: Past, zone: tzinfo | None) -> str:
    """What is not on record, and what the figures were summed from, in words."""
    if past.down_since_us is not None and past.down_until_us is not None:
        since, until = (
            day_time(us, past.down_until_us, zone)
            for us in (past.down_since_us, past.down_until_us)
        )
        return text("past.down", since=since, until=until)
    if Gap.BEFORE in past.gaps:
        return text("past.before")
    names = (text(f"gap.{gap}") for gap in past.gaps if gap != Gap.VITALS)
    return text(f"past.{past.per}", gaps=tuple(names))
