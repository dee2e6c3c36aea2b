"""One call in full: its gates, its attempts, its cost, what the client saw, what had helped."""

from collections.abc import Mapping
from contextlib import suppress

from textual.app import ComposeResult

from quotadeck.domain.calls import Call
from quotadeck.domain.gates_then import stood
from quotadeck.domain.history import FoundCall
from quotadeck.domain.subject import Subject
from quotadeck.sources.base import SourceError
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.foot import note_line
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.panes.call import account_lines
from quotadeck.tui.panes.title import title_line
from quotadeck.words import say, text
from quotadeck.words.account import Beside, account


def opened(context: Context, of: Page) -> "OneCall":
    """The call under the cursor there. Raises NothingToDo where that is none."""
    subject = of.about()
    if subject.kind or not subject.name.startswith("req_"):
        raise NothingToDo("calls.none_chosen")
    return OneCall(context, subject.name, getattr(of, "found", None))


class OneCall(Page):
    """A call by its id; what the list knew of it stands at once, and is asked for anew."""

    DEFAULT_CSS = "OneCall #title { height: 1; } OneCall #account { height: 1fr; }"

    def __init__(self, context: Context, request_id: str, found: FoundCall | None = None) -> None:
        super().__init__("call", context)
        self._request_id = request_id
        self._found = found
        self._told = "" if found else text("calls.reading")
        self._asked = False
        self._label = ""
        self._passed: Mapping[str, tuple[int, int]] = {}
        self._top = 0
        self._title = Lines(context.theme, id="title")
        self._account = Lines(context.theme, id="account")

    def compose(self) -> ComposeResult:
        yield from (self._title, self._account, self.foot)

    def on_mount(self) -> None:
        self.draw()
        self.work(self._read)

    async def _read(self) -> None:
        try:
            found = await self.context.source.call(self._request_id)
        except SourceError as problem:
            self._told = say(problem.told)
        else:
            self._found = found or self._found
            self._told = "" if self._found else text("calls.none_found")
            self._asked = found is not None
        self.draw()
        if self._asked and self._found:
            await self._read_beside(self._found.calls[0])

    async def _read_beside(self, call: Call) -> None:
        """How the limits stood, and what its key is called: as far as that may be asked."""
        source = self.context.source
        if call.gates and call.counted is None:
            with suppress(SourceError):
                self._passed = stood((await source.as_of(call.at_us)).snapshot, call.project)
        if call.key_id:
            with suppress(SourceError):
                keys = (await source.keys()).keys
                self._label = next((key.label for key in keys if key.id == call.key_id), "")
        self.draw()

    def about(self) -> Subject:
        return Subject.parse(self._request_id)

    def pulse(self) -> None:
        super().pulse()
        if self.is_current:
            self.draw()

    def do_copy(self) -> None:
        """Copy its id."""
        self.copy(self._request_id)

    def do_copy_row(self) -> None:
        """Copy all that is told of it."""
        parts = account(self._found, self._beside()) if self._found else []
        self.copy("\n".join(f"{part.label}  {part.words}" for part in parts))

    @property
    def window(self) -> int:
        return max(1, self.size.height - 2)

    def move(self, by: int) -> None:
        self._top = max(0, self._top + by)
        self.draw()

    def draw(self) -> None:
        width, window = self.size.width, self.window
        if not width:
            return
        lines: list[Line] = [crop([Span(self._told, "attention")], width)] if self._told else []
        if self._found is not None:
            lines += account_lines(account(self._found, self._beside()), width)
        self._top = max(0, min(self._top, len(lines) - window))
        shown = lines[self._top : self._top + window]
        left = [Span(text("call.title"), "strong"), Span(f"  {self._request_id}", "key")]
        self._title.show([title_line(self.context, left, [], width)])
        self._account.show([*shown, *[()] * (window - len(shown))])
        self.draw_foot(self._more(len(lines), width))

    def _beside(self) -> Beside:
        return Beside(self.context.zone, self._label, asked=self._asked, passed=self._passed)

    def _more(self, count: int, width: int) -> Line | None:
        if count <= self.window:
            return None
        last = min(count, self._top + self.window)
        down, up = self.keys.shown("list.down"), self.keys.shown("list.up")
        told = text("help.more", first=self._top + 1, last=last, count=count, down=down, up=up)
        return note_line(told, "dim", self.keys.at("call"), width, self.may)
