"""What happened, written to a file beside the operator: the first draft of the post-mortem."""

from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Final

from quotadeck.domain.ago import ago_us
from quotadeck.domain.typed import TypedWrong
from quotadeck.sources.base import SourceError
from quotadeck.sources.export import FORMATS, exported
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.prompt import Prompt
from quotadeck.words import say, text
from quotadeck.words.times import local

_MOST: Final = 40


class Export(Prompt):
    """``-8h csv`` being typed at the foot; ``done`` is told in words what came of it."""

    def __init__(self, context: Context, done: Callable[[str, str], None]) -> None:
        super().__init__("export", context, Editor.holding("-1h md", limit=_MOST, fresh=True))
        self._done = done
        self._writing = False

    def do_leave(self) -> None:
        self._done(text("export.left"), "normal")

    def do_write(self) -> None:
        """Ask the source and write the file, or tell what is wrong with what was typed."""
        now_us = self.context.link.newest().at_us
        *since, form = self.line.text.split() or [""]
        if form not in FORMATS:
            since, form = [*since, form], FORMATS[0]
        try:
            since_us = ago_us(" ".join(since), now_us, self.context.zone)
        except TypedWrong as wrong:
            self.tell(say(wrong.told))
        else:
            if not self._writing:
                self._writing = True
                self.run_worker(self._write(since_us, form))
            self.tell(text("export.writing"))

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
