"""A manager whose state is in a gateway: it spends what it leased, and says what it knows."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, OpenAI

from quotadeck.client import (
    AcquireTimeout,
    BudgetSpent,
    Estimate,
    GatewayRefused,
    QuotaError,
    QuotaManager,
    RunEnded,
    SyncQuotaManager,
)
from tests.client.examples import BEFORE_A_GATEWAY, run
from tests.processes import Gateway, running, wait_until

from .conftest import PROJECTS, TARGETS
from .worker import BODY, ESTIMATE

PATIENCE_S = 15.0
HELLO: Any = BODY["messages"]


def leases(gateway: Gateway, project: str) -> list[dict[str, Any]]:
    return [row for row in gateway.get("/leases")["leases"] if row["project"] == project]


def uses_up(manager: SyncQuotaManager, project: str, patience_s: float) -> int:
    """Acquire until nothing comes any more; how many there were."""
    count = 0
    while True:
        try:
            manager.acquire(project, 10, timeout=patience_s).settle(10)
        except AcquireTimeout:
            return count
        count += 1


def call(gateway: Gateway, key: str, headers: dict[str, str]) -> httpx.Response:
    head = {"authorization": f"Bearer {key}", **headers}
    return httpx.post(f"{gateway.base_url}/chat/completions", json=BODY, headers=head)


@pytest.fixture
def managers(gateway: Gateway) -> Iterator[Any]:
    """Makes managers of a project; they are closed at the end."""
    made: list[SyncQuotaManager] = []

    def make(project: str, **more: Any) -> tuple[SyncQuotaManager, str]:
        key = gateway.add_key(project)
        made.append(SyncQuotaManager(gateway=gateway.base_url, key=key, **more))
        return made[-1], key

    yield make
    for manager in made:
        manager.close()


def test_a_call_draws_what_was_admitted_for_it_and_closing_gives_back_the_rest(
    gateway: Gateway, managers: Any
) -> None:
    manager, key = managers("one")
    with manager.acquire("one", ESTIMATE) as reservation:
        assert reservation.headers["X-Project-Id"] == "one"
        reply = call(gateway, key, reservation.headers)
        assert reply.status_code == 200
        reservation.settle(reply.json(), cost_nano=440_000)
    (lease,) = leases(gateway, "one")
    assert (lease["calls"], lease["drawn_requests"]) == (1, 1)
    assert 50 <= lease["drawn_tokens"] <= 100, "what the gateway takes such a call to use"
    report = manager.usage_report()
    assert report["one"].cost_nano == 440_000
    kinds = [room.kind for room in report["one"].rooms]
    assert kinds == ["rpm", "tpm", "budget"]
    assert report.away_since_us is None
    manager.close()
    assert leases(gateway, "one") == []
    quota = httpx.get(
        f"{gateway.base_url}/quota", headers={"authorization": f"Bearer {key}"}
    ).json()
    assert quota["limits"]["budget"]["held_nano_usd"] == 0


async def test_the_documents_example_runs(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUOTADECK_KEY", gateway.add_key("analytics"))
    (code,) = BEFORE_A_GATEWAY
    names: dict[str, Any] = {}
    await run(code.replace("http://127.0.0.1:8080", gateway.base_url.removesuffix("/v1")), names)
    for client in (names["client"], names["plain"]):
        await client.close()
    assert "analytics" in capsys.readouterr().out
    calls = wait_until(lambda: len(found := gateway.calls(project="analytics")) == 2 and found)
    assert {call["outcome"] for call in calls} == {"ok"}
    used = names["quotas"].usage_report()["analytics"]
    assert (used.requests, used.estimated) == (2, 0)
    assert leases(gateway, "analytics") == []


def test_calls_that_go_elsewhere_are_told_and_on_record(gateway: Gateway, managers: Any) -> None:
    manager, _ = managers("elsewhere")
    for _ in range(3):
        manager.acquire("elsewhere", Estimate(80, 20, 2_000_000, "gpt-4.1")).settle(
            60, 10, cost_nano=700_000
        )
    manager.close()

    def all_told() -> Any:
        calls = gateway.calls(project="elsewhere")
        return sum(call["count"] for call in calls) == 3 and calls

    told = wait_until(all_told)
    assert {call["model"] for call in told} == {"gpt-4.1"}
    assert sum(call["cost_nano_usd"] for call in told) == 3 * 700_000
    assert sum(call["input_tokens"] + call["output_tokens"] for call in told) == 3 * 70
    project = next(row for row in gateway.snapshot().projects if row.id == "elsewhere")
    assert (project.budget.spent_nano, project.budget.held_nano) == (2_100_000, 0)
    assert leases(gateway, "elsewhere") == []


def test_who_knows_no_price_is_charged_by_the_gateways(gateway: Gateway, managers: Any) -> None:
    manager, _ = managers("unpriced")
    manager.acquire("unpriced", Estimate(80, 20, model="gpt-4.1")).settle(60, 10)
    manager.close()
    [call] = wait_until(lambda: gateway.calls(project="unpriced"))
    assert call["cost_nano_usd"] == 70 * 8_000


def test_calls_that_go_elsewhere_come_off_the_rates(managers: Any) -> None:
    """The lease that they went by is no more than was taken for it: it is not given once more."""
    manager, _ = managers("direct")
    manager.acquire("direct", 10).settle(10)
    with pytest.raises(AcquireTimeout):
        manager.acquire("direct", 10, timeout=1)


def test_what_was_never_sent_is_here_again(managers: Any) -> None:
    manager, _ = managers("scarce")
    first = manager.acquire("scarce", 10)
    before = manager.check("scarce", 10)
    first.release()
    assert manager.check("scarce", 10), before
    assert manager.check("scarce", 10).wait_s == 0.0


def test_a_runs_own_limits_bind_beside_the_gateways(managers: Any) -> None:
    manager, _ = managers("one")
    run = manager.run("import", requests=1)
    assert run.check("one", 10).rooms[-1].kind == "requests"
    run.acquire("one", 10).settle(10)
    seen = run.check("one", 10)
    assert (bool(seen), seen.binding.rpartition(":")[2]) == (False, "requests")
    assert [room.kind for room in seen.rooms] == ["rpm", "tpm", "budget", "requests"]
    with pytest.raises(RunEnded):
        run.acquire("one", 10, timeout=PATIENCE_S)
    manager.acquire("one", 10, timeout=PATIENCE_S).settle(10)


def test_a_project_without_limits_waits_for_nothing(managers: Any) -> None:
    manager, _ = managers("free")
    for _ in range(50):
        manager.acquire("free", 1_000).settle(1_000)
    assert manager.check("free").rooms == ()


def test_limits_are_the_gateways(managers: Any) -> None:
    manager, _ = managers("one")
    with pytest.raises(QuotaError, match="quotadeck limit one rpm"):
        manager.set_project_quota("one", rpm=5)


def test_who_waits_is_seen_by_operators(gateway: Gateway, managers: Any) -> None:
    manager, _ = managers("scarce", name="nightly")
    waiters = [
        threading.Thread(
            target=lambda: manager.acquire("scarce", Estimate(10, 0, 0, "gpt-4.1"), timeout=20)
        )
        for _ in range(14)
    ]
    for one in waiters:
        one.start()

    def seen() -> Any:
        rows = [row for row in gateway.get("/leases")["managers"] if row["name"] == "nightly"]
        waiting = rows[0]["waiting"] if rows else []
        return waiting if all(one["limit"] for one in waiting) else None

    (waiting,) = wait_until(seen)
    assert (waiting["who"], waiting["limit"], waiting["priority"]) == (
        "gpt-4.1",
        "requests",
        "medium",
    )
    assert 1 <= waiting["count"] <= 14
    for one in waiters:
        one.join(PATIENCE_S + 10)
        assert not one.is_alive()


def test_a_pause_ends_what_is_leased_and_a_resume_lets_it_go_on(
    gateway: Gateway, managers: Any
) -> None:
    manager, key = managers("paused")
    manager.acquire("paused", 10).settle(10)
    assert gateway.command("pause", "project:paused", for_ms=600_000)["applied"]
    assert leases(gateway, "paused") == []
    uses_up(manager, "paused", 0.5)
    with pytest.raises(AcquireTimeout, match="paused by its operators"):
        manager.acquire("paused", 10, timeout=0.3)
    assert gateway.command("resume", "project:paused")["applied"]
    reservation = manager.acquire("paused", 10, timeout=PATIENCE_S)
    assert call(gateway, key, reservation.headers).status_code == 200


def test_money_that_is_not_there_is_said_at_once(managers: Any) -> None:
    manager, _ = managers("poor")
    manager.acquire("poor", Estimate(10, 10, 1_000_000)).release()
    with pytest.raises(BudgetSpent) as caught:
        manager.acquire("poor", Estimate(10, 10, 11_000_000), timeout=PATIENCE_S)
    assert caught.value.asked_nano == 11_000_000
    assert caught.value.left_nano <= 10_000_000


def test_a_program_that_ends_gives_back_what_it_leased(gateway: Gateway) -> None:
    program = (
        "import sys; from quotadeck.client import SyncQuotaManager; "
        "SyncQuotaManager(gateway=sys.argv[1], key=sys.argv[2]).acquire('one', 10).settle(10)"
    )
    command = [sys.executable, "-c", program, gateway.base_url, gateway.add_key("one")]
    subprocess.run(command, check=True, timeout=PATIENCE_S)
    assert leases(gateway, "one") == []


def test_a_key_that_is_refused_is_said_in_the_gateways_words(gateway: Gateway) -> None:
    manager = SyncQuotaManager(gateway=gateway.base_url, key="qd_" + "x" * 40)
    with pytest.raises(GatewayRefused, match="unknown or was revoked"):
        manager.acquire("one", 10, timeout=PATIENCE_S)
    manager.close()


def test_a_lease_that_an_operator_ended_is_replaced_for_an_sdks_call(
    gateway: Gateway, managers: Any
) -> None:
    manager, key = managers("ended")
    with OpenAI(
        base_url=gateway.base_url, api_key=key, http_client=manager.http_client("ended")
    ) as client:
        client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=50)
        (lease,) = leases(gateway, "ended")
        assert lease["calls"] == 1
        assert gateway.command("end_lease", f"lease:{lease['id']}")["applied"]
        client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=50)
    told = wait_until(lambda: len(found := gateway.calls(project="ended")) >= 2 and found)
    assert [call["outcome"] for call in told if call["outcome"] != "refused"] == ["ok", "ok"]


async def test_asyncio_and_an_official_sdk(gateway: Gateway) -> None:
    key = gateway.add_key("one")
    manager = QuotaManager(gateway=gateway.base_url, key=key)
    async with AsyncOpenAI(
        base_url=gateway.base_url, api_key=key, http_client=manager.http_client("one")
    ) as client:
        reply = await client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=50)
    assert reply.usage is not None
    assert manager.usage_report()["one"].output_tokens == reply.usage.completion_tokens
    manager.close()


def test_while_the_gateway_is_away_what_is_leased_is_spent_and_it_says_so(tmp_path: Path) -> None:
    with running(tmp_path, PROJECTS, targets=TARGETS) as own:
        key = own.add_key("one")
        manager = SyncQuotaManager(gateway=own.base_url, key=key)
        for _ in range(40):  # so that more is held ahead
            manager.acquire("one", 10).settle(10)
        own.kill()
        before_us = time.time_ns() // 1_000
        assert 0 < uses_up(manager, "one", 0.3) < 1_000
        seen = manager.check("one", 10)
        assert not seen
        assert seen.wait_s is None
        assert seen.away_since_us is not None
        assert before_us - 1_000_000 <= seen.away_since_us <= time.time_ns() // 1_000
        assert f"the gateway at {own.base_url} does not answer (" in str(manager.usage_report())
        port = own.base_url.rpartition(":")[2].removesuffix("/v1")
        own.write_config(f"127.0.0.1:{port}")
        own.start()
        reservation = manager.acquire("one", 10, timeout=PATIENCE_S)
        assert manager.check("one").away_since_us is None
        assert call(own, key, reservation.headers).status_code == 200
        manager.close()
