"""What a start of the gateway does before it serves: it takes up where the last one ended."""

import json
import sqlite3

import pytest

from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.limits import MICRO
from quotadeck.domain.subject import Subject
from quotadeck.gateway.process.assembly import open_gateway
from quotadeck.words import say
from tests.gateway.conftest import ask
from tests.gateway.stories import Story
from tests.gateway.story_setting import ADA
from tests.wording import said

PAUSE = Command(
    Action.PAUSE, Subject.project("a"), Field.PAUSED, True, reason="a test", for_ms=60_000
)


async def test_a_start_shows_what_was_told_and_spent_before(story: Story) -> None:
    await ask(story)
    await story.settle()
    await story.gateway.desk.submit(PAUSE, ADA, dry_run=False)
    await story.gateway.close()
    story.pass_us(1_000_000)
    await story.boot()
    snapshot = await story.gateway.live.snapshot()
    texts = [say(event.told) for event in snapshot.events]
    assert texts[0] == "gateway started"
    assert any("paused" in text for text in texts)


async def test_a_start_puts_the_file_layer_on_record(story: Story) -> None:
    gateway = story.gateway
    await gateway.ledger.flushed()
    said = await gateway.ledger.reader.catalogue_at(story.clock.wall_us())
    assert said is not None
    assert said.content["projects"].keys() == gateway.data_plane.calls.plan().projects.keys()
    assert {"roles", "request_window_s", "token_window_s"} <= said.content.keys()


async def test_a_start_that_meets_damage_the_ledger_did_not_look_for_rebuilds_and_serves(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(story)
    await story.gateway.desk.submit(PAUSE, ADA, dry_run=False)
    await story.gateway.close()
    monkeypatch.setattr(
        "quotadeck.store.sqlite.schema._SMALL_BYTES", 0
    )  # as if it were a large one
    path = story.config.state / "ledger.db"
    db = sqlite3.connect(path)
    [(root,)] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'")
    db.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4_096)
        file.write(b"\xff" * 4_096)
    story.gateway = await open_gateway(story.config)
    assert "ledger rebuilt" in said(story.gateway.ledger.problems)
    assert story.gateway.desk.layers.by_seq, "what was commanded is in force"


async def test_a_start_goes_on_from_the_levels_that_there_were(story: Story) -> None:
    for _ in range(3):
        await ask(story)
    await story.settle()
    rpm = ["project:a:rpm"]
    (before,) = (await story.gateway.data_plane.calls.limiter.levels(rpm)).values()
    await story.gateway.close()
    await story.boot()
    (after,) = (await story.gateway.data_plane.calls.limiter.levels(rpm)).values()
    assert after.level == before.level == 7 * MICRO


async def test_a_start_takes_in_what_was_asked_while_it_was_down(story: Story) -> None:
    await story.gateway.close()
    folder = story.config.state / "offline"
    folder.mkdir()
    body = {"action": "pause", "subject": "project:a", "reason": "down at night", "for_ms": 60_000}
    (folder / "a.json").write_text(json.dumps({**body, "idempotency_key": "key-00001"}))
    await story.boot()
    assert story.gateway.data_plane.calls.plan().projects["a"].paused
    assert not list(folder.iterdir())


async def test_a_start_says_in_the_log_what_it_found_lost(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(story)
    await story.gateway.close()
    (story.config.state / "ledger.db").write_bytes(b"\xff" * 8_192)
    await story.boot()
    lost = {say(loss.told) for loss in story.gateway.ledger.recovered.losses}
    assert lost
    assert lost <= {record.getMessage() for record in caplog.records}
