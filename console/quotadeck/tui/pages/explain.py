"""Explain: why what is under the cursor is as it is, in a few sentences over the page."""

from collections.abc import Callable
from typing import Final

from quotadeck.domain.capability import Read
from quotadeck.domain.needed import MINUTES
from quotadeck.domain.series import Series
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.sources.base import SourceError
from quotadeck.tui.change.offers import row_of
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.fit import cut, fit_middle, folded
from quotadeck.tui.kit.foot import keys_spans
from quotadeck.tui.kit.modal import Modal
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.link import Picture
from quotadeck.words import say, text
from quotadeck.words.explain import Reader, explain_call, explain_row
from quotadeck.words.times import day_time

WIDTH: Final = 80


def opened(context: Context, of: Page) -> "Explanation":
    """Of what is under the cursor there. Raises NothingToDo."""
    if context.link.picture() is None:
        raise NothingToDo("explain.no_reading")

    def done() -> None:
        of.close()
        of.draw()

    return Explanation(context, of.about(), done)


class Explanation(Modal):
    """A row is explained as it is now, again at every drawing; a request from its record."""

    def __init__(self, context: Context, subject: Subject, done: Callable[[], None]) -> None:
        super().__init__(context.theme)
        self.context = context
        self.subject = subject
        self._done = done
        self._asked: Series | None = None
        self._found: list[str] | None = None

    @property
    def place(self) -> Place:
        return "explain"

    def begin(self) -> None:
        if self._is_request:
            self.run_worker(self._find())
        elif self.subject.kind is SubjectKind.PROJECT:
            self.run_worker(self._measure())

    @property
    def _is_request(self) -> bool:
        return self.subject.kind is SubjectKind.OTHER

    def do(self, act: Act) -> None:
        if act.verb == "leave":
            self._done()

    async def _find(self) -> None:
        name = self.subject.name
        try:
            found = await self.context.source.call(name)
        except SourceError as problem:
            self._found = [say(problem.told)]
        else:
            missing = [text("explain.unfound", id=name)]
            self._found = explain_call(found, self._reader()) if found else missing
        self.draw()

    async def _measure(self) -> None:
        """How much is asked for; without that it is explained all the same."""
        source, past_us = self.context.source, self.context.link.past_us
        if not source.capabilities.can(Read.SERIES):
            return
        try:
            page = await source.series([self.subject], minutes=MINUTES, until_us=past_us)
        except SourceError:
            return
        self._asked = page.rows[0] if page.rows else None
        self.draw()

    @property
    def _picture(self) -> Picture:
        """The present, or the past that is looked at."""
        picture = self.context.link.picture()
        assert picture is not None, "there was no reading yet"
        return picture

    def _reader(self) -> Reader:
        now, zone = self._picture.present, self.context.zone
        return Reader(now.now_ms, now.now_us, lambda us: day_time(us, now.now_us, zone))

    def _sentences(self) -> list[str]:
        if self._is_request:
            return [text("project.reading")] if self._found is None else self._found
        snapshot = self._picture.snapshot
        row = row_of(self.subject, snapshot)
        if row is None:
            return [text("explain.nobody", name=self.subject.name)]
        return explain_row(row, snapshot, self._reader(), self._asked)

    def draw(self) -> None:
        """Over the last lines, so that what is explained can be seen, where there is room."""
        size = self.app.size
        width = min(WIDTH, size.width)
        lines = self._framed(width, max(1, size.height - 3))
        self.styles.height, self.styles.width = len(lines), width
        self.styles.offset = ((size.width - width) // 2, max(0, size.height - len(lines) - 1))
        self.show(lines)

    def _framed(self, width: int, most: int) -> list[Line]:
        inner = width - 4
        parts = [part for sentence in self._sentences() for part in _bulleted(sentence, inner)]
        if len(parts) > most:
            parts = [*parts[: most - 1], "…"]
        title = cut(text("explain.title", name=fit_middle(self.subject.name, 40)), width - 6)
        keys = keys_spans(self.context.keys.of("explain"))
        used = sum(len(span.text) for span in keys)
        top = (Span("┌ ", "dim"), Span(title, "strong"),
               Span(" " + "─" * (width - 4 - len(title)) + "┐", "dim"))  # fmt: skip
        rows = [
            (Span("│ ", "dim"), *crop([Span(part)], inner), Span(" │", "dim")) for part in parts
        ]
        rule = "─" * max(0, width - 4 - used)
        bottom = (Span("└ ", "dim"), *keys, Span(f" {rule}┘", "dim"))
        return [crop(top, width), *rows, crop(bottom, width)]


def _bulleted(sentence: str, width: int) -> list[str]:
    parts = folded(sentence, width - 2)
    return [f"· {parts[0]}", *(f"  {part}" for part in parts[1:])]
