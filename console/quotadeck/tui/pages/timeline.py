"""The timeline: what happened, the newest first: alarms and their ends, changes and what they did.

What is on record of it stands in three places: the alarms, the command log, the other events. They
are read in step, a span of time after the other, and put together.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar, Final, NamedTuple

from textual.app import ComposeResult

from quotadeck.domain.answers import AuditRow
from quotadeck.domain.happenings import Happening, HappeningKind, Span, happenings
from quotadeck.domain.pages import EventRow
from quotadeck.domain.report import Alarm
from quotadeck.domain.series import SeriesPage
from quotadeck.domain.snapshot import LimitedRow, Snapshot
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.sources.base import SourceError
from quotadeck.tui.columns.timeline import TIMELINE, TimelineAt, TimelineRow, timeline_rows
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.kit.columns import Column, laid_out
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.filter import Filter
from quotadeck.tui.kit.fit import folded
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.reel import Reel
from quotadeck.tui.kit.reelpage import Leaf, ReelPage
from quotadeck.tui.kit.spans import Line, crop
from quotadeck.tui.kit.spans import Span as Part
from quotadeck.tui.panes.strip import MINUTES, strip_lines
from quotadeck.tui.panes.title import title_line
from quotadeck.words import text
from quotadeck.words.happenings import effect, what, who
from quotadeck.words.times import local, zone_name

EVENTS: Final = 100
ENTRIES: Final = 50
KEPT_US: Final = 90 * 24 * 3_600_000_000
"""So far back it looks for alarms; what is on record goes no further."""
_GATEWAY: Final = Subject(SubjectKind.GATEWAY, "")
_MINUTE_US: Final = 60_000_000


def opened(context: Context, of: Page) -> "Timeline":
    """Of everything; from a project's page, narrowed to what has its name."""
    name = of.about().name if of.place == "project" else ""
    return Timeline(context, name)


class Edge(NamedTuple):
    """Where a leaf begins: what is older than that is yet to be read."""

    events: str | None
    entries: int | None
    until_us: int


