"""Other accounts flood the admin socket of a real gateway: nobody else is harmed."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flooding import NOBODY, flooding
from tests.load import chat
from tests.processes import Gateway, running

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="root alone can be other accounts")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory: Path = tmp_path_factory.mktemp("gw")
    with running(directory, "[projects.bench]\n[projects.other]\n") as started:
        yield started


def work(gateway: Gateway, key: str) -> None:
    """What an operator and an application do meanwhile; each of it succeeds."""
    for action in ("pause", "resume"):
        assert gateway.command(action, "project:other")["applied"]
    answer = httpx.post(
        f"{gateway.base_url}/chat/completions",
        json=chat(),
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 200


def test_refused_commands_of_two_accounts_are_a_few_rows_that_tell_of_all(
    gateway: Gateway,
) -> None:
    key = gateway.add_key("bench")
    with (
        flooding(gateway.socket, "command", uid=NOBODY) as one,
        flooding(gateway.socket, "command", uid=54_321) as two,
    ):
        one.turned_away()
        two.turned_away()
        for _ in range(5):
            work(gateway, key)
    gateway.stop()
    gateway.start()
    for seen, actor in ((one.answers, "nobody"), (two.answers, "uid:54321")):
        page = gateway.get("/audit", limit=1_000)
        rows = [row["refused"] for row in page["rows"] if row["actor"] == actor]
        assert {row["code"] for row in rows} == {"not_allowed"}
        assert seen["403"] >= 100
        assert len(rows) <= 25
        assert sum(row["times"] for row in rows) == seen["403"]
        assert sum(row["unread"] for row in rows) == seen["429"]
    assert not gateway.snapshot().vitals.problems


def test_other_requests_of_an_account_leave_the_others_theirs(gateway: Gateway) -> None:
    key = gateway.add_key("bench")
    for uid, what in enumerate(("calls", "snapshot", "dry", "keyed"), start=20_000):
        with flooding(gateway.socket, what, uid=uid) as flood:
            flood.turned_away()
            work(gateway, key)
    assert gateway.get("/whoami")["role"] == "admin"
