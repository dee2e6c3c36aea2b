"""What happened, for tests of the screen: events, alarms and the command log of one night."""

from dataclasses import dataclass, field
from typing import Any

from quotadeck.domain.commands import Action
from quotadeck.domain.notice import notice
from quotadeck.domain.pages import EventRow, EventsPage
from quotadeck.domain.report import Alarm, AlarmsPage
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from tests.tui.scenes import AT_US, MINUTE_US, usd
from tests.tui.scripted import entry, refused

EPOCH = 1
MOST = 50
"""Alarms that are told at once."""


def event(number: int, minutes: float, kind: str, subject: str = "", **facts: Any) -> Event:
    """So many minutes before the reading."""
    at_us = AT_US - round(minutes * MINUTE_US)
    return Event(f"evt_{number:04}", at_us, subject, notice(kind, **facts))


def alarm(name: str, kind: str, began: float, ended: float | None, **more: Any) -> Alarm:
    """Of a project; minutes before the reading."""
    began_us = AT_US - round(began * MINUTE_US)
    ended_us = None if ended is None else AT_US - round(ended * MINUTE_US)
    facts: dict[str, Any] = {"cause": "rpm", "who": "", "count": 274, "asked": 294, **more}
    return Alarm(Subject.project(name), kind, began_us=began_us, ended_us=ended_us, **facts)


@dataclass
class Happened:
    """``events`` oldest first, ``alarms`` as they began."""

    events: list[Event] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    def page(
        self, *, last: int, before: str | None = None, after: str | None = None, **_: Any
    ) -> EventsPage:
        assert after is None
        end = int(before.partition(":")[2]) - 1 if before else len(self.events)
        first = max(0, end - last)
        rows = tuple(EventRow(at + 1, self.events[at]) for at in range(first, end))
        return EventsPage(rows, f"{EPOCH}:{end}", first > 0, f"{EPOCH}:{first + 1}")

    def between(self, since_us: int, until_us: int | None) -> AlarmsPage:
        until_us = until_us or AT_US
        found = [
            one
            for one in self.alarms
            if one.began_us < until_us and (one.ended_us is None or one.ended_us >= since_us)
        ]
        return AlarmsPage(tuple(found[:MOST]), len(found) > MOST)


def night() -> dict[str, Any]:
    """Of the scripted source: what a bad night leaves on record."""
    log = (
        entry(9, at_us=AT_US - 12 * MINUTE_US, action="pause", field="paused", before=None,
              after=True, subject=Subject.project("batch-embed"), reason="storming client",
              for_ms=3_600_000),
        entry(8, at_us=AT_US - 20 * MINUTE_US, actor="ken", field="tpm", before=None, after=None,
              until_us=None, **refused("tpm 9,000,000 is above what an operator may set")),
        *(entry(seq, at_us=AT_US - 22 * MINUTE_US, action="limit", group="cmd_7",
                subject=Subject.project(name), for_ms=3_600_000, reason="nightly import")
          for seq, name in ((7, "search"), (6, "analytics"), (5, "mobile-app"))),
        entry(4, at_us=AT_US - 25 * MINUTE_US, action=Action.END, of="cmd_x"),
        entry(3, at_us=AT_US - 1_440 * MINUTE_US, reason="agreed with finance", until_us=None),
    )  # fmt: skip
    events = [
        event(1, 1_500, "gateway.started"),
        event(2, 220, "budget.step", "project:checkout", project="checkout", reached_percent=90),
        event(3, 32, "note", "", actor="deploy", text="shop v412"),
        event(4, 25, "override.ended", "project:search", name="search", field="rpm", value=40,
              after=20),
        event(5, 24, "upstream.throttles", "target:main/claude-opus-4.7",
              target="main/claude-opus-4.7"),
        event(6, 12, "command.pause", "project:batch-embed", actor="mika", name="batch-embed"),
        event(7, 11, "effect", "project:batch-embed", command=f"cmd_{9:032x}",
              names=("batch-embed",),
              asked_before=600, asked_after=612, refused_before=540, refused_after=612,
              failed_before=0, failed_after=0, before_nano=usd(1.2), after_nano=0,
              p95_before_ms=4_100, p95_after_ms=3_800, others_before=31, others_after=4),
    ]  # fmt: skip
    alarms = [
        alarm("checkout", "spent", 2_000, 1_450, cause="budget"),
        alarm("batch-embed", "storm", 21, None),
        alarm("search", "failing", 18, 12.5, cause="upstream_5xx", count=12, asked=40),
    ]
    return {"rows": log, "happened": Happened(events, alarms)}
