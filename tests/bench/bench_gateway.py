"""CPU of the gateway process per JSON request, admission and record included."""

import asyncio
import tempfile
from pathlib import Path

from tests.bench import cpu_s
from tests.load import flood
from tests.processes import running

SECONDS = 8
CLIENTS = 50
PROJECTS = """
[projects.bench]
rpm = 1000000
tpm = 1000000000
concurrency = 1000
daily_budget_usd = "1000000"
"""
TARGETS = "\n".join(
    f'[targets."main/{model}"]\nrpm = 1000000\ntpm = 1000000000'
    for model in ("claude-opus-4.7", "gpt-4.1", "gemini-2.5-flash", "deepseek-v3.2")
)


def run() -> list[tuple[str, str]]:
    """(name, figure) under load, the warm-up left out."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), PROJECTS, targets=TARGETS) as gateway,
    ):
        key = gateway.add_key("bench")
        asyncio.run(flood(gateway.base_url, key, clients=CLIENTS, seconds=2))
        before = cpu_s(gateway.process.pid)
        tally = asyncio.run(flood(gateway.base_url, key, clients=CLIENTS, seconds=SECONDS))
        used = cpu_s(gateway.process.pid) - before
        count = len(tally.whole)
    return [
        (
            "CPU per JSON request, 6 buckets, journal and ledger, c=50",
            f"{used / count * 1e6:.0f} µs",
        ),
        ("requests/s (the load generator takes the other core)", f"{count / SECONDS:.0f}"),
    ]
