"""All that is told of one call, line by line: the same on the screen and in the commands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final, NamedTuple

from quotadeck.domain.calls import Attempt, Call, Counted, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.gate import Gate
from quotadeck.domain.history import FoundCall
from quotadeck.domain.lifts import fewer_tokens, least_limit, rule_of
from quotadeck.domain.limits import MICRO, Priority
from quotadeck.domain.money import PICO_PER_USD_PER_MTOK, nano_of_pico
from quotadeck.domain.notice import Fact
from quotadeck.domain.price import UNKNOWN_VERSION, Price, Rates
from quotadeck.domain.rules import RULE_OF, Measure, Windows, bucket_of
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.domain.usage import Usage
from quotadeck.words import text
from quotadeck.words.calls import because, key_tail, outcome
from quotadeck.words.commands import field_word, value
from quotadeck.words.numbers import latency
from quotadeck.words.times import local


class Part(NamedTuple):
    """A line: what it tells of, the words, and the role that they are drawn in."""

    label: str
    words: str
    role: str = "normal"


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside the record. Empty where nobody could be asked.

    ``passed`` are (limit, used) of its project's limits, by their field, as they were; ``label`` is
    the key's. Where it was not ``asked`` for by its id, nothing says whether a price is on record.
    """

    zone: tzinfo | None = None
    label: str = ""
    asked: bool = False
    windows: Windows = field(default_factory=Windows)
    passed: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def account(found: FoundCall, beside: Beside) -> list[Part]:
    """The call in full. Where it was only counted, of the record into which it was."""
    parts: list[Part] = []
    price = found.price if found.is_own else None
    if not found.is_own:
        kind = "account.counted" if len(found.calls) == 1 else "account.counted.more"
        parts.append(_part("found", kind, "attention", count=len(found.calls)))
    for call in found.calls:
        parts += _of(call, beside, price)
    return parts


def _of(call: Call, beside: Beside, price: Price | None) -> Iterator[Part]:
    yield _who(call, beside)
    if call.counted is not None:
        yield _run(call, call.counted, beside)
    yield Part(text("account.label.ended"), _ended(call), _role(call))
    for gate in call.gates:
        yield Part(text("account.label.refused_by"), _gate(gate), "attention")
    yield from _lifted(call, beside, price)
    if call.outcome is Outcome.REFUSED:
        yield from _passed(call, beside)
    if call.shadowed:
        yield _part("shadow", "account.shadow", bucket=clean(call.shadowed))
    for number, attempt in enumerate(call.attempts, 1):
        yield Part(text("account.label.attempt", number=number), _attempt(attempt), "normal")
    if call.target:
        yield from _served(call)
        yield from _cost(call, price, beside)
    yield from _seen(call)


def _part(label: str, kind: str, role: str = "normal", /, **facts: Fact) -> Part:
    return Part(text(f"account.label.{label}"), text(kind, **facts), role)


def _role(call: Call) -> str:
    return "normal" if call.outcome is Outcome.OK else "attention"


def _who(call: Call, beside: Beside) -> Part:
    at = local(call.at_us, beside.zone)
    facts: dict[str, Fact] = {
        "at": f"{at:%d %b %H:%M:%S}.{call.at_us // 1_000 % 1_000:03}",
        "project": clean(call.project) or None,
        "key": key_tail(call.key_id) if call.key_id else None,
        "label": clean(beside.label) or None,
        "model": clean(call.model) or None,
        "retry": call.retry or None,
        "stream": text("account.streamed") if call.stream else None,
        "own": clean(call.client_request_id) or None,
    }
    return _part("came", "account.came", **facts)


def _run(call: Call, counted: Counted, beside: Beside) -> Part:
    first, last = (
        f"{local(us, beside.zone):%H:%M:%S}.{us // 1_000 % 1_000:03}"
        for us in (counted.first_us, counted.last_us)
    )
    return _part(
        "counted", "account.run", "attention", count=call.count, first=first, last=last,
        keys=counted.keys,
    )  # fmt: skip


