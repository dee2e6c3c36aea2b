"""Calls on record, for tests of the screen: paged and searched as the gateway does it."""

from dataclasses import dataclass, field
from typing import Any, Final

from quotadeck.domain.calls import Attempt, Call, Counted, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.gate import Gate
from quotadeck.domain.history import FoundCall
from quotadeck.domain.ids import new_id
from quotadeck.domain.limits import MICRO
from quotadeck.domain.pages import CallRow, CallsPage
from quotadeck.domain.price import Price
from quotadeck.domain.sought import Sought
from quotadeck.domain.usage import Usage
from tests.tui.scenes import AT_US, usd

EPOCH: Final = 1
PRICE: Final = Price(2_000_000, 8_000_000, 500_000, 2_000_000, "2026-11-01")


def call(number: int, *, ago_ms: int = 0, **more: Any) -> Call:
    """An answered call of checkout's, so long before the reading."""
    at_us = AT_US - ago_ms * 1_000
    made = Call(
        id=new_id("req", at_us, number.to_bytes(10, "big")),
        at_us=at_us,
        day="2026-11-23",
        project="checkout",
        key_id="0b21a86f",
        priority=0,
        model="gpt-4.1",
        outcome=Outcome.OK,
        cause=Cause.NONE,
        http_status=200,
        served_model="gpt-4.1",
        target="main/gpt-4.1",
        held_nano_usd=usd(0.0069),
        cost_nano_usd=usd(0.0021),
        price_version="2026-11-01",
        first_byte_ms=380,
        total_ms=460,
        usage=Usage(410, 0, 42),
    )
    return made._replace(**more)


def refused(number: int, *, ago_ms: int = 0, cause: Cause = Cause.BUDGET, **more: Any) -> Call:
    """One of checkout's that its budget did not cover."""
    gates = {
        Cause.BUDGET: Gate("project:checkout:budget", usd(0.75), usd(0.0069), usd(0.0031)),
        Cause.RPM: Gate("project:checkout:rpm", 120, MICRO, 0),
    }
    gate = gates.get(cause)
    return call(
        number, ago_ms=ago_ms, outcome=Outcome.REFUSED, cause=cause, http_status=429,
        served_model="", target="", cost_nano_usd=0, price_version="", first_byte_ms=0,
        total_ms=0, usage=Usage(), held_nano_usd=usd(0.0069), retry=3,
        estimated_input=1_102, estimated_output=587,
        gates=(gate,) if gate else (), binding=gate.bucket if gate else "",
    )._replace(**more)  # fmt: skip


def night() -> tuple[Call, ...]:
    """Half a minute of a bad night, oldest first."""
    failed = Attempt("main/gpt-4.1", Cause.UPSTREAM_5XX, 502, 1_200, "up_77")
    return (
        call(1, ago_ms=26_400_000, project="batch-embed", model="gemini-2.5-flash",
             target="main/gemini-2.5-flash", served_model="gemini-2.5-flash"),
        call(2, ago_ms=41_000, project="search", total_ms=12_400, cost_nano_usd=usd(0.31),
             usage=Usage(51_000, 48_000, 1_024)),
        call(3, ago_ms=32_000, attempts=(failed,), fallback_step=1, served_model="gemini-2.5-flash",
             target="main/gemini-2.5-flash", total_ms=4_100),
        call(4, ago_ms=21_000, project="search", outcome=Outcome.UPSTREAM_ERROR,
             cause=Cause.UPSTREAM_429, http_status=429, cost_nano_usd=0, usage=Usage(),
             attempts=(failed._replace(cause=Cause.UPSTREAM_429, http_status=429),)),
        refused(5, ago_ms=12_000, cause=Cause.RPM, wait_ms=480, priority=2),
        refused(6, ago_ms=4_959),
        refused(7, ago_ms=4_900, count=12,
                counted=Counted(AT_US - 4_900_000, AT_US - 4_010_000, 2, usd(0.08), usd(0.009))),
        call(8, ago_ms=2_000, stream=True),
    )  # fmt: skip


@dataclass
class CallBook:
    """``calls`` in the order of their numbers; a search looks at ``looks`` of them at once."""

    calls: list[Call] = field(default_factory=list)
    looks: int = 20_000
    prices: dict[str, Price] = field(default_factory=dict)
    """Those on record, by the call's id."""
    asked: int = 0
    """How many pages were asked for."""

    def page(
        self,
        *,
        last: int,
        before: str | None = None,
        after: str | None = None,
        **asked: Any,
    ) -> CallsPage:
        self.asked += 1
        it = Sought(**asked)
        start = int(after.partition(":")[2]) if after else 0
        end = int(before.partition(":")[2]) - 1 if before else len(self.calls)
        end = min(end, len(self.calls))
        low, high = start + 1, end
        if after:
            high = min(high, low + self.looks - 1)
        else:
            low = max(low, high - self.looks + 1)
        found = [
            CallRow(seq, self.calls[seq - 1])
            for seq in range(low, high + 1)
            if it.finds(self.calls[seq - 1])
        ]
        if after:
            rows = found[:last]
            to = rows[-1].seq if len(rows) == last else max(start, high)
            more = to < end
            return CallsPage(tuple(rows), f"{EPOCH}:{to}", more)
        rows = found[-last:]
        to = rows[0].seq if len(rows) == last else low
        return CallsPage(
            tuple(rows),
            f"{EPOCH}:{rows[-1].seq if rows else high}",
            to > 1,
            f"{EPOCH}:{to}",
            self.calls[to - 1].at_us if to > 1 else None,
        )

    def find(self, request_id: str) -> FoundCall | None:
        for one in self.calls:
            if one.id == request_id:
                return FoundCall(is_own=True, calls=(one,), price=self.prices.get(one.id))
        near = [one for one in self.calls if one.counted and request_id[:12] == one.id[:12]]
        return FoundCall(is_own=False, calls=tuple(near)) if near else None
