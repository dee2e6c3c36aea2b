"""What would have let a refused request pass, from what its record says of its gates."""

from quotadeck.domain.bucket import needed, relimited
from quotadeck.domain.gate import Gate
from quotadeck.domain.limits import MAX_PER_MINUTE, Priority, RateLimit
from quotadeck.domain.money import PICO_PER_NANO
from quotadeck.domain.price import Price
from quotadeck.domain.rules import RULES, Measure, Rule, Windows, bucket_of
from quotadeck.domain.subject import SubjectKind


def rule_of(gate: Gate) -> Rule | None:
    """The kind of limit that refused; None where only a newer version knows it."""
    _, kind = bucket_of(gate.bucket)
    return next((rule for rule in RULES if rule.kind == kind), None)


def least_limit(gate: Gate, priority: Priority, windows: Windows = Windows()) -> int | None:  # noqa: B008 frozen
    """The least limit under which it had passed this gate, as people set it; None for none.

    What was used stays used: the very step that a change of the limit would have been.
    """
    rule = rule_of(gate)
    if rule is None:
        return None
    if rule.measure is not Measure.RATE:
        return gate.limit + max(0, gate.asked - gate.level)
    window_s = windows.token_s if rule.counts else windows.request_s
    shared = bucket_of(gate.bucket)[0].kind is not SubjectKind.PROJECT
    old = RateLimit(gate.limit, window_s)

    def passes(per_minute: int) -> bool:
        new = RateLimit(per_minute, window_s)
        need = needed(gate.asked, new, priority, shared=shared)
        return relimited(gate.level, old, new) >= need

    low, high = gate.limit, MAX_PER_MINUTE
    if not passes(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle + 1, high)
    return low


def fewer_tokens(gate: Gate, price: Price) -> int | None:
    """So many output tokens fewer at most, and it had fitted into what was left of the budget.

    None where it does not come down to the money, or even an answer of no token would not fit.
    """
    rule = rule_of(gate)
    if rule is None or rule.measure is not Measure.MONEY or not price.output_pico:
        return None
    fewer = -(-(gate.asked - gate.level) * PICO_PER_NANO // price.output_pico)
    most = gate.asked * PICO_PER_NANO // price.output_pico
    return fewer if 0 < fewer < most and gate.level > 0 else None
