"""What operators see of leases on the command line, and how they end one."""

import json

import pytest

from quotadeck.cli.app import run
from quotadeck.client import Estimate, SyncQuotaManager
from tests.processes import Gateway, wait_until


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
