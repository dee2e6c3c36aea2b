"""What operators see of leases on the command line, and how they end one."""

import json
import threading
from functools import partial
from typing import Any

import pytest

from quotadeck.cli.app import run
from quotadeck.client import AcquireTimeout, Estimate, QuotaError, SyncQuotaManager
from tests.client.leased.test_leased import call
from tests.processes import PATIENCE_S, Gateway, wait_until


def test_leases_are_listed_and_ended_by_a_command_that_is_on_record(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    def quotadeck(*words: str) -> tuple[int, str]:
        code = run([*words, "--socket", str(gateway.socket)])
        said = capsys.readouterr()
        return code, said.out + said.err

    key = gateway.add_key("seen")
    manager = SyncQuotaManager(gateway=gateway.base_url, key=key, name="worker-1")
    manager.acquire("seen", Estimate(10, 10))
    (lease,) = [row for row in gateway.get("/leases")["leases"] if row["manager"] == "worker-1"]
    code, said = quotadeck("leases", "--csv")
    assert code == 0
    head, *rows = said.splitlines()
    assert head == "lease,project,key,manager,requests,tokens,money,calls,age,ends_in"
    assert any(row.startswith(f"{lease['id']},seen,") for row in rows)
    assert wait_until(lambda: "nobody" in quotadeck("leases", "--waiting")[1])
    assert "worker-1" in quotadeck("leases", "--waiting")[1]
    code, said = quotadeck("end-lease", lease["id"], "--dry-run")
    assert (code, "dry run: lease" in said) == (0, True)
    code, said = quotadeck("end-lease", lease["id"], "--reason", "hung worker")
    assert (code, said.strip()) == (
        0,
        f"lease {lease['id']} of seen ended: what no call has drawn of it goes back",
    )
    code, said = quotadeck("end-lease", lease["id"])
    assert code != 0
    assert "see those that live with: quotadeck leases" in said
    code, said = quotadeck("audit", "--json")
    newest = json.loads(said)["rows"][1]
    assert (newest["action"], newest["subject"]) == ("end_lease", f"lease:{lease['id']}")
    assert newest["reason"] == "hung worker"

    def told() -> bool:
        events = gateway.get("/events", last=50, subject="project:seen")["rows"]
        return any("was ended by an operator" in row["text"] for row in events)

    assert wait_until(told)
    manager.close()


def test_who_waits_long_is_told_while_it_waits(gateway: Gateway) -> None:
    """The gateway has nothing for a minute: what it was told at first is not all there is."""
    key = gateway.add_key("starved")
    manager = SyncQuotaManager(gateway=gateway.base_url, key=key, name="starved-1")
    assert call(gateway, key, {}).status_code == 200

    def waits() -> None:
        with pytest.raises(QuotaError, match="was closed"):
            manager.acquire("starved", 10)

    def seen(count: int) -> Any:
        rows = [row for row in gateway.get("/leases")["managers"] if row["name"] == "starved-1"]
        waiting = [one for row in rows for one in row["waiting"] if one["limit"]]
        return sum(one["count"] for one in waiting) == count

    waiters = [threading.Thread(target=waits, daemon=True) for _ in range(2)]
    for count, waiter in enumerate(waiters, 1):
        waiter.start()
        wait_until(partial(seen, count))
    assert (manager.check("starved").wait_s or 0) > 30, "the wait is that of the limit all the same"
    with pytest.raises(AcquireTimeout) as late:
        manager.acquire("starved", 10, priority="high", timeout=0)
    assert (late.value.wait_s or 0) > 30
    manager.close()
    for waiter in waiters:
        waiter.join(PATIENCE_S)
        assert not waiter.is_alive()
