"""Processes that share a gateway: together they use a limit to the full, and never more."""

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from quotadeck.domain.days import micros
from tests.processes import Gateway, wait_until

CAPACITY, A_SECOND = 40, 4
"""Little enough that a busy machine uses it to the full, too."""


def test_the_sum_of_what_is_admitted_is_never_above_the_limit_and_the_ledger_has_it(
    gateway: Gateway,
) -> None:
    admitted, most, _ = shared(gateway)
    assert admitted <= most


@pytest.mark.soak
def test_the_sum_of_what_is_admitted_is_the_limit_where_the_machine_has_time(
    gateway: Gateway,
) -> None:
    admitted, _, least = shared(gateway)
    assert admitted >= 0.95 * least


def shared(gateway: Gateway) -> tuple[int, float, float]:
    """What three processes were admitted, and what a limit lets through at most from before the
    first of them began, and from its first call."""
    before_us = time.time_ns() // 1_000
    key = gateway.add_key("shared")
    command = [sys.executable, "-m", "tests.client.leased.worker"]
    asked = [gateway.base_url, key, "shared"]
    workers = [
        subprocess.Popen([*command, *asked], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    try:
        told = [json.loads(worker.communicate(timeout=90)[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    sums = {name: sum(each[name] for each in told) for name in told[0]}
    assert sums["refused"] == 0, "whoever waited here is not refused there"
    assert all(each["admitted"] for each in told), "each had its part"

    def on_record() -> list[dict[str, Any]]:
        found = gateway.calls(project="shared", key=key[3:11])
        return found if len(found) == sums["admitted"] else []

    calls = wait_until(on_record)
    assert {call["outcome"] for call in calls} == {"ok"}
    assert sum(call["cost_nano_usd"] for call in calls) == sums["cost_nano"]
    tokens = sum(call["input_tokens"] + call["output_tokens"] for call in calls)
    assert tokens == sums["tokens"]
    project = next(row for row in gateway.snapshot().projects if row.id == "shared")
    assert (project.flow.in_flight, project.budget.held_nano) == (0, 0)
    assert [one for one in gateway.get("/leases")["leases"] if one["project"] == "shared"] == []
    began, ended = micros(calls[0]["at"]), micros(calls[-1]["at"])
    most, least = (
        CAPACITY + A_SECOND * (ended - first_us) / 1_000_000 for first_us in (before_us, began)
    )
    return sums["admitted"], most, least
