"""A call in words: how it ended, in few cells; all that is told of it stands in `account`."""

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.notice import Fact
from quotadeck.words import has, text
from quotadeck.words.numbers import NONE, three


def outcome(call: Call) -> str:
    """``ok``, ``ok ↻1``, ``429 budget ×12``, ``502 upstream 5xx ↻1``, ``unknown, restart``.

    ``↻`` counts the attempts that failed before the last one, ``×`` the calls of a counted run.
    """
    # The attempt that served it stands among them, without a cause.
    tries = sum(1 for attempt in call.attempts if attempt.cause)
    tries -= call.outcome is not Outcome.OK
    facts: dict[str, Fact] = {
        "status": call.http_status or None,
        "by": because(call.cause) or None,
        "tries": tries if tries > 0 else None,
        "count": call.count if call.count > 1 else None,
    }
    if call.outcome is Outcome.OK:
        return text("call.ok", **facts)
    if call.outcome is Outcome.UNKNOWN:
        return text("call.unknown", **facts)
    return text("call.failed", **facts)


def because(cause: str) -> str:
    """A cause as a call's: ``budget``, ``upstream 5xx``; as it is where nothing else is said."""
    return text(f"call.by.{cause}") if has(f"call.by.{cause}") else str(cause)


def outcome_role(call: Call) -> str:
    """How much it wants to be read: ours to refuse is attention, an upstream's failure trouble."""
    if call.outcome is Outcome.OK:
        return "normal"
    if call.outcome is Outcome.REFUSED or call.cause is Cause.CLIENT_GONE:
        return "attention"
    return "trouble"


def tokens(call: Call) -> str:
    """``410→42``, of what was forwarded."""
    if not call.usage.total:
        return NONE
    return f"{three(call.usage.input_tokens)}→{three(call.usage.output_tokens)}"


def key_tail(key_id: str) -> str:
    """``…b21a86``: the end of a key's id, which tells keys apart."""
    return f"…{key_id[-6:]}" if key_id else NONE
