"""The calls: the newest first, following what comes; searched by what they were, by their id."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from quotadeck.domain.history import FoundCall
from quotadeck.domain.pages import CallRow, CallsPage
from quotadeck.domain.sought import ANY, TERMS, Sought, sought
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.typed import TypedWrong
from quotadeck.tui.columns.calls import CallAt, calls_columns
from quotadeck.tui.keys.act import Act, NothingToDo
from quotadeck.tui.kit.columns import laid_out
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.filter import Filter
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.reel import Reel
from quotadeck.tui.kit.reelpage import LEAF, Leaf, ReelPage
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.panes.call import call_lines
from quotadeck.tui.panes.title import title_line
from quotadeck.words import say, text
from quotadeck.words.account import Beside
from quotadeck.words.times import day_time

LOOKS: Final = 5
"""Looks of the gateway at 20,000 calls each, for one leaf of a search that finds little."""
LOOKS_ALONE: Final = 25
"""So many it goes on by itself; then a key looks further."""
CATCH_UP: Final = 4
"""Pages of what is new that are read at once; behind more it begins at the newest again."""
_SEARCH: Final = 120
"""Characters of a search."""
_BELOW: Final = ((30, 8), (20, 6), (14, 3))
"""So many lines of the chosen call are shown on screens of so many lines."""


def opened(context: Context, of: Page) -> "Calls":
    """The calls of what is under the cursor there; of all where nothing is."""
    try:
        return Calls(context, of.whole or of.about())
    except NothingToDo:
        return Calls(context)


def _past(at: str | None, rows: Sequence[CallRow]) -> str | None:
    """The cursor behind the rows: of the same epoch, at the last one's number."""
    epoch = (at or ":").partition(":")[0]
    return f"{epoch}:{rows[-1].seq}" if rows else at


