"""Where the first screen has lines to spare, troubles that came and went stand among the events."""

from quotadeck.domain.report import AlarmsPage
from tests.tui.driving import quotadeck, scripted, sees, shown, until
from tests.tui.happened import Happened, alarm
from tests.tui.scenes import fire
from tests.tui.scripted import Scripted

ALARMS = [
    alarm("search", "failing", 40, 12.5, cause="upstream_5xx", count=12, asked=40),
    alarm("analytics", "storm", 7, None),
]


async def test_what_began_and_what_ended_stands_among_the_events_in_order() -> None:
    app = quotadeck(scripted(happened=Happened([], ALARMS)))
    async with app.run_test(size=(120, 40)) as pilot:
        await sees(pilot, "● live", "search: fails 30%", "search: fails 30%: over after 27m")
        lines = shown(app).splitlines()
        places = [
            next(at for at, line in enumerate(lines) if text in line)
            for text in ("02:59 batch-embed: 512", "analytics: storm ×14: by its rpm", "over after")
        ]
        assert places == sorted(places), "the newest first"


async def test_without_lines_to_spare_nobody_is_asked() -> None:
    source = Counting(iter((fire(),)), 0.05, happened=Happened([], ALARMS))
    app = quotadeck(source)
    async with app.run_test(size=(80, 16)) as pilot:
        await sees(pilot, "● live", "···")
        assert source.asked_alarms == 0
        await pilot.resize_terminal(80, 40)
        await sees(pilot, "search: fails 30%: over after 27m")


async def test_more_than_are_told_at_once_are_left_to_the_timeline() -> None:
    source = Counting(iter((fire(),)), 0.05, happened=Happened([], [ALARMS[1]] * 60))
    app = quotadeck(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: source.asked_alarms > 0)
        await sees(pilot, "02:59 batch-embed: 512")
        assert "analytics: storm" not in shown(app)


class Counting(Scripted):
    """Counts how often it is asked for alarms."""

    asked_alarms = 0

    async def alarms(self, since_us: int, until_us: int | None = None) -> AlarmsPage:
        self.asked_alarms += 1
        return await super().alarms(since_us, until_us)
