"""How to read each page: its signs and words, and what each column tells."""

from collections.abc import Sequence
from typing import Any, Final

from quotadeck.tui.columns.projects import PROJECTS
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.columns import Column


def _columns(columns: Sequence[Column[Any, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((column.titles[-1], column.words) for column in columns if column.words)


LEGEND: Final[dict[Place, tuple[tuple[str, str], ...]]] = {
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
        *_columns(PROJECTS),
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
