"""The kinds of limits, a row each: what is special about a kind stands in its row and nowhere else.

A new kind is a row here, a `Field` to set it by, a `Cause` that its refusals have, and a key of the
config file. The plan, admission, the settling of what was really used, the estimate of a change,
the readings of a row and the commands follow from the row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache, lru_cache
from typing import Final, NamedTuple, Protocol

from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.limits import (
    MAX_PER_MINUTE,
    MAX_SLOTS,
    REQUEST_WINDOW_S,
    TOKEN_WINDOW_S,
    RateLimit,
    SlotLimit,
)
from quotadeck.domain.money import MAX_NANO_USD
from quotadeck.domain.subject import Subject, SubjectKind


class LimitKind(StrEnum):
    """A kind's word: in the config file's ``shadow``, and at the end of a bucket's key."""

    RPM = "rpm"
    TPM = "tpm"
    CONCURRENCY = "concurrency"
    BUDGET = "budget"


class Measure(Enum):
    """What a limit is measured against, which decides its bucket."""

    RATE = "a minute"
    SLOTS = "at once"
    MONEY = "a day"


class Amounts(Protocol):
    """What a request will use at most, or has used."""

    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def cost_nano(self) -> int: ...


class Used(NamedTuple):
    """What one request has used."""

    input_tokens: int
    output_tokens: int
    cost_nano: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of limit.

    ``counts`` is what a request takes of it, in whole units; None where that is the request itself.
    ``causes`` are those of its refusals, by whose limit it is: a project's, a target's. ``most`` is
    the highest value that may be set; ``trifle`` one that lets next to nothing through, whatever
    was used; ``short`` its name where there is little room.
    """

    kind: LimitKind
    field: Field
    measure: Measure
    causes: Mapping[SubjectKind, Cause]
    counts: Callable[[Amounts], int] | None = None
    most: int = MAX_PER_MINUTE
    trifle: int = 1
    short: str = ""

    @property
    def name(self) -> str:
        """As people say it."""
        return self.short or self.kind.value

    def used(self, of: Amounts) -> int:
        """What one request has used, in whole units."""
        return 1 if self.counts is None else self.counts(of)


@dataclass(frozen=True, slots=True)
class Windows:
    """Seconds of a rate that its bucket holds: the burst."""

    request_s: int = REQUEST_WINDOW_S
    token_s: int = TOKEN_WINDOW_S

    def limit(self, rule: Rule, value: int) -> RateLimit | SlotLimit:
        """The bucket's limit; not of money, whose limit is a day's."""
        if rule.measure is Measure.RATE:
            return _rate(value, self.token_s if rule.counts else self.request_s)
        return _slots(value)


# Ten thousand projects have a handful of different limits between them.
_rate, _slots = lru_cache(4_096)(RateLimit), lru_cache(4_096)(SlotLimit)


def _tokens(of: Amounts) -> int:
    return of.input_tokens + of.output_tokens


def _cost(of: Amounts) -> int:
    return of.cost_nano


RULES: Final = (
    Rule(
        LimitKind.RPM,
        Field.RPM,
        Measure.RATE,
        {SubjectKind.PROJECT: Cause.RPM, SubjectKind.TARGET: Cause.TARGET_RPM},
    ),
    Rule(
        LimitKind.TPM,
        Field.TPM,
        Measure.RATE,
        {SubjectKind.PROJECT: Cause.TPM, SubjectKind.TARGET: Cause.TARGET_TPM},
        _tokens,
        trifle=1_000,
    ),
    Rule(
        LimitKind.CONCURRENCY,
        Field.CONCURRENCY,
        Measure.SLOTS,
        {SubjectKind.PROJECT: Cause.CONCURRENCY},
        most=MAX_SLOTS,
        short="slots",
    ),
    Rule(
        LimitKind.BUDGET,
        Field.BUDGET,
        Measure.MONEY,
        {SubjectKind.PROJECT: Cause.BUDGET},
        _cost,
        most=MAX_NANO_USD,
        trifle=10_000_000,
    ),
)
"""In the order in which people read them."""

RULE_OF: Final[Mapping[str, Rule]] = {rule.field: rule for rule in RULES}
"""By the field that sets it."""
RULE_BY_CAUSE: Final[Mapping[str, Rule]] = {
    cause: rule for rule in RULES for cause in rule.causes.values()
}
"""By the cause of its refusals."""
LIMIT_FIELDS: Final = tuple(rule.field for rule in RULES)


def is_money(field: str | None) -> bool:
    """Whether what the field sets is nano-dollars."""
    rule = RULE_OF.get(field or "")
    return rule is not None and rule.measure is Measure.MONEY


@cache
def rules_of(kind: SubjectKind) -> tuple[Rule, ...]:
    """The kinds of limits that such a subject can have."""
    return tuple(rule for rule in RULES if kind in rule.causes)


def bucket_key(subject: Subject | str, kind: LimitKind) -> str:
    """``project:analytics:rpm``: the name of a bucket wherever buckets are kept or written down."""
    return f"{subject}:{kind}"


def bucket_of(key: str) -> tuple[Subject, str]:
    """Whose bucket it is, and its kind's word: what `bucket_key` put together."""
    subject, _, kind = key.rpartition(":")
    return Subject.parse(subject), kind
