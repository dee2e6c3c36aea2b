"""A page that is a list without end: more is read when the cursor nears what is held."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

from quotadeck.domain.snapshot import Snapshot
from quotadeck.sources.base import SourceError
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.listpage import ListPage
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.reel import Reel
from quotadeck.tui.kit.spans import Line
from quotadeck.words import say

R = TypeVar("R")
C = TypeVar("C")

LEAF: Final = 200
"""Rows that are asked for at once."""
_NEAR: Final = 60
"""So near to the end of what is held the next leaf is asked for."""
_ECHO_NS: Final = 5_000_000_000
"""What ended is on record a moment later: so long after a reading's news it is looked for."""


class Leaf(NamedTuple, Generic[R, C]):
    """Rows, the newest first, and where the next leaf begins; None at the end."""

    rows: Sequence[R]
    following: C | None


class ReelPage(ListPage, Generic[R, C]):
    """Reads leaves as the cursor goes; follows what comes as long as the cursor is on the newest.

    One question is under way at a time; a ``search`` that was replaced meanwhile is not drawn.
    """

    def __init__(
        self, place: Place, context: Context, grid: Grid[Any, Any], reel: Reel[R, C]
    ) -> None:
        super().__init__(place, context, grid)
        self.reel = reel
        self.following = True
        self.problem = ""
        """Why the last reading failed; empty when it did not."""
        self.reading = False
        self._search = 0
        self._polled: object = None
        self._echo_ns = 0
        self._rested_ns = 0
        self._of_us = context.link.past_us
        """The past instant up to which it reads."""

    rest_ns: ClassVar[int] = 0
    """Between two looks at what is new."""

    def news(self, snapshot: Snapshot | None) -> object:
        """What of a reading tells, by being another, that there may be something new."""
        return snapshot.now_ms if snapshot else None

    @abstractmethod
    async def read_leaf(self, at: C | None) -> Leaf[R, C]:
        """The rows older than a cursor, the newest for None. Raises SourceError."""

    @abstractmethod
    async def read_new(self) -> Sequence[R] | None:
        """The rows that are newer than the newest, the newest first. Raises SourceError.

        None where there are too many: it begins at the newest again.
        """

    def on_mount(self) -> None:
        self.draw()
        self.anew()

    def anew(self) -> None:
        """Begin at the newest again, and follow."""
        self._search += 1
        self.following, self.reading, self.problem = True, True, ""
        self.grid.loosen()
        self.work(partial(self._begin, self._search))

    async def _begin(self, search: int) -> None:
        try:
            leaf = await self.read_leaf(None)
        except SourceError as problem:
            self._failed(search, problem)
            return
        if search == self._search:
            self.reel.begin(leaf.rows, leaf.following)
            self._done()

    def _fill(self, *, asked: bool = False) -> None:
        """Read on where the cursor is near an end of what is held, ``asked`` to by a key."""
        if self.reading or self.problem:
            return
        index, reel = self.grid.index, self.reel
        if index < _NEAR and reel.newer is not None:
            self.reading = True
            self.work(partial(self._newer, self._search, reel.newer))
        elif index < len(self.grid.rows) - _NEAR or reel.older is None:
            return
        elif asked or self.wants_older():
            self.reading = True
            self.work(partial(self._older, self._search, reel.older))

    def wants_older(self) -> bool:
        """Whether to read on by itself; a search that finds little stops somewhere."""
        return True

    async def _older(self, search: int, at: C) -> None:
        try:
            leaf = await self.read_leaf(at)
        except SourceError as problem:
            self._failed(search, problem)
            return
        if search == self._search:
            self.reel.put_older(leaf.rows, leaf.following)
            self._done()

    async def _newer(self, search: int, at: C) -> None:
        try:
            leaf = await self.read_leaf(at)
        except SourceError as problem:
            self._failed(search, problem)
            return
        if search == self._search:
            self.reel.put_newer(leaf.rows)
            self._done()

    async def _new(self, search: int) -> None:
        try:
            rows = await self.read_new()
        except SourceError as problem:
            self._failed(search, problem)
            return
        if search != self._search:
            return
        if rows is None:
            await self._begin(search)
            return
        if rows:
            self.reel.add(rows, trim=self.following)
        self._done()

    def _done(self) -> None:
        self.reading, self.problem = False, ""
        self.hold()
        self.draw()
        self._fill()

    def hold(self) -> None:
        """Give the list the rows that are shown."""
        self.grid.hold(self.reel.rows)

    def _failed(self, search: int, problem: SourceError) -> None:
        if search == self._search:
            self.reading, self.problem = False, say(problem.told)
            self.draw()

    def pulse(self) -> None:
        """Look for what is new where a reading brought news, and for a while after it."""
        super().pulse()
        if not self.is_current:
            return
        self.draw()
        link = self.context.link
        if link.past_us != self._of_us:
            self._of_us = link.past_us
            self.anew()
        news, now_ns = self.news(link.snapshot), link.monotonic_ns()
        if news != self._polled:
            self._polled, self._echo_ns = news, now_ns + _ECHO_NS
        due = now_ns < self._echo_ns or bool(self.problem)
        if self.following and due and not self.reading and not link.problem:
            if now_ns < self._rested_ns:
                return
            self.reading, self._rested_ns = True, now_ns + self.rest_ns
            look = self._new if self.reel.rows else self._begin
            self.work(partial(look, self._search))

    def draw_foot(self, line: Line | None = None) -> None:
        """What was searched for stands above the list: only what is being typed is at its foot."""
        if self.filter.typing:
            width = self.size.width
            line = self.filter.foot(self.seen, self._place, self.keys, self.may, width)
        Page.draw_foot(self, line)

    def move(self, by: int) -> None:
        """Move; off the newest row it follows no more, for what is read is to stand still."""
        self.grid.move(by)
        if self.grid.index:
            self.following = False
        self.problem = ""
        self._fill(asked=True)
        self.draw()

    def do_top(self) -> None:
        """To the newest that is known; what was let go behind it is read again."""
        self.reel.rewind()
        self.hold()
        super().do_top()

    def do_follow(self) -> None:
        """Follow what comes, or stand still."""
        if self.following:
            self.following = False
            self.grid.pin()
            self.draw()
        else:
            self.anew()
