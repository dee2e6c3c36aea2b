"""Time travel: where the console is, and what of then is not on record."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {
    "past.head": "PAST {at} {zone}",
    "past.ago": "({ago_ms:age} ago)",
    "past.way": "→ {at}",
    "past.playing": "▶ ×{speed}",
    "past.off": "actions are off",
    "past.dead": "now: ✗ no gateway",
    "past.back": "{key} now",
    "past.live": "now: ! {count}",
    "past.call": "gateway unknown[, {gaps} too]",
    "past.minute": "by the minute[; not recorded: {gaps}]",
    "past.hour": "by the hour[; not recorded: {gaps}]",
    "past.nothing": "not recorded: {gaps}",
    "past.down": "not recorded: the gateway was not running, {since} to {until}",
    "past.before": "not recorded: it is before the ledger's beginning",
    "past.keys.now": "now",
    "past.keys.step": "a minute",
    "past.keys.alarm": "alarm",
    "past.keys.play": "play, ×10, stop",
    "past.keys.at": "time",
    "gap.before": "anything",
    "gap.down": "the gateway was not running",
    "gap.flow": "what was asked",
    "gap.latency": "latencies",
    "gap.levels": "levels",
    "gap.under_way": "calls under way",
    "gap.targets": "targets",
    "gap.spent": "the day's money",
    "gap.states": "states",
    "gap.vitals": "the gateway's health",
    "time.prompt": "time (02:47, -2h):",
    "time.no_later": "this is the present",
    "time.is_now": "this is the present",
    "time.no_alarm_before": "no alarm before it is on record",
    "time.no_alarm_after": "no alarm after it is on record",
}
