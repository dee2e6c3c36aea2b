"""Commands in words: why one was refused, how a value reads, and why it was done."""

from quotadeck.domain.commands import Entry, Rejected, Value, value_facts
from quotadeck.domain.days import rfc3339
from quotadeck.domain.notice import notice
from quotadeck.words import say, text
from quotadeck.words.figures import Instant


def refusal(rejected: Rejected, instant: Instant = rfc3339) -> str:
    """What happened, which value, and what to do next; a storm is told with its last one."""
    last = say(rejected.notice, instant)
    if not rejected.since_us:
        return last
    unread = rejected.unread or None
    storm = notice(
        "storm", times=rejected.times, since_us=rejected.since_us, unread=unread, last=last
    )
    return say(storm, instant)


def error(rejected: Rejected | None) -> dict[str, str]:
    """Beside the kind and the facts, for people who read JSON by eye; both empty for none."""
    if rejected is None:
        return {"error": "", "code": ""}
    return {"error": refusal(rejected), "code": rejected.code}


def value(field: str | None, of: Value | None) -> str:
    """A value in force: ``40``, ``$12.50``, ``paused``, ``unlimited``."""
    return text("value.told", **value_facts(field, told=of))


def field_word(field: str | None) -> str:
    """A field as people say it: ``slots``, ``budget``, ``state``; empty for none."""
    return text("word.field", field=field) if field else ""


def reason(entry: Entry) -> str:
    """Why it was done; an undo or an end that nobody explained says of what it is one."""
    if entry.reason or not entry.of:
        return entry.reason
    return text(f"reason.{entry.action}", of=entry.of)
