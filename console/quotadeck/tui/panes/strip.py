"""The last hour in three lines: what all projects were refused, and when what happened."""

from collections.abc import Iterable
from typing import Final

from quotadeck.domain.happenings import Happening, HappeningKind
from quotadeck.domain.series import Series, SeriesPage
from quotadeck.tui.kit.fit import cell_len, cut
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.kit.spark import spark
from quotadeck.words import text
from quotadeck.words.numbers import three

MINUTES: Final = 60
MINUTE_US: Final = 60_000_000
_MARKS: Final = {
    HappeningKind.ALARM: ("!", "trouble"),
    HappeningKind.CHANGE: ("»", "key"),
}
HERE: Final = "┃"


def strip_lines(
    page: SeriesPage | None, told: Iterable[Happening], here_us: int | None, width: int
) -> list[Line]:
    """The sparkline with its greatest, and under it the alarms, the changes, and the chosen."""
    if page is None or not page.rows:
        return [crop([Span(text("timeline.strip.unknown"), "dim")], width), crop((), width)]
    own: Series = page.rows[0]
    cells = MINUTES if width >= MINUTES + 8 else MINUTES // 2
    most = max((one for one in own.refused if one is not None), default=0)
    line = spark(own.refused, cells, role="trouble" if most else "normal")
    words = text("timeline.strip", most=three(most))
    if cell_len(words) > width - cells - 3:
        words = cut(text("timeline.strip.short", most=three(most)), max(0, width - cells - 3))
    first = [Span(" "), *line, Span(f"  {words}", "dim")]
    each_us = MINUTES // cells * MINUTE_US
    marks: list[Span] = [Span(" ")] * cells

    def cell_of(at_us: int) -> int:
        return (at_us - page.start_us) // each_us

    for one in told:
        at = cell_of(one.at_us)
        if one.kind in _MARKS and 0 <= at < cells:
            glyph, role = _MARKS[one.kind]
            if marks[at].text in (" ", "»"):
                marks[at] = Span(glyph, role)
    if here_us is not None and 0 <= cell_of(here_us) < cells:
        marks[cell_of(here_us)] = Span(HERE, "strong")
    legend = text("timeline.marks")
    beside = [Span(f"  {legend}", "dim")] if width - cells - 3 >= cell_len(legend) else []
    return [crop(first, width), crop([Span(" "), *marks, *beside], width)]
