"""The command line: typed under the page, completed by tab, and on enter the dialog's preview."""

from collections.abc import Callable, Sequence
from typing import Final

from quotadeck.domain.subject import Subject
from quotadeck.domain.typed import TypedWrong
from quotadeck.tui.command.grammar import Wanted, command_words, completed, following, read
from quotadeck.tui.command.said import Said
from quotadeck.tui.keys.act import Act
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.foot import keys_spans
from quotadeck.tui.kit.prompt import Typing
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.kit.terms import alike
from quotadeck.words import say, text

MOST: Final = 400
"""Characters of a line."""


class CommandLine(Typing):
    """A line being typed. ``acts`` are what a word alone does on the page; None leaves."""

    def __init__(
        self,
        context: Context,
        acts: Sequence[Act],
        said: Said,
        marked: Sequence[Subject],
        done: Callable[[Act | Wanted | None], None],
    ) -> None:
        super().__init__("command", context, Editor(limit=MOST))
        self._acts = {act.verb: act for act in reversed(acts) if act.words}
        self._said = said
        self._marked = marked
        self._done = done
        self._sought = ""
        """What was typed before the older lines were looked through."""
        self._at: int | None = None
        self._wrong = ""

    def do_leave(self) -> None:
        self._done(None)

    def do_run(self) -> None:
        """Do what the line says, or tell what is wrong with it, the cursor where it was."""
        said = self.line.text.strip()
        if not said:
            self._done(None)
            return
        alone = self._acts.get(said)
        try:
            found = alone or read(said, self.context.link.newest(), self._marked)
        except TypedWrong as wrong:
            self._wrong = say(wrong.told)
            self.draw()
            return
        self._said.add(said)
        self._done(found)

    def do_complete(self) -> None:
        """Take the one word that may follow, or as much as all that may have alike."""
        found = self._following()
        line = self.line.text
        if len(found) == 1:
            line = completed(line, found[0])
        elif found:
            line = completed(line, alike(found)).rstrip(" ")
            line = line if len(line) > len(self.line.text) else self.line.text
        self.edit(Editor.holding(line, limit=MOST))

    def do_older(self) -> None:
        self._look(self._said.before)

    def do_newer(self) -> None:
        self._look(self._said.after)

    def _look(self, other: Callable[[str, int], int | None]) -> None:
        """To another line that was said and begins as what was typed; past the newest, to that."""
        at = len(self._said.lines) if self._at is None else self._at
        if self._at is None:
            self._sought = self.line.text
        found = other(self._sought, at)
        if found is None and other == self._said.before:
            return
        line = self._sought if found is None else self._said.lines[found]
        self.edit(Editor.holding(line, limit=MOST))
        self._at = found

    def edit(self, line: Editor) -> None:
        self._at, self._wrong = None, ""
        super().edit(line)

    def _following(self) -> Sequence[str]:
        typed = self.line.text
        found = list(following(typed, self.context.link.newest()))
        if " " not in typed:
            found += (verb for verb in self._acts if verb.startswith(typed) and verb not in found)
        return found

    def draw(self) -> None:
        """Three lines at the foot: a rule, the line, and what may follow or what is wrong."""
        size = self.app.size
        keys = self.context.keys.of("command")
        self.styles.height, self.styles.width = 3, size.width
        self.styles.offset = (0, max(0, size.height - 3))
        before, under, after = self.line.window(max(8, size.width - 2))
        line = [Span(":", "key"), Span(before, "strong"), Span(under, "chosen"), Span(after)]
        self.show(
            [
                _rule(keys, size.width),
                crop(line, size.width),
                crop([Span(self._wrong, "attention")], size.width)
                if self._wrong
                else _offered(self._following(), size.width),
            ]
        )


def _rule(keys: Sequence[Act], width: int) -> Line:
    shown = [Span("── "), *keys_spans([act for act in keys if act.label]), Span(" ")]
    used = sum(cell_len(span.text) for span in shown)
    return crop([*shown, Span("─" * max(0, width - used), "dim")], width)


def _offered(words: Sequence[str], width: int) -> Line:
    """As many of the words that may follow as there is room for, and how many more there are."""
    spans, used = [Span(" ")], 1
    for count, word in enumerate(words):
        more = text("line.more", count=len(words) - count)
        if used + cell_len(word) + 2 + cell_len(more) > width:
            spans.append(Span(more, "dim"))
            break
        role = "strong" if word in command_words() else "normal"
        spans += [Span(word, role), Span("  ")]
        used += cell_len(word) + 2
    return crop(spans, width)
