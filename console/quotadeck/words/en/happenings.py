"""The timeline: what happened, and how its list is read."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {
    "happening.began": "{what}[: {why}]",
    "happening.ended": "{what}: over after {lasted_ms}",
    "happening.refused": "refused: {why}",
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
