"""The help, made from the table of actions."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from quotadeck.tui.frame import keys_line, note_line
from quotadeck.tui.keys.act import Act, key_name
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.keys.table import SCOPES, Place
from quotadeck.tui.kit.fit import fit, folded
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.page import Context, Page
from quotadeck.tui.kit.spans import Line, Span, crop

_LEGEND: Final[dict[Place, tuple[tuple[str, str], ...]]] = {
    "overview": (
        ("▸ ! ~ ‖", "the chosen row; trouble, attention, paused; then the word, and since when"),
        ("3m −42m", "since 3 minutes; 42 minutes left, then it ends by itself"),
        ("✓storm 40s", "the storm is over since 40 seconds"),
        (
            "3 of 9",
            "refused or failed, of the last 10 s or the last ten where nothing else is said",
        ),
        ("unserved", "the gateway itself cannot serve: its ledger fails, or it goes down"),
        ("cut off", "refused by a pause of the model that is asked for, or by a revoked key"),
        ("storm ×9", "nine times what is admitted is asked for: a client retries without waiting"),
        ("fails 26%", "so many calls end badly by the upstream's fault; failed: when last asked"),
        ("recovering", "calls go well again, but not for long enough yet"),
        ("spent", "today's budget is spent, or what is left of it covers no request"),
        ("rejected", "most requests are invalid, too large, or come with a revoked key"),
        ("throttled", "a limit refuses some requests: which one, says the line under the rows"),
        ("rpm 85%", "near a limit, or over it by a burst; money held: by requests under way"),
        ("↘ ✎", "in force beside the state: forced to a fallback; ↑ raised, ↓ lowered a limit"),
        ("H L", "priority high, low"),
        ("bar", "what was taken in 60 s of the limit a minute; today: of the day's budget"),
        ("rpm tpm", "requests and tokens of the last 60 s; k thousand, M million"),
        ("today", "money spent since the project's midnight"),
        ("gone", "when the budget ends, at the rate of now"),
        ("fail", "of the calls that ended in 60 s, those that failed by the upstream's fault"),
        ("p95", "of the last five minutes' calls: 95 in 100 took no longer"),
        ("ref/m", "refused by us in the last 60 s; ref in the sums"),
        ("now", "requests under way; · is none, – is nothing to tell"),
        ("$/h now", "what the last 60 s spent, as if it went on for an hour"),
        ("● ◌ ✗", "the gateway is heard; late; not reached, or it cannot serve"),
        ("░░░", "late readings: nothing moves until the gateway is heard again"),
        ("gw", "the gateway's own health, or since when it counts"),
    ),
    "audit": (
        ("▸ ● ✗", "the chosen entry; in force; refused"),
        ("#5", "its place in the audit; below it who, in which role, from where, and why"),
    ),
}


class Help(Page):
    """Every key of the place it was opened from, and how to read the screen."""

    def __init__(self, of: Place, context: Context) -> None:
        super().__init__("help", context)
        self._of = of
        self._top = 0
        self._body = Lines(context.theme)

    def compose(self) -> ComposeResult:
        yield self._body

    def on_mount(self) -> None:
        self._body.styles.height = "1fr"
        self.draw()

    def draw(self) -> None:
        width, page = self.size.width, self.window
        lines = help_lines(self._of, width, self.keys)
        self._top = max(0, min(self._top, len(lines) - page))
        shown = [crop(line, width) for line in lines[self._top : self._top + page]]
        shown += [()] * (page - len(shown))
        self._body.show([*shown, self._foot(len(lines), width)])

    @property
    def window(self) -> int:
        return max(1, self.size.height - 1)

    def _foot(self, count: int, width: int) -> Line:
        """The keys, after what the last one came to, or how much more there is."""
        acts = self.keys.at("help")
        last = min(count, self._top + self.window)
        down, up = self.keys.shown("list.down"), self.keys.shown("list.up")
        more = (
            f"{self._top + 1}–{last} of {count} lines, {down} {up}" if count > self.window else ""
        )
        if self.note.text:
            return note_line(self.note.text, self.note.role, acts, width)
        return note_line(more, "dim", acts, width) if more else keys_line(acts, width)

    def move(self, by: int) -> None:
        self._top = max(0, self._top + by)
        self.draw()


def help_lines(place: Place, width: int, keys: Keys) -> list[Line]:
    """The help of a place, line by line."""
    title = "keys" + (", read-only: nothing can be changed here" if keys.read_only else "")
    lines: list[Line] = [(Span(f"{place}: {title}", "strong"),)]
    lines += _acts(keys.at(place), width)
    for scope in _TYPING if place == "overview" else _TYPING[1:]:
        lines.append((Span(f"in a {SCOPES[scope]}", "strong"),))
        lines += _acts(keys.of(scope), width)
    lines.append((Span("how to read it", "strong"),))
    for sign, words in _LEGEND.get(place, ()):
        lines += _entry(sign, words, width)
    return lines


_TYPING: Final = ("filter", "dialog", "choice", "editor")


def _acts(acts: Sequence[Act], width: int) -> list[Line]:
    lines: list[Line] = []
    for act in acts:
        needs = f" ({act.role.value})" if act.changing else ""
        asks = "; asks for the name if it is of high priority or a model" if act.danger else ""
        shown = " ".join(key_name(key) for key in act.keys) or "–"
        lines += _entry(shown, act.words + asks + needs, width)
    return lines


def _entry(keys: str, words: str, width: int) -> list[Line]:
    parts = folded(words, width - 15)
    heads = [f"  {fit(keys, 12)} ", *[" " * 15] * (len(parts) - 1)]
    return [
        (Span(head, "key"), Span(part, "normal")) for head, part in zip(heads, parts, strict=True)
    ]
