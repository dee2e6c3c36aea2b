"""The first lines of a page: which gateway, how the link is, the time, who is in trouble."""

from typing import Final

from quotadeck.domain.ages import age
from quotadeck.domain.snapshot import Gap, ProjectRow
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.domain.totals import Totals, totals
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.fit import cell_len, cut, fit_tail, folded
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.spans import GAP, Line, Span, crop, framed, spread
from quotadeck.tui.link import Picture
from quotadeck.tui.panes.past import lacking_line, past_line
from quotadeck.tui.panes.totals import totals_line
from quotadeck.words import text
from quotadeck.words.states import words_of
from quotadeck.words.times import clock_time, day_time, local, zone_name

PRODUCT: Final = "quotadeck"


class PageHead(Lines):
    """The gateway and the link in a line, and what all projects sum up to, or what is wrong.

    Pages about one thing do without the ``sums``.
    """

    def __init__(self, context: Context, *, sums: bool = True) -> None:
        super().__init__(context.theme, id="head")
        self._sums = sums
        self._shared = context
        self._summed: list[tuple[tuple[ProjectRow, ...], Totals]] = []
        self.set_height(2 if sums else 1)

    def draw(self, shown: Picture | None, width: int, *, frozen: bool = False) -> None:
        """Draw the head over ``shown``; a ``frozen`` picture is old by wish.

        Whether the gateway lives, and who is in trouble meanwhile, is told all the same.
        """
        link, where = self._shared.link, self._shared.source.label
        live = link.live()
        frozen_us = shown.present.now_us if shown and frozen else None
        first = status_line(
            live,
            self._shared,
            alarms=self._count(live, Urgency.TROUBLE),
            warnings=self._count(live, Urgency.ATTENTION),
            frozen_us=frozen_us,
            width=width,
        )
        if link.past is not None:
            first = past_line(shown, live, self._shared, self._count(live, Urgency.TROUBLE), width)
        if shown is None or shown.problem:
            problem = shown.problem if shown else link.problem
            more = problem_lines(problem, where, width)
        elif not self._sums:
            more = []
        elif not (shown.snapshot.knows(Gap.FLOW) and shown.snapshot.projects):
            more = [lacking_line(shown, self._shared, width)]
        else:
            more = [totals_line(shown, self._totals(shown.snapshot.projects), width)]
        if link.past is not None and link.problem:
            more = [*problem_lines(link.problem, where, width)[:1], *more]
        if link.away and link.past is None and link.travel.problem:
            more = [*more, crop([Span(cut(link.travel.problem, width), "trouble")], width)]
        self.set_height(1 + len(more))
        self.show([first, *more])

    def _count(self, picture: Picture | None, urgency: Urgency) -> int:
        if picture is None:
            return 0
        sums = self._totals(picture.snapshot.projects)
        rows = sum(row.state.urgency is urgency for row in picture.snapshot.targets)
        return rows + (sums.in_trouble if urgency is Urgency.TROUBLE else sums.in_attention)

    def _totals(self, rows: tuple[ProjectRow, ...]) -> Totals:
        """The sums, made once for the newest rows and once for frozen ones."""
        known = next((sums for of, sums in self._summed if of is rows), None)
        if known is None:
            kind = self._shared.source.capabilities.figures
            known = totals([(kind, rows)])[kind]
            self._summed = [(rows, known), *self._summed[:1]]
        return known


def status_line(
    picture: Picture | None,
    context: Context,
    *,
    alarms: int,
    warnings: int = 0,
    frozen_us: int | None,
    width: int,
) -> Line:
    """Which gateway, how the link is, the time, how many are in trouble, who you are, who is here.

    Where there is no room, what tells least goes first; how the link is, and trouble, never.
    """
    link, zone = context.link, context.zone
    name = picture.snapshot.vitals.name if picture else context.source.label
    at_us = picture.present.now_us if picture else link.wall_us()
    zone_word = zone_name(at_us, zone)
    if link.away:
        way_us = link.travel.here_us
        clock = [Span(text("past.way", at=day_time(way_us, at_us, zone, seconds=True)), "key")]
    elif frozen_us is not None:
        stamp = local(frozen_us, zone).strftime("%H:%M:%S")
        clock = [Span(text("head.frozen", time=stamp, zone=zone_word), "key")]
    else:
        clock = [Span(clock_time(at_us, zone), "strong")]
    narrow = width < _NARROW
    apart = GAP if narrow else Span("   ")
    told = "head.trouble" if width >= 100 else "head.trouble.short"
    near = "head.attention" if width >= 100 else "head.attention.short"
    who: list[Span] = []
    others: tuple[str, ...] = ()
    if picture:
        kind = "head.who.read_only" if context.read_only else "head.who"
        actor = Span(cut(picture.whoami.actor, 16))
        who = framed(kind, [actor], role=picture.whoami.role.value)
        others = picture.snapshot.here
    parts: list[_Told] = [
        (2, [Span(cut(name, 8 if narrow else 24), "strong"), GAP]),
        (0, health(picture, link.problem)),
        (1, [apart, *clock]),
        (3, [] if frozen_us is not None or link.away else [Span(f" {zone_word}", "strong")]),
        (0, [apart, Span(text(told, count=alarms), "trouble")] if alarms else []),
        (4, [apart, Span(text(near, count=warnings), "attention")] if warnings else []),
    ]
    right: list[_Told] = [
        (7, [Span(PRODUCT + "   ", "dim")]),
        (5, who),
        (6, [Span("   "), *framed("head.here", [Span(cut(", ".join(others), 24))])]
         if len(others) > 1 else []),
    ]  # fmt: skip
    for least in range(8, 0, -1):
        left = _kept(parts, least)
        beside = _kept(right, least)
        if sum(cell_len(span.text) for span in (*left, *beside)) + bool(beside) <= width:
            return spread(left, beside, width)
    return crop(_kept(parts, 1), width)


_Told = tuple[int, list[Span]]
"""A part of the line, and its place among those that go where there is no room, the last first."""


def _kept(parts: list[_Told], least: int) -> list[Span]:
    return [span for place, spans in parts if place < least for span in spans]


def health(picture: Picture | None, problem: str) -> list[Span]:
    if picture is None:
        if problem:
            return [Span(text("screen.no_reading"), "trouble")]
        return [Span(text("screen.connecting"), "dim")]
    if picture.problem or picture.silent_ms:
        kind = "head.disconnected" if picture.problem else "head.stale"
        seconds = picture.silent_ms // 1_000
        silent = f"{seconds}s" if seconds < 60 else age(picture.silent_ms)
        return [Span(text(kind, silent=silent), "trouble")]
    state, now = picture.snapshot.vitals.state, picture.present
    if state.kind is StateKind.UNSERVED:
        since = words_of(state, now.now_ms, now.now_us).when
        return [Span(text("head.unserved", since=since), "trouble")]
    return [Span(text("head.live"), "normal")]


def problem_lines(problem: str, where: str, width: int) -> list[Line]:
    """The second line while there is nothing to sum up: what is wrong, in at most three lines.

    Where it does not fit, the path in it (``where``) loses its beginning first.
    """
    told = text("screen.trying", problem=problem) if problem else ""
    over = cell_len(told) - width
    if over > 0 and where in told:
        told = told.replace(where, fit_tail(where, max(_LEAST_PATH, cell_len(where) - over)))
    return [crop([Span(part, "attention")], width) for part in folded(told, width)[:3]]


_LEAST_PATH: Final = 20
_NARROW: Final = 45
