"""The live figures of a project: what passed in the last minutes, and since when it is refused."""

import pytest

from console.domain.calls import REFUSAL_CAUSES, Cause, Outcome
from console.domain.snapshot import Flow
from console.gateway.flows import Flows
from tests.gateway.values import call

SECOND_NS = 1_000_000_000
START_NS = 7 * SECOND_NS


def test_nothing_yet_is_all_zeros_and_quiet() -> None:
    flows = Flows()
    assert flows.quiet()
    assert flows.flow(START_NS) == Flow()
    assert flows.models(START_NS) == ()


def test_request_is_in_flight_until_its_end() -> None:
    flows = Flows()
    flows.admitted(START_NS, "opus")
    assert flows.flow(START_NS).in_flight == 1
    assert not flows.quiet()
    flows.ended(START_NS + SECOND_NS, call())
    flow = flows.flow(START_NS + SECOND_NS)
    assert (flow.in_flight, flow.requests_60s, flow.tokens_60s, flow.forwarded_5m) == (0, 1, 120, 1)
    assert flow.spent_10m_nano == flow.spent_60m_nano == 360_000
    assert flow.p95_ms is not None
    assert 150 <= flow.p95_ms <= 150 * 1.42


def test_each_figure_leaves_after_its_own_time_until_all_is_quiet() -> None:
    flows = Flows()
    flows.admitted(START_NS, "opus")
    flows.ended(START_NS, call())
    seen = []
    for after_s in (59, 61, 311, 611, 3_661):
        flow = flows.flow(START_NS + after_s * SECOND_NS)
        flows.models(START_NS + after_s * SECOND_NS)
        seen.append((flow.requests_60s, flow.forwarded_5m, flow.spent_10m_nano > 0))
    assert seen == [(1, 1, True), (0, 1, True), (0, 0, True), (0, 0, False), (0, 0, False)]
    assert flows.flow(START_NS + 3_661 * SECOND_NS) == Flow()
    assert flows.quiet()


@pytest.mark.parametrize(
    ("outcome", "cause", "errors"),
    [
        (Outcome.OK, Cause.NONE, 0),
        (Outcome.OK, Cause.CLIENT_GONE, 0),
        (Outcome.CLIENT_ERROR, Cause.UPSTREAM_4XX, 0),
        (Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX, 1),
        (Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_429, 1),
        (Outcome.UNKNOWN, Cause.TIMEOUT, 1),
        (Outcome.UNKNOWN, Cause.BROKEN_REPLY, 1),
        (Outcome.UNKNOWN, Cause.CLIENT_GONE, 0),
        (Outcome.UNKNOWN, Cause.RESTART, 0),
    ],
)
def test_only_what_the_upstream_did_wrong_is_its_error(
    outcome: Outcome, cause: Cause, errors: int
) -> None:
    flows = Flows()
    flows.admitted(START_NS, "opus")
    flows.ended(START_NS, call(outcome=outcome, cause=cause))
    assert flows.flow(START_NS).errors_5m == errors
    assert flows.upstream_429_60s(START_NS) == (cause is Cause.UPSTREAM_429)


def test_commonest_cause_of_the_last_minute_is_named() -> None:
    flows = Flows()
    for cause in (Cause.TPM, Cause.RPM, Cause.TPM):
        flows.refused(START_NS, cause)
    flow = flows.flow(START_NS)
    assert (flow.refused_60s, flow.refused_cause) == (3, "tpm")


@pytest.mark.parametrize("cause", REFUSAL_CAUSES)
def test_every_cause_of_refusal_is_counted(cause: Cause) -> None:
    flows = Flows()
    flows.refused(START_NS, cause)
    assert flows.flow(START_NS).refused_cause == str(cause)


def test_trouble_lasts_until_half_a_minute_of_calm() -> None:
    flows = Flows()
    since = []
    for at_s in (0, 29, 58, 88, 120):
        at_ns = START_NS + at_s * SECOND_NS
        if at_s != 88:
            flows.refused(at_ns, Cause.RPM)
        since.append(flows.flow(at_ns).refused_since_ms)
    assert since == [7_000, 7_000, 7_000, 7_000, 127_000]
    assert flows.flow(START_NS + 151 * SECOND_NS).refused_since_ms is None


def test_models_are_those_asked_for_in_the_last_five_minutes() -> None:
    flows = Flows()
    flows.admitted(START_NS, "opus")
    flows.admitted(START_NS + 200 * SECOND_NS, "flash")
    assert flows.models(START_NS + 299 * SECOND_NS) == ("flash", "opus")
    assert flows.models(START_NS + 301 * SECOND_NS) == ("flash",)