class Calls(ReelPage[CallRow, str | None]):
    """A live tail of the ledger; ``of`` narrows it to a project, a model, a target or a key."""

    DEFAULT_CSS = "Calls #title { height: 1; }"

    def __init__(self, context: Context, of: Subject | None = None) -> None:
        self.rows: Grid[CallRow, CallAt] = Grid(context.theme, id="calls")
        super().__init__("calls", context, self.rows, Reel(_past, None))
        self._narrowed = f"{of.kind}:{of.name}" if of and of.kind in _KINDS else ""
        self._base = self._typed = self._narrowed
        self._sought = self._read_search(self._typed)
        self._wrong = ""
        """Why the terms that were typed cannot be read."""
        self._newest = ""
        """The cursor behind everything that was looked at for what is new."""
        self._looks = 0
        self._looked_us: int | None = None
        self._found: FoundCall | None = None
        self._title = Lines(context.theme, id="title")
        self._looked = Lines(context.theme, id="looked")
        self._below = Lines(context.theme, id="chosen")

    def compose(self) -> ComposeResult:
        yield from (self._title, self.rows, self._looked, self._below, self.foot)

    # -- reading ---------------------------------------------------------------------------------

    async def _page(self, last: int, **cursor: str | None) -> CallsPage:
        it, until_us = self._sought, self._sought.until_us
        if self.context.link.past_us is not None:
            until_us = min(until_us or self.context.link.past_us, self.context.link.past_us)
        return await self.context.source.calls(
            last=last,
            project=it.project,
            model=it.model,
            target=it.target,
            outcome=it.outcome,
            cause=it.cause,
            key=it.key,
            since_us=it.since_us,
            until_us=until_us,
            **cursor,
        )

    def _of(self, page: CallsPage) -> list[CallRow]:
        return [row for row in reversed(page.rows) if self._sought.finds(row.call)]

    async def read_leaf(self, at: str | None) -> Leaf[CallRow, str | None]:
        if self._sought.whole_id:
            return await self._read_id(self._sought.whole_id)
        if at is None:
            newest = await self.context.source.calls(last=1)
            self._newest, self._looks, self._looked_us = newest.next_cursor, 0, None
            epoch, _, seq = newest.next_cursor.partition(":")
            at = f"{epoch}:{int(seq) + 1}"
        found: list[CallRow] = []
        for _ in range(LOOKS):
            page = await self._page(LEAF, before=at)
            found += self._of(page)
            at = page.before_cursor if page.more else None
            self._looks += 1
            self._looked_us = page.looked_us
            if at is None or len(found) >= self.window:
                break
        return Leaf(found, at)

    async def _read_id(self, request_id: str) -> Leaf[CallRow, str | None]:
        self._found = await self.context.source.call(request_id, self._sought.project)
        calls = self._found.calls if self._found else ()
        return Leaf([CallRow(-place, call) for place, call in enumerate(calls)], None)

    async def read_new(self) -> Sequence[CallRow] | None:
        if self._sought.whole_id:
            return ()
        found: list[CallRow] = []
        for _ in range(CATCH_UP):
            page = await self._page(LEAF, after=self._newest)
            self._newest = page.next_cursor
            found = [*self._of(page), *found]
            if not page.more:
                return found
        return None

    def wants_older(self) -> bool:
        return self._sought == ANY or self._looks < LOOKS_ALONE

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        width, height = self.size.width, self.size.height
        if not width:
            return
        below = next((lines for least, lines in _BELOW if height >= least), 0)
        self._below.set_height(below)
        looked = self._looked_lines(width)
        self._looked.set_height(len(looked))
        self.rows.set_height(max(1, height - 2 - len(looked) - below))
        at = CallAt(self._now_us(), self.context.zone)
        layout = laid_out(calls_columns(self.reel.rows, at, width), width)
        self.rows.paint(
            layout, at, titled=height > 8, empty=crop([Span(self._empty(), "dim")], width)
        )
        self._title.show([self._title_line(width)])
        self._looked.show(looked)
        if below:
            lines = call_lines(self.found, Beside(self.context.zone), width)[:below]
            self._below.show([*lines, *[crop((), width)] * (below - len(lines))])
        self.draw_foot()

    def _now_us(self) -> int:
        picture = self.context.link.picture()
        return picture.present.now_us if picture else self.context.link.wall_us()

    def _title_line(self, width: int) -> Line:
        left = [Span(text("calls.title"), "strong")]
        if self._typed:
            left.append(Span(f"  {self._typed}", "key"))
        place = self.reel.before + self.rows.index + 1 if self.reel.rows else 0
        more = "+" if self.reel.older is not None else ""
        right = [Span(f"{place:,}/{self.reel.seen:,}{more}  ", "dim"), self._follows()]
        return title_line(self.context, left, right, width)

    def _follows(self) -> Span:
        if self._sought.whole_id:
            return Span("")
        if self.following:
            return Span(text("calls.following"))
        return Span(text("calls.held", key=self.keys.shown("reel.follow")), "attention")

    def _looked_lines(self, width: int) -> list[Line]:
        """What is wrong with the search or its reading, or how far it looked."""
        if self._wrong or self.problem:
            return [crop([Span(self._wrong or self.problem, "attention")], width)]
        if self.filter.typing:
            return [crop([Span(text("calls.terms", terms=TERMS), "dim")], width)]
        if self._found is not None and not self._found.is_own:
            told = text("calls.counted_maybe", count=len(self._found.calls))
            return [crop([Span(told, "attention")], width)]
        if self._sought == ANY or self._sought.whole_id or not self.reel.rows:
            return []
        return [crop([Span(self._how_far(), "dim")], width)]

    def _how_far(self) -> str:
        back = None
        if self._looked_us is not None and self.reel.older is not None:
            back = day_time(self._looked_us, self._now_us(), self.context.zone)
        if self.reading:
            return text("calls.looking", found=self.reel.seen, back=back)
        if self.reel.older is None:
            return text("calls.looked_at_all", found=self.reel.seen)
        return text(
            "calls.looked", found=self.reel.seen, back=back, key=self.keys.shown("list.down")
        )

    def _empty(self) -> str:
        if self.reading:
            return text("calls.reading")
        if self._sought == ANY:
            return text("calls.none")
        return f"{text('calls.none_found')} · {self._how_far()}"

    # -- keys ------------------------------------------------------------------------------------

    def about(self) -> Subject:
        chosen = self.rows.chosen
        if chosen is None:
            raise NothingToDo("calls.none_chosen")
        self.rows.pin()
        only_counted = self._found is not None and not self._found.is_own
        return Subject(SubjectKind.OTHER, self._sought.whole_id if only_counted else chosen.call.id)

    @property
    def found(self) -> FoundCall | None:
        """The chosen call as it was found; None where nothing is chosen."""
        chosen = self.rows.chosen
        if chosen is None:
            return None
        return self._found or FoundCall(is_own=True, calls=(chosen.call,))

    def do_filter(self) -> None:
        held = f"{self._typed} " if self._typed else ""
        self.filter = Filter(Editor.holding(held, limit=_SEARCH), typing=True)
        self._wrong = ""
        self.draw()

    def do_clear(self) -> None:
        self.seek("")

    def do_all(self) -> None:
        """All calls; again, those for which it was opened."""
        self._base = "" if self._typed else self._narrowed
        self.seek(self._base)

    def do_back(self) -> None:
        if self._typed not in ("", self._base):
            self.seek(self._base)
        else:
            super().do_back()

    def do(self, act: Act) -> None:
        if act.scope != "filter":
            super().do(act)
        elif act.verb == "keep":
            self.seek(self.filter.text)
        else:
            self.filter, self._wrong = Filter(), ""
            self.draw()

    def seek(self, typed: str) -> None:
        """Look for these; where the terms cannot be read it says why, and stays in their line."""
        try:
            self._sought = self._read_search(typed)
        except TypedWrong as wrong:
            self._wrong = say(wrong.told)
        else:
            self.filter, self._typed, self._found = Filter(), typed.strip(), None
            self._wrong = ""
            self.reel.begin((), None)
            self.rows.hold(())
            self.anew()
        self.draw()

    def _read_search(self, typed: str) -> Sought:
        return sought(typed, self._now_us(), self.context.zone)


_KINDS: Final = (SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.TARGET, SubjectKind.KEY)
