"""What passed, step by step, as the console asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.series import MINUTE_US
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.gateway.control.admin import PREFIX
from quotadeck.sources.gateway.source import GatewaySource
from tests.gateway.conftest import ask
from tests.gateway.desks import call, refusal
from tests.gateway.serving import Admin, admin_api
from tests.gateway.stories import Story

ANALYTICS = Subject.project("analytics")
GATEWAY = Subject(SubjectKind.GATEWAY, "")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Admin]:
    """Served, and we are admin."""
    async with admin_api(tmp_path) as admin:
        yield admin


async def test_a_source_is_asked_for_several_subjects_at_once(api: Admin) -> None:
    api.at.clock.advance_ms(10 * 60_000)
    at_us = api.at.clock.wall_us()
    ledger = api.at.ledger
    ledger.end_call(refusal(1, at_us - 3 * MINUTE_US, 30))
    ledger.end_call(call(2, at_us - 2 * MINUTE_US, outcome=Outcome.UPSTREAM_ERROR))
    ledger.end_call(call(3, at_us - 2 * MINUTE_US, "search"))
    ledger.end_call(call(4, at_us - 1, "R&D ×", cause=Cause.NONE))
    await ledger.flushed()
    source = GatewaySource(api.socket)
    odd = Subject.project("R&D ×")
    subjects = [ANALYTICS, odd, Subject.model("opus"), GATEWAY]
    page = await source.series(subjects, minutes=4)
    assert (page.start_us, page.minutes, page.step_us) == (at_us - 4 * MINUTE_US, 4, MINUTE_US)
    assert [row.subject for row in page.rows] == subjects
    analytics, other, opus, everything = page.rows
    assert analytics.asked == (0, 30, 1, 0)
    assert analytics.refused == (0, 30, 0, 0)
    assert analytics.failed == (0, 0, 1, 0)
    assert other.ended == (0, 0, 0, 1)
    assert opus.asked == everything.asked == (0, 30, 2, 1)
    assert everything.tokens == (0, 0, 200, 100)
    assert everything.cost_nano == (0, 0, 520_000, 260_000)
    earlier = await source.series([ANALYTICS], minutes=12, until_us=at_us - 2 * MINUTE_US)
    await source.close()
    assert earlier.start_us == at_us - 14 * MINUTE_US
    assert earlier.rows[0].asked == (None,) * 4 + (0,) * 7 + (30,)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("subject=target:main/opus", "subject is 'target:main/opus': there are series of project,"),
        ("subject=analytics", "subject is 'analytics': there are series of project, model or"),
        ("&".join(f"subject=project:{n}" for n in range(201)), "201 subjects over 15 minutes"),
        ("&".join(f"subject=project:{n}" for n in range(5)) + "&minutes=2401", "5 subjects over"),
        ("minutes=0", "minutes is '0'"),
        ("until=yesterday", "until is 'yesterday'"),
        ("since=2026-11-24T03:00:00Z", "there is no parameter 'since': it takes subject, min"),
        ("minutes=3&minutes=4", "'minutes' is given twice"),
    ],
)
async def test_what_there_is_no_series_of_is_refused(api: Admin, asked: str, words: str) -> None:
    answer = await api.http.get(f"{PREFIX}series?{asked}")
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
async def test_of_a_time_beyond_all_records_there_is_nothing(api: Admin, at: str) -> None:
    answer = await api.http.get(f"{PREFIX}series?subject=project:search&minutes=60&until={at}")
    assert answer.status_code == 200
    assert not any(answer.json()["rows"][0]["asked"])


async def test_of_minutes_in_which_the_gateway_was_down_nothing_is_told(story: Story) -> None:
    story.pass_us(20 * MINUTE_US)
    await ask(story)
    await story.settle()
    await story.gateway.levels.record()
    await story.gateway.close()
    story.pass_us(5 * MINUTE_US)
    await story.boot()
    await story.gateway.ledger.flushed()
    story.pass_us(3 * MINUTE_US)
    now_us = story.clock.wall_us()
    page = await story.gateway.ledger.reader.series(
        [GATEWAY], minutes=12, until_us=None, now_us=now_us
    )
    (row,) = page.rows
    down = [n for n, cell in enumerate(row.asked) if cell is None]
    assert len(down) in (4, 5)
    assert down == list(range(down[0], down[-1] + 1))
    assert row.asked[down[0] - 1] == 1
    assert row.asked[down[-1] + 1 :] == (0,) * (11 - down[-1])
