"""Importing the client costs next to nothing, and brings along none of the rest."""

import json
import subprocess
import sys

_MEASURES = """
import asyncio, json, resource, sys, time
before, held, began = set(sys.modules), resource.getrusage(0).ru_maxrss, time.process_time()
from quotadeck.client import Estimate, QuotaManager, SyncQuotaManager
cost = time.process_time() - began
manager = QuotaManager()
manager.acquire("a", Estimate(10, 10))
grown = resource.getrusage(0).ru_maxrss - held
print(json.dumps([cost * 1e3, grown, sorted(set(sys.modules) - before)]))
"""
HEAVY = (
    "textual",
    "pydantic",
    "httpx",
    "tiktoken",
    "aiohttp",
    "starlette",
    "rich",
    "orjson",
    "openai",
)


def test_nothing_heavy_comes_along() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURES], capture_output=True, text=True, check=True
    )
    _, _, loaded = json.loads(done.stdout)
    assert not [name for name in loaded if name.split(".")[0] in HEAVY]
    ours = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("quotadeck.")}
    assert ours == {f"quotadeck.{room}" for room in ("client", "clock", "domain", "limiter")}