class Timeline(ReelPage[Happening, Edge]):
    """One list of all that happened, over a strip of the last hour."""

    rest_ns: ClassVar[int] = 2_000_000_000
    DEFAULT_CSS = "Timeline #title { height: 1; } Timeline #strip { height: 2; }"

    def __init__(self, context: Context, narrowed: str = "") -> None:
        self.lines: Grid[TimelineRow, TimelineAt] = Grid(context.theme, id="timeline")
        nowhere = Edge(None, None, 0)
        super().__init__("timeline", context, self.lines, Reel(lambda at, _: at, nowhere))
        self.filter = Filter(Editor.holding(narrowed))
        self._made_of: object = None
        self._seeking = 0
        self._strip: SeriesPage | None = None
        self._strip_minute = 0
        self._title = Lines(context.theme, id="title")
        self._hour = Lines(context.theme, id="strip")
        self._chosen = Lines(context.theme, id="chosen")

    def compose(self) -> ComposeResult:
        yield from (self._title, self._hour, self.lines, self._chosen, self.foot)

    @property
    def chosen_at_us(self) -> int | None:
        """When what is under the cursor happened: where time travel begins."""
        return self.lines.chosen.at_us if self.lines.chosen else None

    # -- reading ---------------------------------------------------------------------------------

    def news(self, snapshot: Snapshot | None) -> object:
        if snapshot is None:
            return None
        rows: tuple[LimitedRow, ...] = (*snapshot.projects, *snapshot.targets)
        held = tuple(
            (one.kind, one.cause) for row in rows for one in (row.state, *row.state.others)
        )
        newest = snapshot.events[0].id if snapshot.events else ""
        return newest, held, max((row.version for row in rows), default=0)

    async def read_new(self) -> Sequence[Happening] | None:
        return None  # what began a moment ago may be on record behind what began later

    async def read_leaf(self, at: Edge | None) -> Leaf[Happening, Edge]:
        """All that happened in a span: as far back as every one of the three was read."""
        source = self.context.source
        now_us = self._at().now_us
        edge = at or Edge(None, None, now_us + _MINUTE_US)
        page = await source.events(last=EVENTS, before=edge.events)
        log = await source.audit(limit=ENTRIES, before_seq=edge.entries)
        floor_us = min(edge.until_us, now_us) - KEPT_US
        since_us = max(
            page.rows[0].event.at_us if page.more and page.rows else floor_us,
            log.rows[-1].entry.at_us if log.next_before_seq and log.rows else floor_us,
        )
        since_us = min(since_us, edge.until_us)
        alarms, since_us = await self._alarms(since_us, edge.until_us)
        span = Span(since_us, edge.until_us)
        events = [row.event for row in page.rows]
        told = happenings(span, alarms, log.rows, events)
        if since_us <= floor_us:
            return Leaf(told, None)
        return Leaf(told, _behind(edge, since_us, page.next_cursor, page.rows, log.rows))

    async def _alarms(self, since_us: int, until_us: int) -> tuple[Sequence[Alarm], int]:
        """The alarms since then, or since later, where they are more than are told at once."""
        while True:
            page = await self.context.source.alarms(since_us, until_us)
            if not page.more or until_us - since_us < _MINUTE_US:
                return page.rows, since_us
            since_us = (since_us + until_us) // 2

    async def _read_strip(self, minute: int) -> None:
        try:
            self._strip = await self.context.source.series(
                [_GATEWAY], minutes=MINUTES, until_us=self.context.link.past_us
            )
        except SourceError:
            self._strip = None
        self._strip_minute = minute
        self.draw()

    def on_mount(self) -> None:
        super().on_mount()
        self._follow_strip()

    def pulse(self) -> None:
        super().pulse()
        if self.is_current:
            self._follow_strip()

    def _follow_strip(self) -> None:
        """With each of the clock's minutes it is read anew."""
        minute = self._at().now_us // _MINUTE_US
        if minute != self._strip_minute and not self.context.link.problem:
            self._strip_minute = minute
            self.work(partial(self._read_strip, minute))

    # -- drawing ---------------------------------------------------------------------------------

    def _at(self) -> TimelineAt:
        picture = self.context.link.picture()
        now_us = picture.present.now_us if picture else self.context.link.wall_us()
        return TimelineAt(now_us, self.context.zone)

    def hold(self) -> None:
        at = self._at()
        made_of = (self.reel.rows, self.filter.text, local(at.now_us, at.zone).date())
        if made_of != self._made_of:
            self._made_of = made_of
            self.seen = self.filter.of(self.reel.rows, _SOUGHT, at, _is_alarm)
            self.lines.hold(timeline_rows(self.seen.rows, at))

    def wants_older(self) -> bool:
        """What the filter hides is gone through until the window is full, or for a while."""
        return self._seeking != 0 or not self.filter.text or self.reel.seen < 5_000

    def draw(self) -> None:
        width, height = self.size.width, self.size.height
        if not width:
            return
        self.hold()
        at = self._at()
        strip, below = 2 if height >= 14 else 0, 2 if height >= 16 else 0
        self._hour.set_height(strip)
        self._chosen.set_height(below)
        self.lines.set_height(max(1, height - 2 - strip - below))
        self.lines.paint(laid_out(TIMELINE, width), at, empty=self._empty(width))
        self._hour.show(strip_lines(self._strip, self.reel.rows, self.chosen_at_us, width)[:strip])
        self._title.show([self._title_line(width)])
        self._chosen.show(self._chosen_lines(at, width)[:below])
        self.draw_foot()

    def _title_line(self, width: int) -> Line:
        left = [Part(text("timeline.title"), "strong")]
        if self.filter.text:
            left.append(Part(f"  /{self.filter.text}", "key"))
        if self.seen.hidden:
            left.append(Part(f"  {text('filter.hides', count=self.seen.hidden)}", "dim"))
        if self.problem:
            left.append(Part(f"  {self.problem}", "attention"))
        more = "+" if self.reel.older is not None else ""
        place = (
            f"{self.lines.index + 1:,}/{len(self.lines.rows):,}{more}  " if self.lines.rows else ""
        )
        follows = (
            Part(text("calls.following"))
            if self.following
            else Part(text("calls.held", key=self.keys.shown("reel.follow")), "attention")
        )
        return title_line(self.context, left, [Part(place, "dim"), follows], width)

    def _empty(self, width: int) -> Line:
        if self.filter.text and not self.reading:
            return self.filter.nothing(self.keys.shown("opened.back"), width)
        if self.problem:
            return crop((), width)
        kind = "timeline.reading" if self.reading else "timeline.none"
        return crop([Part(text(kind), "dim")], width)

    def _chosen_lines(self, at: TimelineAt, width: int) -> list[Line]:
        """The chosen one whole, on two lines."""
        row = self.lines.chosen
        if row is None or row.it is None:
            return [crop((), width)] * 2
        told = effect(row.it, at.instant) if row.is_effect else what(row.it, at.instant)
        when = f"{at.instant(row.at_us)} {zone_name(row.at_us, at.zone)}"
        lines = folded(f"{when}  {who(row.it)}  {told}", width)
        return [crop([Part(line, "normal")], width) for line in (*lines, "", "")]

    # -- keys ------------------------------------------------------------------------------------

    def do_back(self) -> None:
        if self.filter.text:
            self.do_clear()
        else:
            super().do_back()

    def about(self) -> Subject:
        row = self.lines.chosen
        if row is None:
            raise NothingToDo("screen.no_row")
        if row.it is None or row.it.subject.kind is SubjectKind.OTHER:
            raise NothingToDo("timeline.nothing_of")
        self.lines.pin()
        return row.it.subject

    def do(self, act: Act) -> None:
        """Enter leads on: to a project's page; what else there is is explained, or audited."""
        if act.id == "timeline.project":
            act = _LEADS.get(self._kind(), act)
            self.whole = self.about() if act.opens == "audit" else None
        super().do(act)

    def _kind(self) -> SubjectKind | None:
        it = self.lines.chosen.it if self.lines.chosen else None
        if it is None or (it.subject.kind is SubjectKind.KEY and not it.entries):
            return None
        return it.subject.kind

    def do_alarm_before(self) -> None:
        """To the alarm before the chosen line's instant: further down."""
        self._seek(1)

    def do_alarm_after(self) -> None:
        self._seek(-1)

    def _seek(self, by: int) -> None:
        rows, index = self.lines.rows, self.lines.index
        places = range(index + 1, len(rows)) if by > 0 else range(index - 1, -1, -1)
        found = next((at for at in places if _is_beginning(rows[at])), None)
        self._seeking = 0
        if found is not None:
            self.move(found - index)
        elif (self.reel.older if by > 0 else self.reel.newer) is not None:
            self._seeking = by
            self.move(len(rows) if by > 0 else -len(rows))
        else:
            self.say(text("timeline.no_alarm"), "attention")

    def _done(self) -> None:
        super()._done()
        if self._seeking and not self.reading:
            self._seek(self._seeking)


