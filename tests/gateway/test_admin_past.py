"""``GET snapshot?at=``: the picture of a past instant, over a socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quotadeck.domain.days import rfc3339
from quotadeck.domain.snapshot import Gap, Per
from quotadeck.gateway.control.admin import PREFIX
from quotadeck.sources.gateway import questions
from quotadeck.sources.gateway.source import GatewaySource
from quotadeck.store import file_layer
from tests.gateway.desks import CATALOGUE, MIKA, PAUSE, call
from tests.gateway.serving import Admin, admin_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Admin]:
    """Served, with what the file says on record."""
    async with admin_api(tmp_path) as admin:
        at = admin.at
        at.ledger.catalogue(file_layer(CATALOGUE, name="gw"), at.clock.wall_us())
        yield admin


async def test_what_was_is_shown_with_what_was_in_force(api: Admin) -> None:
    at = api.at
    at.clock.advance_ms(5_000)
    await at.does(PAUSE, MIKA)
    at.ledger.end_call(call(1, at.clock.wall_us()))
    at.clock.advance_ms(2_000)
    then_us = at.clock.wall_us()
    at.clock.advance_ms(600_000)
    source = GatewaySource(api.socket)
    try:
        reading = await source.as_of(then_us)
        present = await source.snapshot()
    finally:
        await source.close()
    past = reading.snapshot
    assert past.at_us == then_us
    assert past.past is not None
    assert (past.past.per, past.past.gaps) == (Per.CALL, (Gap.VITALS,))
    assert present.snapshot.past is None
    assert [row.id for row in past.projects] == sorted(CATALOGUE.projects)
    analytics = next(row for row in past.projects if row.id == "analytics")
    assert analytics.paused
    assert [change.actor for change in analytics.changes] == ["mika"]
    assert (analytics.flow.requests_60s, analytics.flow.ended_60s) == (1, 1)
    assert past.vitals.name == "gw"
    assert [event.told.kind for event in past.events] == ["command.pause"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("at=yesterday", "'yesterday': it takes an instant"),
        ("at=2031-01-01T00:00:00Z", "still to come"),
        ("at=2026-11-24T03:00:00Z&b=1", "there is no parameter 'b'"),
    ],
)
async def test_what_cannot_be_asked_is_refused(api: Admin, asked: str, why: str) -> None:
    answer = await api.http.get(f"{PREFIX}snapshot?{asked}")
    assert answer.status_code == 400
    assert why in answer.json()["error"]


async def test_before_the_first_record_there_is_nothing(api: Admin) -> None:
    question = questions.as_of(api.at.clock.wall_us() - 1)
    assert question.target.endswith(rfc3339(api.at.clock.wall_us() - 1).replace(":", "%3A"))
    answer = await api.http.get(question.target)
    past = question.answer(answer.status_code, answer.content, "here")
    assert (past.projects, past.knows(Gap.BEFORE), past.knows(Gap.DOWN)) == ((), False, True)
