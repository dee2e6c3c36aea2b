"""What somebody does to the state folder of a running gateway is on its screen within seconds."""

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import Gateway, running, wait_until
from tests.wording import said

PROJECT = '[projects.analytics]\nrpm = 6000\ntpm = 6000000\ndaily_budget_usd = "50"\n'


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway of one's own."""
    with running(tmp_path, PROJECT) as gateway:
        yield gateway


def problems(gateway: Gateway) -> str:
    return "; ".join(said(gateway.snapshot().vitals.problems))


def ask(gateway: Gateway, key: str) -> int:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hello"}]}
    answer = httpx.post(
        f"{gateway.base_url}/chat/completions",
        json=body,
        headers={"authorization": f"Bearer {key}"},
        timeout=15,
    )
    return answer.status_code


def told(gateway: Gateway) -> list[str]:
    return [row["text"] for row in gateway.get("/events", last=50)["rows"]]


def test_a_removed_journal_loses_neither_calls_nor_a_pause_over_a_kill(own: Gateway) -> None:
    key = own.add_key("analytics")
    assert ask(own, key) == 200
    shutil.rmtree(own.state / "journal")
    assert own.command("pause", "project:analytics", for_ms=3_600_000)["recorded"]
    wait_until(lambda: "journal was removed and made again" in problems(own))
    wait_until(lambda: any("written again from the open file" in text for text in told(own)))
    own.kill()
    own.start()
    assert ask(own, key) == 403, "the pause is in force, the key is known"
    assert len(own.calls(outcome="ok")) == 1
    assert any("written again from the open file" in text for text in told(own))


def test_a_scrambled_ledger_is_told_while_replies_go_on_and_a_restart_rebuilds_it(
    own: Gateway,
) -> None:
    key = own.add_key("analytics")
    assert ask(own, key) == 200
    assert problems(own) == ""
    path = own.state / "ledger.db"
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(random.Random(3).randbytes(path.stat().st_size - 4_096))
    os.utime(path)
    wait_until(lambda: "ledger damaged" in problems(own))
    assert ask(own, key) == 200
    log = wait_until(lambda: "is damaged (" in own.log.read_text() and own.log.read_text())
    assert "rebuilds it from the newest backup and the journal" in log
    own.kill()
    own.start()
    assert problems(own) == "ledger rebuilt"
    assert ask(own, key) == 200, "the key is known"
    wait_until(lambda: len(own.calls(outcome="ok")) == 3)
    assert any("rebuilt from the journal alone" in text for text in told(own))
    assert "was not usable" in own.log.read_text()


def test_a_broken_command_log_is_told_at_once_and_everything_is_served(own: Gateway) -> None:
    key = own.add_key("analytics")
    own.stop()
    db = sqlite3.connect(own.state / "ledger.db", isolation_level=None)
    db.execute("DROP TRIGGER commands_are_never_changed")
    db.execute("UPDATE commands SET hash = '00'")
    db.close()
    own.start()
    assert "command log broken at entry 1" in problems(own)
    assert any("does not hold from entry 1 on" in text for text in told(own))
    assert ask(own, key) == 200
    ready = httpx.Client(transport=httpx.HTTPTransport(uds=str(own.socket)))
    with ready:
        assert ready.get("http://gateway/readyz").status_code == 200, "it can record"
