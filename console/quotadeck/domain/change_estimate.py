"""What the last minutes say about a change: an estimate from roll-ups, not a replay.

Each minute stands for itself. What came is what was admitted plus what this same limit refused
(other refusals stay as they were), retries of refused requests included. A rate lets through at
most its limit a minute: a burst that its bucket would have served at once is not seen, nor is
what a queueing client would have done instead. Money follows from the minute's mean cost a request,
or the window's where the minute let none through.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from quotadeck.domain.answers import Estimate
from quotadeck.domain.cause import NEVER_SERVED, Cause
from quotadeck.domain.commands import Field, Value, amount
from quotadeck.domain.money import Price, cost_nano
from quotadeck.domain.rules import RULE_OF, Measure, is_money
from quotadeck.domain.subject import SubjectKind

WINDOW_MINUTES: Final = 15


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute's calls of everything that the subject covers, summed.

    ``refused`` is how many were, by the word of their cause; ``input_tokens`` includes those read
    from a cache and written to it; ``seconds`` are less than 60 for the minute that is not over.
    """

    forwarded: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cache_write_tokens: int
    cost_nano: int
    refused: Mapping[str, int] = field(default_factory=dict)
    seconds: int = 60

    def refused_by(self, cause: Cause) -> int:
        return self.refused.get(cause, 0)

    @property
    def came(self) -> int:
        """All requests but those that no change of a limit would have let through."""
        refused = (count for cause, count in self.refused.items() if cause not in NEVER_SERVED)
        return self.forwarded + sum(refused)


def under_change(
    minutes: Sequence[Minute],
    kind: SubjectKind,
    name: str,
    was: Value | None,
    becomes: Value | None,
    spent_nano: int = 0,
) -> Estimate | None:
    """The window under another limit or pause; None where roll-ups cannot tell (concurrency).

    ``kind`` is the subject's. ``spent_nano`` is the day's
    spend until now, for a budget: what the window itself spent is taken off again.
    """
    cause = _cause(kind, name)
    if cause is None:
        return None
    looser, tighter = _allows(name, was, becomes), _allows(name, becomes, was)
    left = 0
    if is_money(name) and becomes is not None:
        left = amount(becomes) - spent_nano + sum(minute.cost_nano for minute in minutes)
    admitted = spend = 0
    for minute in minutes:
        came = minute.forwarded + minute.refused_by(cause)
        fits = _fits(minute, minutes, name, becomes, left)
        passed = minute.forwarded
        if looser:
            passed = max(passed, came if fits is None else min(came, fits))
        elif tighter and fits is not None:
            passed = min(passed, fits)
        cost = passed * _mean(minute, minutes, _cost)
        admitted, spend, left = admitted + passed, spend + round(cost), left - round(cost)
    return _summed(minutes, admitted, spend)


def at_price(minutes: Sequence[Minute], price: Price) -> Estimate:
    """The window's calls at another target's price: as many requests, other money."""
    spend = sum(
        cost_nano(
            price,
            minute.input_tokens,
            minute.cached_tokens,
            minute.output_tokens,
            minute.cache_write_tokens,
        )
        for minute in minutes
    )
    return _summed(minutes, sum(minute.forwarded for minute in minutes), spend)


def _cause(kind: SubjectKind, name: str) -> Cause | None:
    """The cause of what the value refuses, where roll-ups can tell what passes under another."""
    if name == Field.PAUSED:
        return Cause.PAUSED
    rule = RULE_OF.get(name)
    return rule.causes.get(kind) if rule and rule.foreseen else None


def _allows(name: str, less: Value | None, more: Value | None) -> bool:
    """Whether ``more`` lets more through than ``less``."""
    if name == Field.PAUSED:
        return bool(less) and not more
    return less is not None and (more is None or amount(more) > amount(less))


def _fits(
    minute: Minute, minutes: Sequence[Minute], name: str, becomes: Value | None, left: int
) -> int | None:
    """How many requests the changed value lets through in this minute; None for all."""
    if name == Field.PAUSED:
        return 0 if becomes else None
    if becomes is None:
        return None
    of_the_minute = amount(becomes) * minute.seconds // 60
    rule = RULE_OF[name]
    if rule.counts is None:
        return of_the_minute
    size = _mean(minute, minutes, rule.counts)
    room = left if rule.measure is Measure.MONEY else of_the_minute
    return None if size == 0 else max(0, int(room / size))


def _mean(minute: Minute, minutes: Sequence[Minute], of: Callable[[Minute], int]) -> float:
    """What a request came to in this minute, or in the window where the minute forwarded none."""
    if minute.forwarded:
        return of(minute) / minute.forwarded
    forwarded = sum(each.forwarded for each in minutes)
    return sum(map(of, minutes)) / forwarded if forwarded else 0.0


def _summed(minutes: Sequence[Minute], admitted: int, spend_nano: int) -> Estimate:
    before = sum(minute.forwarded for minute in minutes)
    requests = sum(minute.came for minute in minutes)
    return Estimate(
        WINDOW_MINUTES,
        requests,
        before,
        admitted,
        requests - before,
        requests - admitted,
        sum(minute.cost_nano for minute in minutes),
        spend_nano,
    )


def _cost(minute: Minute) -> int:
    return minute.cost_nano
