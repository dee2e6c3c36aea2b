"""What happened, written to a file beside the operator: the first draft of the post-mortem."""

from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Final

from quotadeck.domain.ago import ago_us
from quotadeck.domain.typed import TypedWrong
from quotadeck.sources.base import SourceError
from quotadeck.sources.export import FORMATS, exported
from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.foot import keys_spans
from quotadeck.tui.kit.modal import Modal
from quotadeck.tui.kit.spans import GAP, Span, crop
from quotadeck.words import say, text
from quotadeck.words.times import local

_MOST: Final = 40


class Export(Modal):
    """``-8h csv`` being typed at the foot; ``done`` is told in words what came of it."""

    def __init__(self, context: Context, done: Callable[[str, str], None]) -> None:
        super().__init__(context.theme)
        self.context = context
        self._done = done
        self._line = Editor.holding("-1h md", limit=_MOST, fresh=True)
        self._wrong = ""
        self._writing = False

    @property
    def place(self) -> Place:
        return "export"

    def do(self, act: Act) -> None:
        """An action of the prompt or of the editor."""
        if act.scope == "editor":
            self._edit(self._line.do(act.verb))
        else:
            getattr(self, f"do_{act.verb}")()

    def insert(self, typed: str) -> None:
        self._edit(self._line.insert(typed))

    def do_leave(self) -> None:
        self._done(text("export.left"), "normal")

    def do_write(self) -> None:
        """Ask the source and write the file, or tell what is wrong with what was typed."""
        now_us = self.context.link.newest().at_us
        *since, form = self._line.text.split() or [""]
        if form not in FORMATS:
            since, form = [*since, form], FORMATS[0]
        try:
            since_us = ago_us(" ".join(since), now_us, self.context.zone)
        except TypedWrong as wrong:
            self._wrong = say(wrong.told)
        else:
            if not self._writing:
                self._writing = True
                self.run_worker(self._write(since_us, form))
        self.draw()

    async def _write(self, since_us: int, form: str) -> None:
        try:
            report = await self.context.source.report(since_us)
            written = exported(report, form, self.context.zone)
            path = _written(written, form, report.until_us, self.context.zone)
        except SourceError as problem:
            self._done(text("export.failed", why=say(problem.told)), "attention")
        except OSError as failed:
            why = failed.strerror or str(failed)
            self._done(text("export.failed", why=f"{failed.filename}: {why}"), "attention")
        else:
            self._done(text("export.written", path=str(path)), "normal")

    def _edit(self, line: Editor) -> None:
        self._line, self._wrong = line, ""
        self.draw()

    def draw(self) -> None:
        """A line at the foot: what is asked, what was typed, the keys or what is wrong."""
        size = self.app.size
        self.styles.height, self.styles.width = 1, size.width
        self.styles.offset = (0, max(0, size.height - 1))
        before, under, after = self._line.window(max(8, size.width // 3))
        beside = keys_spans(self.context.keys.of("export"))
        if self._wrong or self._writing:
            beside = [Span(self._wrong or text("export.writing"), "attention")]
        role = "chosen" if self._line.fresh else "strong"
        line = [
            *(Span(text("export.prompt"), "key"), GAP),
            *(Span(before, role), Span(under, "chosen"), Span(after, role), Span("   ")),
            *beside,
        ]
        self.show([crop(line, size.width)])


def _written(words: str, form: str, until_us: int, zone: tzinfo | None) -> Path:
    """The file that was made, in the folder that the console was started in; never one anew."""
    name = f"quotadeck-{local(until_us, zone):%Y%m%d-%H%M%S}"
    for number in range(100):
        path = Path(f"{name}{f'-{number}' if number else ''}.{form}").absolute()
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(words)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, text("export.taken"), name)
