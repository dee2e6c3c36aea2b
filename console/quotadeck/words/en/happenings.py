"""The timeline: what happened, and how its list is read."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {
    "happening.began": "{what}[: {why}]",
    "happening.ended": "{what}: over after {lasted_ms}",
    "happening.line": "{who}: {what}",
    "happening.refused": "refused: {why}",
    "happening.effect": "refused {refused_before:number} → {refused_after:number}/m, others "
    "{others_before:number} → {others_after:number}/m · failed {failed_before:number} → "
    "{failed_after:number}/m · {before_nano:usd} → {after_nano:usd}/m · asked "
    "{asked_before:number} → {asked_after:number}/m · p95 {p95_before_ms:latency} → "
    "{p95_after_ms:latency}",
    "happening.effect.unmeasured": "not measured: {why:name}",
    "timeline.title": "timeline",
    "timeline.effect": "effect",
    "timeline.none": "nothing has happened yet",
    "timeline.reading": "reading …",
    "timeline.strip": "refused/min, all projects, most {most}",
    "timeline.strip.short": "≤{most} refused/m",
    "timeline.strip.unknown": "refused/min, all projects: not on record",
    "timeline.marks": "! alarm  » change",
    "timeline.yesterday": "yesterday {day}",
    "timeline.no_alarm": "no other alarm is on record there",
    "timeline.nothing_of": "this is no project's: there is no page of it",
    "read.happenings": "alarm, its end, change, its override's end, refused, note, other event",
    "read.strip": "what all projects were refused in the last hour, a cell a minute; below it the "
    "alarms and the changes",
}