def _behind(
    edge: Edge, since_us: int, cursor: str, events: Sequence[EventRow], log: Sequence[AuditRow]
) -> Edge:
    """Where the next leaf begins: behind what of each was told."""
    epoch = (edge.events or cursor).partition(":")[0]
    seq = next((row.seq for row in events if row.event.at_us >= since_us), None)
    entry = next((row.entry.seq for row in reversed(log) if row.entry.at_us >= since_us), None)
    return Edge(
        edge.events if seq is None else f"{epoch}:{seq}",
        edge.entries if entry is None else entry,
        since_us,
    )


def _is_alarm(one: Happening) -> bool:
    return one.kind is HappeningKind.ALARM


def _is_beginning(row: TimelineRow) -> bool:
    return row.it is not None and not row.is_effect and _is_alarm(row.it)


_EXPLAINS: Final = Act("timeline.explain", (), opens="explain")
_LEADS: Final[Mapping[SubjectKind | None, Act]] = {
    SubjectKind.MODEL: _EXPLAINS,
    SubjectKind.TARGET: _EXPLAINS,
    SubjectKind.KEY: Act("timeline.audit", (), opens="audit"),
}
"""Where enter leads from what is no project's."""
_Sought = Column[Happening, TimelineAt]
_SOUGHT: Final = (
    _Sought("kind", lambda one, _: one.kind, seek=lambda one, _: one.kind),
    _Sought("who", lambda one, _: who(one), seek=lambda one, _: who(one)),
    _Sought("what", lambda one, at: what(one, at.instant),
            seek=lambda one, at: what(one, at.instant)),
    _Sought("effect", lambda one, at: effect(one, at.instant),
            seek=lambda one, at: effect(one, at.instant)),
)  # fmt: skip
