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
            live, self._shared, alarms=self._troubles(live), frozen_us=frozen_us, width=width
        )
        if link.past is not None:
            first = past_line(shown, live, self._shared, self._troubles(live), width)
        if shown is None or shown.problem:
            problem = shown.problem if shown else link.problem
            more = problem_lines(problem, where, width)
        elif not self._sums:
            more = []
        elif not (shown.snapshot.knows(Gap.FLOW) and shown.snapshot.projects):
            more = [lacking_line(shown, self._shared, width)]
        else:
            more = [totals_line(shown, self._totals(shown.snapshot.projects), width)]
        self.set_height(1 + len(more))
        self.show([first, *more])

    def _troubles(self, picture: Picture | None) -> int:
        if picture is None:
            return 0
        targets = picture.snapshot.targets
        failing = sum(row.state.urgency is Urgency.TROUBLE for row in targets)
        return failing + self._totals(picture.snapshot.projects).in_trouble

    def _totals(self, rows: tuple[ProjectRow, ...]) -> Totals:
        """The sums, made once for the newest rows and once for frozen ones."""
        known = next((sums for of, sums in self._summed if of is rows), None)
        if known is None:
            kind = self._shared.source.capabilities.figures
            known = totals([(kind, rows)])[kind]
            self._summed = [(rows, known), *self._summed[:1]]
        return known


def status_line(
    picture: Picture | None, context: Context, *, alarms: int, frozen_us: int | None, width: int
) -> Line:
    """Which gateway, how the link is, the time, how many are in trouble, who you are."""
    link, zone = context.link, context.zone
    name = picture.snapshot.vitals.name if picture else context.source.label
    narrow = width < _NARROW
    said = health(picture, link.problem)
    left = [Span(cut(name, 8 if narrow else 24), "strong"), GAP, *said]
    at_us = picture.present.now_us if picture else link.wall_us()
    zone_word = zone_name(at_us, zone)
    if link.away:
        way_us = link.travel.here_us
        clock = Span(text("past.way", at=day_time(way_us, at_us, zone, seconds=True)), "key")
    elif frozen_us is not None:
        stamp = local(frozen_us, zone).strftime("%H:%M:%S")
        clock = Span(text("head.frozen", time=stamp, zone=zone_word), "key")
    else:
        clock = Span(f"{clock_time(at_us, zone)} {zone_word}", "strong")
    who: list[Span] = []
    if picture:
        kind = "head.who.read_only" if context.read_only else "head.who"
        actor = Span(cut(picture.whoami.actor, 16))
        who = framed(kind, [actor], role=picture.whoami.role.value)
    alarm = Span("")
    if alarms:
        told = text("head.trouble", count=alarms) if width >= 100 else f"! {alarms}"
        alarm = Span(told, "trouble")
    middle = [Span("   "), clock, Span("   "), alarm]
    if narrow:  # who is in trouble before what time it is
        middle = [GAP, alarm, GAP, clock._replace(text=clock.text.removesuffix(f" {zone_word}"))]
    right = [Span(PRODUCT + "   ", "dim"), *who]
    return spread([*left, *(span for span in middle if span.text)], right, width)


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