def _ended(call: Call) -> str:
    facts: dict[str, Fact] = {
        "took": latency(call.total_ms) if call.total_ms else None,
        "first": latency(call.first_byte_ms) if call.first_byte_ms else None,
    }
    return text("account.ended", outcome=outcome(call), **facts)


def _gate(gate: Gate) -> str:
    rule, bucket = rule_of(gate), clean(gate.bucket)
    if rule is None:
        return bucket
    if rule.measure is Measure.MONEY:
        return text("account.gate.money", bucket=bucket, asked=_usd(gate.asked),
                    stands=_usd(gate.level), limit=_usd(gate.limit))  # fmt: skip
    if rule.measure is Measure.SLOTS:
        taken = gate.limit - gate.level
        return text("account.gate.slots", bucket=bucket, taken=taken, limit=gate.limit)
    facts: dict[str, Fact] = {
        "bucket": bucket,
        "asked": -(-gate.asked // MICRO),
        "stands": gate.level // MICRO,
        "limit": gate.limit,
    }
    kind = "account.gate.tokens" if rule.counts else "account.gate.requests"
    return text(f"{kind}.debt" if gate.level < 0 else kind, **facts)


def _usd(nano: int) -> str:
    """Four decimals at least: what a call costs is less than a cent."""
    sign, nano = ("−", -nano) if nano < 0 else ("", nano)
    places = 2 if nano % 10_000_000 == 0 else 4 if nano >= 100_000 else 6
    return f"{sign}${nano / 1_000_000_000:,.{places}f}"


def _lifted(call: Call, beside: Beside, price: Price | None) -> Iterator[Part]:
    """What would have let it pass: of every gate at once."""
    if call.cause is Cause.PAUSED:
        yield _part("lifted", "account.lifted.pause")
    if call.counted is not None or not call.gates:
        return  # the run's amounts are sums, and each of it was another request
    told = [_lift(gate, call, beside, price) for gate in call.gates]
    if not all(told):
        return
    if call.wait_ms is not None and call.wait_ms <= _WORTH_WAITING_MS:
        yield _part("lifted", "account.lifted.wait", wait=latency(max(1, call.wait_ms)))
    yield Part(text("account.label.lifted"), text("account.lifted", lifts=tuple(told)), "strong")


_WORTH_WAITING_MS: Final = 60_000


def _lift(gate: Gate, call: Call, beside: Beside, price: Price | None) -> str:
    rule, least = rule_of(gate), least_limit(gate, Priority(call.priority), beside.windows)
    if rule is None or least is None:
        return ""
    if rule.measure is not Measure.MONEY:
        return text("account.lift", field=rule.field, least=f"{least:,}")
    fewer = fewer_tokens(gate, price) if price else None
    most = None if fewer is None else call.estimated_output - fewer
    return text("account.lift.money", least=_ceil_usd(least), most=most or None)


def _ceil_usd(nano: int) -> str:
    """Rounded up to four decimals, so that what is said is enough."""
    return f"${-(-nano // 100_000) / 10_000:,.4f}"


def _passed(call: Call, beside: Beside) -> Iterator[Part]:
    if not call.gates:
        return  # what refused it was asked before any limit was
    own = Subject.project(call.project)
    bound = {
        kind for whose, kind in (bucket_of(gate.bucket) for gate in call.gates) if whose == own
    }
    let = {name: of for name, of in beside.passed.items() if RULE_OF[name].kind not in bound}
    if let:
        told = (
            f"{field_word(name)} {value(name, used)}/{value(name, limit)}"
            for name, (limit, used) in let.items()
        )
        yield _part("others", "account.others", gates=" · ".join(told))
    else:
        yield _part("others", "account.others.unlisted", "dim")


def _attempt(attempt: Attempt) -> str:
    return text(
        "account.attempt",
        target=clean(attempt.target),
        status=attempt.http_status or None,
        by=because(attempt.cause) if attempt.cause else text("account.went_well"),
        took=latency(attempt.ms),
        own=clean(attempt.request_id) or None,
    )


def _served(call: Call) -> Iterator[Part]:
    yield _part(
        "target",
        "account.target",
        target=clean(call.target),
        model=clean(call.served_model) if call.served_model != call.model else None,
        step=call.fallback_step or None,
        own=clean(call.response_id) or None,
    )


def _cost(call: Call, price: Price | None, beside: Beside) -> Iterator[Part]:
    """Line by line where the price is on record; the sum in any case."""
    usage = call.usage
    rates = price.rates(usage.tier, usage.input_tokens) if price else None
    counts = _counts(usage, rates)
    any_used = any(count for _, count, _ in counts)
    unpriced = call.price_version == UNKNOWN_VERSION
    asked = beside.asked and not unpriced
    if usage.tier:
        unlisted = unpriced or (price is not None and not price.lists(usage.tier))
        kind = "account.tier.unlisted" if unlisted else "account.tier"
        yield _part("tier", kind, "attention" if unlisted else "normal", tier=clean(usage.tier))
    for name, count, pico in counts:
        if not count:
            continue
        kind = "account.tokens" if price is None else "account.tokens.priced"
        words = text(
            kind,
            count=count,
            what=text(f"account.what.{name}"),
            price=f"${pico / PICO_PER_USD_PER_MTOK:,.6g}",
            cost=_exact(nano_of_pico(count * pico)),
        )
        yield Part(text("account.label.tokens"), words)
    if usage.web_searches:
        yield _part("fees", "account.searches", count=usage.web_searches, cost=_fees(call))
    elif call.fees_nano_usd:
        yield _part("fees", "account.fees", cost=_exact(call.fees_nano_usd))
    if usage.stated_nano is not None:
        yield _part("stated", "account.stated", cost=_exact(usage.stated_nano))
    estimated = (
        text("account.estimated") if usage.is_estimate or call.outcome is Outcome.UNKNOWN else None
    )
    yield _part(
        "cost",
        "account.cost",
        "strong",
        cost=_told_cost(call) if unpriced else _exact(call.cost_nano_usd),
        unknown=text("account.no_price") if asked and price is None and any_used else None,
        prices=clean(call.price_version) or None,
        held=_exact(call.held_nano_usd) if call.held_nano_usd else None,
        estimated=estimated,
    )


def _told_cost(call: Call) -> str:
    """Of a call whose price nobody knows."""
    charged = _exact(call.cost_nano_usd) if call.cost_nano_usd else None
    return text("account.cost.unknown", charged=charged)


def _counts(usage: Usage, rates: Rates | None) -> tuple[tuple[str, int, int], ...]:
    """What was used of each kind of tokens, and what one costs, in pico-dollars."""
    fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    hour = usage.cache_write_1h_tokens
    return (
        ("input", fresh, rates.input_pico if rates else 0),
        ("cached", usage.cached_tokens, rates.cached_input_pico if rates else 0),
        ("written", usage.cache_write_tokens - hour, rates.cache_write_pico if rates else 0),
        ("written_1h", hour, rates.cache_write_1h_pico if rates else 0),
        ("output", usage.output_tokens, rates.output_pico if rates else 0),
    )


def _fees(call: Call) -> str | None:
    return _exact(call.fees_nano_usd) if call.fees_nano_usd else None


def _exact(nano: int) -> str:
    whole = f"{nano / 1_000_000_000:,.9f}".rstrip("0")
    return "$" + (whole + "00" if whole.endswith(".") else whole)


def _seen(call: Call) -> Iterator[Part]:
    """What the client was told: its status, and whether and when to try again."""
    if not call.http_status:
        return
    kind = _SEEN.get(call.cause, "account.seen")
    wait_ms = call.wait_ms
    after = None if wait_ms is None else str(max(1, -(-wait_ms // 1_000)))
    exactly = None if wait_ms is None else str(max(1, wait_ms))
    yield _part("saw", kind, status=call.http_status, after=after, exactly=exactly)


_SEEN: Final = {
    Cause.BUDGET: "account.seen.budget",
    Cause.RPM: "account.seen.limit",
    Cause.TPM: "account.seen.limit",
    Cause.CONCURRENCY: "account.seen.limit",
    Cause.TARGET_RPM: "account.seen.limit",
    Cause.TARGET_TPM: "account.seen.limit",
    Cause.PAUSED: "account.seen.paused",
}
