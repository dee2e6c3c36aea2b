"""What every dialect keeps, whatever it looks like: run by `tests.dialects.test_conformance`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from quotadeck.dialects.base import Dialect
from quotadeck.domain import refusals as r
from quotadeck.domain.cause import Cause
from quotadeck.domain.lease import LeaseEnd
from quotadeck.domain.lease_refusals import (
    LeaseOver,
    NoSuchLease,
    TooManyLeases,
    TooManyReports,
)
from quotadeck.domain.limits import rpm
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage

HOSTILE: Final = "evil\x1b]52;c;aGk=\x07\r\nx-injected: 1\u202e"
USAGE: Final = Usage(12, 0, 34)
RATES: Final = (r.RateLevel(LimitKind.RPM, rpm(60), 7_000_000),)
REFUSALS: Final[tuple[r.Refusal, ...]] = (
    r.KeyMissing(),
    r.KeyMalformed(HOSTILE),
    r.KeysDiffer(),
    r.ProjectsDiffer(),
    r.KeyUnknown(),
    r.KeyRevoked("k_1", "analytics"),
    r.ProjectNotOfKey(HOSTILE, ("analytics",)),
    r.NoSuchPath("/v2/" + HOSTILE, ("/v1/models",), "/v1/models"),
    r.WrongMethod(HOSTILE, "GET"),
    r.BodyTooLarge(10_485_760),
    r.BodyCut(),
    r.CodingUnknown(HOSTILE, ("gzip",)),
    r.Garbled(HOSTILE),
    r.NotHttp(431, HOSTILE),
    r.NotJson(HOSTILE),
    r.BadField("messages", HOSTILE),
    r.BadHeader("X-Client-Request-Id", HOSTILE),
    r.UnknownModel(HOSTILE, ("gpt-4.1",)),
    r.ModelNotAllowed(HOSTILE, "analytics", ("flash",)),
    r.NotSpoken("chat", HOSTILE, ("messages",)),
    r.Unbounded("tools[0] (web_search)", "web_search", "analytics"),
    r.ChoiceNotAllowed("service_tier", HOSTILE, "analytics", ("flex",)),
    r.NotOfProject("response", HOSTILE, "analytics"),
    r.Paused(Subject.project("analytics"), "", None),
    r.InputTooLong("opus", 20_000, 10_000),
    r.OutputTooLong("opus", 20_000, 10_000),
    r.PriceUnknown("analytics", "opus", "main/opus"),
    r.OverWholeBudget("analytics", 2 * 10**9, 10**9, bound_is_estimate=True),
    r.LimitReached("project:analytics:rpm", 60, "rpm", 1, 1_001, Cause.RPM),
    r.BudgetSpent("analytics", 10**9, 5, 20, 10**15, "2026-11-24", "b", 43_200_000),
    NoSuchLease(HOSTILE, "analytics"),
    LeaseOver(HOSTILE, LeaseEnd.RAN_OUT, 10**15),
    TooManyLeases(64),
    TooManyReports(6_000, 250),
    r.LedgerUnavailable(HOSTILE),
    r.Draining(),
    r.AnswerCut(),
    r.TooManyRequests(252),
    r.BodiesTooLarge(30 * 1024 * 1024),
    r.UpstreamRefused(400, "No.", "", None, None, "", "", Cause.UPSTREAM_4XX),
    r.UpstreamFailed(HOSTILE, Cause.UNREACHABLE),
)
"""One of each kind; a kind that is missing fails a test of its own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A dialect, and how it says the same things: ``opus`` is asked, `USAGE` is used."""

    dialect: Dialect
    path: str
    request: bytes
    streaming: bytes
    wrong: bytes
    """A request without its model."""
    names_model: bytes
    """How a forwarded request names the model ``target-model``."""
    reply: bytes
    """With the id ``id-1``."""
    stream: bytes
    """The same answer as a stream, in three deltas."""
    failing: bytes
    """A stream that ends in an error whose words are ``overloaded``."""
    error: bytes
    """A reply with an error whose words are ``overloaded``."""


def kinds(base: type[r.Refusal] = r.Refusal) -> Iterator[type[r.Refusal]]:
    """All kinds of refusal that there are."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def lines_of(head: bytes) -> dict[bytes, bytes]:
    """Head lines by name; each ends, has a name, and stands once."""
    if not head:
        return {}
    assert head.endswith(b"\r\n")
    lines = head[:-2].split(b"\r\n")
    named = dict(line.split(b": ", 1) for line in lines)
    assert len(named) == len(lines)
    assert not set(b"".join(lines)) & {*range(32), 127}
    return named


def told(sample: Sample, refusal: Exception) -> dict[str, Any]:
    """What can be compared of a refusal's reply."""
    reply = sample.dialect.refusal(refusal)
    return {"status": reply.status, "head": lines_of(reply.head), "body": reply.body}
