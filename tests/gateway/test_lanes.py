"""Lanes: what is the same for all requests of a project for a model, and when it ends."""

import tracemalloc
from dataclasses import replace

import pytest

from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.catalogue import Project
from quotadeck.domain.commands import Field
from quotadeck.domain.refusals import NotSpoken, Paused
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


def test_lanes_are_bounded_and_the_oldest_makes_room() -> None:
    lanes, in_force = Lanes(most=2), plan(catalogue())
    first, second, third = ("analytics", "opus"), ("analytics", "flash"), ("search", "opus")
    found = {each: lanes.of(in_force, *each, OPENAI, CHAT) for each in (first, second, third)}
    assert len(lanes) == 2
    assert lanes.of(in_force, *second, OPENAI, CHAT) is found[second]
    assert lanes.of(in_force, *third, OPENAI, CHAT) is found[third]
    again = lanes.of(in_force, *first, OPENAI, CHAT)
    assert again is not found[first]
    assert again == found[first]


def test_lanes_to_one_target_share_its_endpoint_under_one_plan() -> None:
    of, lanes = catalogue(), Lanes()
    in_force, later = plan(of), plan(of)
    found = [
        lanes.of(each, project, "opus", OPENAI, CHAT).stops[0].endpoint
        for each, project in ((in_force, "analytics"), (in_force, "search"), (later, "search"))
    ]
    assert found[0] is found[1]
    assert found[1] is not found[2]


def test_lane_takes_a_kilobyte() -> None:
    of = catalogue()
    limits = of.projects["analytics"].limits
    names = [f"p{number}" for number in range(1_000)]
    in_force = plan(
        replace(of, projects={name: Project(name, "", limits=limits) for name in names})
    )
    lanes = Lanes()
    tracemalloc.start()
    try:
        for name in names:
            lanes.of(in_force, name, "opus", OPENAI, CHAT)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / len(names) < 1_200


class _Spoken(type(OPENAI)):  # type: ignore[misc]
    """A translator, told apart by where it asks."""

    def path(self, path: str) -> str:  # noqa: ARG002
        return "/messages"


@pytest.mark.parametrize(
    ("speaks", "line"),
    [
        ((), b"POST /v1/chat/completions "),
        (("responses", "chat"), b"POST /v1/chat/completions "),
        (("responses", "messages"), b"POST /v1/messages "),
    ],
    ids=["whatever", "as the client", "another form"],
)
def test_upstream_is_spoken_to_in_a_form_that_it_takes(
    speaks: tuple[str, ...], line: bytes
) -> None:
    of = replace(catalogue(), upstreams={"main": replace(UPSTREAM, speaks=speaks)})
    lanes = Lanes({("chat", "messages"): _Spoken()})
    found = lanes.of(plan(of), "analytics", "opus", OPENAI, CHAT).stops[0]
    assert found.endpoint.head.startswith(line)
    assert (found.speech is OPENAI) is (b"chat" in line)


def test_form_that_nobody_translates_is_refused_by_name() -> None:
    of = replace(catalogue(), upstreams={"main": replace(UPSTREAM, speaks=("messages",))})
    with pytest.raises(NotSpoken) as refused:
        Lanes().of(plan(of), "analytics", "opus", OPENAI, CHAT)
    told = (refused.value.form, refused.value.upstream, refused.value.spoken)
    assert told == ("chat", "main", ("messages",))
