"""The live figures of a project: what passed in the last minutes."""

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.snapshot import Flow
from quotadeck.domain.usage import NOTHING_USED
from quotadeck.gateway.watch.flows import Flows, used_by
from tests.gateway.values import call

SECOND_NS = 1_000_000_000
START_NS = 7 * SECOND_NS
ENDED = call()


def test_nothing_yet_is_all_zeros_and_quiet() -> None:
    flows = Flows()
    assert flows.next_ns() is None
    assert flows.flow(START_NS) == Flow()
    assert flows.models(START_NS) == ()


def test_request_is_in_flight_until_its_end() -> None:
    flows = Flows()
    flows.admitted(START_NS, "opus")
    assert flows.flow(START_NS).in_flight == 1
    assert flows.next_ns() is not None
    flows.ended(START_NS + SECOND_NS, ENDED, used_by(ENDED))
    flow = flows.flow(START_NS + SECOND_NS)
    assert (flow.in_flight, flow.requests_60s, flow.tokens_60s, flow.ended_60s) == (0, 1, 120, 1)
    assert flow.spent_60s_nano == flow.spent_10m_nano == 360_000
    assert flow.p95_ms is not None
    assert 150 / 1.42 <= flow.p95_ms <= 150 * 1.42


def test_calls_of_unknown_price_are_counted_beside_what_was_spent() -> None:
    flows = Flows()
    for version, usage in (
        ("unknown", ENDED.usage),
        ("unknown", NOTHING_USED),
        ("v1", ENDED.usage),
    ):
        call = ENDED._replace(price_version=version, usage=usage)
        flows.admitted(START_NS, "opus")
        flows.ended(START_NS, call, used_by(call))
    assert flows.flow(START_NS).unpriced_60s == 1


def test_each_figure_leaves_after_its_own_time_until_all_is_quiet() -> None:
    flows = Flows()
    flows.admitted(START_NS, "opus")
    flows.ended(START_NS, ENDED, used_by(ENDED))
    seen = []
    for after_s in (59, 61, 311, 611):
        flow = flows.flow(START_NS + after_s * SECOND_NS)
        flows.models(START_NS + after_s * SECOND_NS)
        seen.append((flow.requests_60s, flow.ended_60s, flow.spent_10m_nano > 0))
        assert (flow.p95_ms is None) is (after_s > 300)
    assert seen == [(1, 1, True), (0, 0, True), (0, 0, True), (0, 0, False)]
    assert flows.flow(START_NS + 611 * SECOND_NS) == Flow()
    assert flows.next_ns() is None


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
        (Outcome.UNKNOWN, Cause.INTERNAL, 0),
    ],
)
def test_only_what_the_upstream_did_wrong_is_its_error(
    outcome: Outcome, cause: Cause, errors: int
) -> None:
    flows = Flows()
    flows.admitted(START_NS, "opus")
    ended = call(outcome=outcome, cause=cause)
    flows.ended(START_NS, ended, used_by(ended))
    assert flows.flow(START_NS).failed_60s == errors
    assert flows.upstream_429_60s(START_NS) == (cause is Cause.UPSTREAM_429)


def test_refusals_count_and_name_the_model_that_was_asked_for() -> None:
    flows = Flows()
    flows.refused(START_NS)
    flows.refused(START_NS, "opus")
    assert flows.flow(START_NS).refused_60s == 2
    assert flows.models(START_NS) == ("opus",)


def test_models_are_those_asked_for_in_the_last_five_minutes() -> None:
    flows = Flows()
    flows.admitted(START_NS, "opus")
    flows.admitted(START_NS + 200 * SECOND_NS, "flash")
    assert flows.models(START_NS + 299 * SECOND_NS) == ("flash", "opus")
    assert flows.models(START_NS + 301 * SECOND_NS) == ("flash",)
