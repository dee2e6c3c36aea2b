"""The report of a span of time."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "report.title": "{name}: {since_us} to {until_us}",
    "report.title.unnamed": "{since_us} to {until_us}",
    "report.made": "Times are those of {zone}; made {made_us}.",
    "report.sums": "Figures of what was asked are of {since_us} to {until_us}.",
    "report.summary": "Summary",
    "report.timeline": "What happened",
    "report.alarms": "Alarms",
    "report.commands": "Changes",
    "report.incidents": "Upstreams and budgets",
    "report.notes": "Notes",
    "report.gateway": "The gateway",
    "report.projects": "Projects",
    "report.models": "Models",
    "report.asked": "Asked {asked:number}, refused {refused:number} ({refused_share}), failed "
    "{failed:number} ({failed_share}), spent {cost_nano:usd}.",
    "spent.unpriced": "{spent} + {count:number} unknown",
    "report.unpriced": plural(
        "count",
        "{count} call is of unknown price: what it cost is not known, and not in what was spent.",
        "{count:number} calls are of unknown price: what they cost is not known, and not in what "
        "was spent.",
    ),
    "report.alarm_count": plural(
        "count",
        "{count} alarm, of {subjects}[; {lasting} lasted at the end].",
        "{count:number} alarms, of {subjects}[; {lasting} lasted at the end].",
    ),
    "report.no_alarms": "No alarm.",
    "report.command_count": plural(
        "count", "{count} change, by {names}.", "{count:number} changes, by {names}."
    ),
    "report.no_commands": "Nothing was changed.",
    "report.down": "The gateway was not running from {since_us} to {until_us} ({lasted_ms}).",
    "report.left_out": "{count:number} more entries are not told here: ask for a shorter span.",
    "report.nothing": "Nothing.",
    "report.lasts": "lasts",
    "report.began": "{what} began[: {why}]",
    "report.ended": "{what} ended after {lasted_ms}",
    "report.refused": "refused: {why}",
    "report.file": "the file",
    "report.cause": "{cause} {count:number}",
    "report.cause.others": "others {count:number}",
    "report.head.at": "at",
    "report.head.began": "began",
    "report.head.ended": "ended",
    "report.head.lasted": "lasted",
    "report.head.subject": "of",
    "report.head.what": "what",
    "report.head.who": "who",
    "report.head.effect": "effect",
    "report.head.asked": "asked",
    "report.head.refused": "refused",
    "report.head.failed": "failed",
    "report.head.spent": "spent",
    "report.head.causes": "refused for",
    "report.head.name": "name",
}
