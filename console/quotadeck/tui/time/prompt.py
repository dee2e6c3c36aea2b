"""A time being typed at the foot of a page."""

from collections.abc import Callable

from quotadeck.domain.ago import ago_us
from quotadeck.domain.typed import TypedWrong
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.prompt import Prompt
from quotadeck.words import say

_MOST = 40


class TimePrompt(Prompt):
    """``done`` is told the instant, or None where it is left."""

    def __init__(self, context: Context, done: Callable[[int | None], None]) -> None:
        super().__init__("time", context, Editor(limit=_MOST))
        self._done = done

    def do_leave(self) -> None:
        self._done(None)

    def do_go(self) -> None:
        """Go there, or tell what is wrong with it."""
        typed = self.line.text.strip()
        live = self.context.link.live()
        if not typed or live is None:
            self._done(None)
            return
        try:
            at_us = ago_us(typed, live.present.now_us, self.context.zone)
        except TypedWrong as wrong:
            self.tell(say(wrong.told))
        else:
            self._done(at_us)
