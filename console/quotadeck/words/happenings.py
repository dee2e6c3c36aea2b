"""What happened, in words: who or whose it is, and what."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from quotadeck.domain.deeds import change_notice
from quotadeck.domain.happenings import Happening, HappeningKind
from quotadeck.domain.text import clean
from quotadeck.words import say, text
from quotadeck.words.commands import refusal
from quotadeck.words.figures import Instant
from quotadeck.words.report import alarm_words

MARKS: Final[Mapping[HappeningKind, str]] = {
    HappeningKind.ALARM: "!",
    HappeningKind.ENDED: "✓",
    HappeningKind.CHANGE: "»",
    HappeningKind.REFUSED: "✗",
    HappeningKind.RAN_OUT: "«",
    HappeningKind.EFFECT: "→",
    HappeningKind.NOTE: "⚑",
    HappeningKind.INCIDENT: "~",
}

_MOST: Final = 400


def who(one: Happening) -> str:
    """Who did it, or whose it is; the gateway's own name is said by nothing."""
    if one.entries:
        return clean(one.entries[0].entry.actor)
    by = one.event.told.facts.get("actor") if one.event else None
    return clean(one.subject.name or (by if isinstance(by, str) else ""))


def what(one: Happening, instant: Instant) -> str:
    """The sentence of it, without `who`, where that is how it begins."""
    return _what(one, instant).removeprefix(f"{who(one)}: ")


def _what(one: Happening, instant: Instant) -> str:
    if one.alarm is not None:
        return clean(_alarm(one), _MOST)
    if one.event is not None:
        return clean(say(one.event.told, instant), _MOST)
    entries = [row.entry for row in one.entries]
    if entries[0].refused:
        told = text("happening.refused", why=refusal(entries[0].refused, instant))
        return clean(told, _MOST)
    return clean(say(change_notice(entries), instant), _MOST)


def _alarm(one: Happening) -> str:
    alarm = one.alarm
    assert alarm is not None
    word, why = alarm_words(alarm)
    if one.kind is HappeningKind.ALARM:
        return text("happening.began", what=word, why=why)
    lasted_ms = (one.at_us - alarm.began_us) // 1_000
    return text("happening.ended", what=word, lasted_ms=lasted_ms)


def effect(one: Happening, instant: Instant) -> str:
    """What was measured of a change; empty where nothing was, or not yet."""
    told = (replace(event.told, kind=_SHORT.get(event.told.kind, event.told.kind))
            for event in one.effects)  # fmt: skip
    return clean(" · ".join(say(each, instant) for each in told), _MOST)


_SHORT: Final = {"effect": "happening.effect", "effect.unmeasured": "happening.effect.unmeasured"}
"""Under the change, whose effect it is and how it was measured need no words."""
