"""The page of the models: what serves each, the limits of its targets, and who asks for it."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {
    "models.title": "models and routes",
    "models.serves": "serves",
    "models.used": "{used}/{most} {field:name}",
    "models.room": "room for {left} {field:name}",
    "models.no_room": "no room: {field:name}",
    "models.no_limit": "no limit of its own",
    "models.took": "p50 {p50:latency} p95 {p95:latency}[ first byte {first:latency}]",
    "models.limited_over": "429s over {ago_ms:age} ago",
    "models.switch": "{place} {sign}{nano:usd}/h",
    "models.switching": "switching costs",
    "models.asked": "15 min: {count:number} asked[, {refused:number} refused][, {each:usd}/1k]",
    "models.in_force": "in force",
    "models.used_by": "used by {count:number}",
    "models.unused": "nobody asked for it in the last 5 min",
    "models.more": "{names}, {count:number} more",
    "models.would_cut_off": "a pause cuts off {count:number}",
    "models.would_cut_off.none": "a pause cuts off none",
    "models.would_cut_off.all": "a pause cuts off all",
    "models.cuts_off": "its pause cuts off {count:number}",
    "models.cuts_off.none": "its pause cuts off none",
    "models.cuts_off.all": "its pause cuts off all",
}
