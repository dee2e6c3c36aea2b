"""Lanes: what is the same for all requests of a project for a model, and when it ends."""

from dataclasses import replace

import pytest

from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.commands import Field
from quotadeck.domain.refusals import Paused
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.lanes import Lanes
from tests.gateway.values import CHAT, UPSTREAM, catalogue, entry, lane, plan

ANALYTICS = Subject.project("analytics")


@pytest.mark.parametrize(
    ("key", "sent"), [("sk-upstream", b"authorization: Bearer sk-upstream\r\n"), ("", b"")]
)
def test_upstream_without_a_key_is_sent_none(key: str, sent: bytes) -> None:
    of = replace(catalogue(), upstreams={"main": replace(UPSTREAM, key=key)})
    before, _, after = lane(plan(of)).stops[0].endpoint.head.partition(b"application/json\r\n")
    assert after == sent + b"x-request-id: "
    assert b"authorization" not in before


def test_lane_is_worked_out_once_and_ends_with_its_plan() -> None:
    of, lanes = catalogue(), Lanes()
    first, second = plan(of), plan(of, entry(1, ANALYTICS, Field.RPM, 30))
    before = lanes.of(first, "analytics", "opus", OPENAI, CHAT)
    assert lanes.of(first, "analytics", "opus", OPENAI, CHAT) is before
    after = lanes.of(second, "analytics", "opus", OPENAI, CHAT)
    assert (before.project.limits[0].value, after.project.limits[0].value) == (60, 30)


def test_pause_refuses_the_next_request_of_a_lane_that_was_there() -> None:
    of, lanes = catalogue(), Lanes()
    lanes.of(plan(of), "analytics", "opus", OPENAI, CHAT)
    paused = plan(of, entry(1, ANALYTICS, Field.PAUSED, True))
    with pytest.raises(Paused):
        lanes.of(paused, "analytics", "opus", OPENAI, CHAT)


def test_lanes_are_bounded() -> None:
    lanes, in_force = Lanes(most=2), plan(catalogue())
    for project, model in (("analytics", "opus"), ("analytics", "flash"), ("search", "opus")):
        lanes.of(in_force, project, model, OPENAI, CHAT)
    assert len(lanes) == 2
