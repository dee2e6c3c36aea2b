"""The keys that go through time, once for every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quotadeck.sources.base import SourceError
from quotadeck.words import say, text

if TYPE_CHECKING:
    from quotadeck.tui.kit.context import Context
    from quotadeck.tui.time.travel import Travel


class Travels:
    """What goes through time is a `Page`."""

    context: Context

    @property
    def travel(self) -> Travel:
        """Where in the past the console is; its task runs from the first step on."""
        travel = self.context.link.travel
        if not travel.running:
            travel.running = True
            self._traveller.app.run_worker(travel.run())
        return travel

    @property
    def chosen_at_us(self) -> int | None:
        """When what is under the cursor happened: there the first step goes, where that is told."""
        return None

    def do_earlier(self) -> None:
        start_us = self.chosen_at_us
        if not self._may_travel():
            return
        if start_us is not None and not self.context.link.away:
            self.travel.to(start_us)
            self._traveller.do_back()
        else:
            self.travel.step(-1)

    def do_later(self) -> None:
        if not self.context.link.away:
            self._traveller.say(text("time.no_later"), "attention")
        else:
            self.travel.step(1)

    def do_alarm_before(self) -> None:
        if self._may_travel():
            self._traveller.run_worker(self._to_alarm(-1), exclusive=True, group="alarm")

    def do_alarm_after(self) -> None:
        if not self.context.link.away:
            self._traveller.say(text("time.no_later"), "attention")
        else:
            self._traveller.run_worker(self._to_alarm(1), exclusive=True, group="alarm")

    async def _to_alarm(self, direction: int) -> None:
        try:
            found = await self.travel.to_alarm(direction)
        except SourceError as problem:
            self._traveller.say(say(problem.told), "attention")
        else:
            if not found:
                kind = "time.no_alarm_before" if direction < 0 else "time.no_alarm_after"
                self._traveller.say(text(kind), "attention")

    def do_at(self) -> None:
        from quotadeck.tui.time.prompt import TimePrompt

        if self._may_travel():
            self._traveller.open(TimePrompt(self.context, self._time_typed))

    def _time_typed(self, at_us: int | None) -> None:
        self._traveller.close()
        if at_us is not None:
            self.travel.to(at_us)
        self._traveller.draw()

    def do_now(self) -> None:
        if self.context.link.away:
            self.travel.now()
        else:
            self._traveller.say(text("time.is_now"))

    def _may_travel(self) -> bool:
        """Not before there is a present to come back to, or a past that was shown without one."""
        link = self.context.link
        return link.live() is not None or link.away or link.travelled

    @property
    def _traveller(self) -> Any:
        """As a page, which this is a part of."""
        return self
