"""Processes that share a gateway: together they use a limit to the full, and never more."""

import json
import subprocess
import sys

from quotadeck.domain.days import micros
from tests.processes import Gateway, wait_until

SECONDS = 4.0
CAPACITY, A_SECOND = 100, 10


def test_the_sum_of_what_is_admitted_is_the_limit_and_the_ledger_has_what_was_settled(
    gateway: Gateway,
) -> None:
    key = gateway.add_key("shared")
    command = [sys.executable, "-m", "tests.client.leased.worker"]
    asked = [gateway.base_url, key, "shared", str(SECONDS)]
    workers = [
        subprocess.Popen([*command, *asked], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    told = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    sums = {name: sum(each[name] for each in told) for name in told[0]}
    assert sums["refused"] == 0, "whoever waited here is not refused there"
    assert all(each["admitted"] for each in told), "each had its part"
    calls = wait_until(
        lambda: len(found := gateway.calls(project="shared")) == sums["admitted"] and found
    )
    assert {call["outcome"] for call in calls} == {"ok"}
    assert sum(call["cost_nano_usd"] for call in calls) == sums["cost_nano"]
    tokens = sum(call["input_tokens"] + call["output_tokens"] for call in calls)
    assert tokens == sums["tokens"]
    began, ended = micros(calls[0]["at"]), micros(calls[-1]["at"])
    # The first lease may have been taken just before its first call.
    most = CAPACITY + A_SECOND * ((ended - began) / 1e6 + 0.5)
    assert sums["admitted"] <= most + 1
    assert sums["admitted"] >= 0.95 * (most - A_SECOND * 0.5)
    project = next(row for row in gateway.snapshot().projects if row.id == "shared")
    assert (project.flow.in_flight, project.budget.held_nano) == (0, 0)
    assert gateway.get("/leases")["leases"] == []
