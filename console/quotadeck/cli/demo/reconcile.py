"""Reconciliation: our ledger against the upstream's own log and the traffic's own counts.

Every call that the upstream billed must be in the ledger once, under the request id that we sent,
with its response id, tokens and cost; every call that the ledger charged must be in the log. A
reply that was cut short (``delivered`` is false) cannot tell us its usage: it is compared by id,
and the ledger may charge more than the upstream billed, never less.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quotadeck.domain.calls import Call, Outcome

SHOWN = 50
"""Differences listed; more are only counted."""


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of the upstream's log."""

    request_id: str
    response_id: str
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_nano_usd: int
    delivered: bool

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Billed":
        """From the line's JSON object."""
        return cls(
            request_id=line["request_id"] or "",
            response_id=line["id"],
            model=line["model"],
            input_tokens=line["prompt_tokens"],
            cached_tokens=line["cached_tokens"],
            output_tokens=line["completion_tokens"],
            cost_nano_usd=line["cost_nano_usd"],
            delivered=line["delivered"],
        )


def differences(calls: Sequence[Call], billed: Sequence[Billed]) -> Iterator[str]:
    """What the ledger and the upstream's log disagree on, a line each; nothing when all is well."""
    ours: dict[str, Call] = {}
    for call in calls:
        if call.outcome is Outcome.REFUSED:
            continue
        if call.id in ours:
            yield f"{call.id}: twice in the ledger"
        ours[call.id] = call
    theirs: dict[str, Billed] = {}
    for bill in billed:
        if bill.request_id in theirs:
            yield f"{bill.request_id}: billed twice by the upstream"
        theirs[bill.request_id] = bill
    for request_id, bill in theirs.items():
        if request_id in ours:
            yield from _compared(ours[request_id], bill)
        else:
            yield f"{request_id or '(no request id)'}: billed {bill.response_id}, not in the ledger"
    for request_id, call in ours.items():
        if request_id not in theirs and (call.outcome is Outcome.OK or call.cost_nano_usd):
            yield f"{request_id}: {call.outcome} in the ledger, unknown to the upstream"


def _compared(call: Call, bill: Billed) -> Iterator[str]:
    if call.response_id != bill.response_id and (bill.delivered or call.response_id):
        yield f"{call.id}: response id {call.response_id!r}, the upstream's {bill.response_id!r}"
    if not bill.delivered:
        if call.cost_nano_usd < bill.cost_nano_usd:
            yield f"{call.id}: cut short, {call.cost_nano_usd} n$ < {bill.cost_nano_usd} n$ billed"
        return
    for what, mine, their in (
        ("input tokens", call.usage.input_tokens, bill.input_tokens),
        ("cached tokens", call.usage.cached_tokens, bill.cached_tokens),
        ("output tokens", call.usage.output_tokens, bill.output_tokens),
        ("nano-dollars", call.cost_nano_usd, bill.cost_nano_usd),
    ):
        if mine != their:
            yield f"{call.id}: {mine} {what}, the upstream's {their}"


def summed(calls: Iterable[Call]) -> dict[str, int]:
    """Nano-dollars by project, of all calls."""
    spend: Counter[str] = Counter()
    for call in calls:
        spend[call.project] += call.cost_nano_usd
    return dict(spend)


def spend_differences(calls: Sequence[Call], rolled_up: Mapping[str, int]) -> Iterator[str]:
    """Where the roll-ups' money is not that of the calls."""
    counted = summed(calls)
    for project in sorted(counted.keys() | rolled_up.keys()):
        mine, rolled = counted.get(project, 0), rolled_up.get(project, 0)
        if mine != rolled:
            yield f"project {project}: roll-ups say {rolled} n$, the calls {mine} n$"


def traffic_differences(calls: Sequence[Call], traffic: Mapping[str, Any]) -> Iterator[str]:
    """Where the clients' own counts are not the ledger's.

    A request that failed on the client's side (cut at the end, a broken connection) may have ended
    in any way on ours, so each of them widens what is accepted by one.
    """
    ok: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for call in calls:
        if call.outcome is Outcome.OK:
            ok[call.project] += call.count
        elif call.outcome in (Outcome.REFUSED, Outcome.CLIENT_ERROR):
            refused[call.project] += call.count
    for project, told in traffic["by_project"].items():
        slack = sum(told["failed"].values())
        for what, mine, their in (
            ("admitted", ok[project], told["admitted"]),
            ("refused", refused[project], sum(told["refused"].values())),
        ):
            if not their <= mine <= their + slack:
                yield f"project {project}: {mine} {what} in the ledger, its clients count {their}"


def report(
    calls: Sequence[Call],
    billed: Sequence[Billed],
    traffic: Mapping[str, Any],
    rolled_up: Mapping[str, int],
) -> dict[str, Any]:
    """The demo's closing JSON object; see `quotadeck.cli.demo`."""
    found = [
        *differences(calls, billed),
        *spend_differences(calls, rolled_up),
        *traffic_differences(calls, traffic),
    ]
    refused: Counter[str] = Counter()
    for call in calls:
        if call.outcome is Outcome.REFUSED:
            refused[call.cause.value] += call.count
    forwarded = [call for call in calls if call.outcome is not Outcome.REFUSED]
    return {
        "calls": {
            "sent": traffic["sent"],
            "admitted": len(forwarded),
            "refused": dict(sorted(refused.items())),
            "failed": dict(sorted(traffic["failed"].items())),
        },
        "spend_nano_usd": dict(sorted(rolled_up.items())),
        "upstream": {
            "calls": len(billed),
            "spend_nano_usd": sum(bill.cost_nano_usd for bill in billed),
            "cut_short": sum(not bill.delivered for bill in billed),
        },
        "reconciled": not found,
        "differences": found[:SHOWN],
        "differences_count": len(found),
    }
