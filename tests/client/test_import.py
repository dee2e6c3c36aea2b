"""Importing the client costs next to nothing, and brings along none of the rest."""

import json
import subprocess
import sys

_TOLD = """
import asyncio, json, sys
before, held = set(sys.modules), int(open("/proc/self/statm").read().split()[1])
from quotadeck.client import Estimate, QuotaManager, SyncQuotaManager
grown = int(open("/proc/self/statm").read().split()[1]) - held
imported = sorted(set(sys.modules) - before)
QuotaManager().check("a", Estimate(10, 10))
print(json.dumps([imported, sorted(set(sys.modules) - before), grown * 4]))
"""
COMES_WITH_IT = {
    "__future__",
    "_bisect",
    "_queue",
    "bisect",
    "copy",
    "dataclasses",
    "org",
    "queue",
}
"""Of Python's own, beside what `import asyncio` brings: each takes a start's milliseconds."""
HEAVY = {"textual", "pydantic", "httpx", "httpx2", "tiktoken", "aiohttp", "starlette", "rich"}
MOST_KIB = 6 * 1024


def test_it_brings_along_next_to_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _TOLD], capture_output=True, text=True, check=True)
    imported, used, grown_kib = json.loads(done.stdout)
    others = {name.split(".")[0] for name in imported} - {"quotadeck"}
    assert others <= COMES_WITH_IT
    assert grown_kib <= MOST_KIB
    ours = {".".join(name.split(".")[:2]) for name in used if name.startswith("quotadeck.")}
    assert ours == {f"quotadeck.{room}" for room in ("client", "clock", "domain", "limiter")}
    assert not {name.split(".")[0] for name in used} & {*HEAVY, "orjson", "openai"}


_ALL = """
import importlib, json, pkgutil, sys
import quotadeck.client as client
before = set(sys.modules)
for found in pkgutil.walk_packages(client.__path__, client.__name__ + "."):
    importlib.import_module(found.name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_none_of_it_brings_along_a_gateway_or_a_framework() -> None:
    """Not the transports either, nor what leases of a gateway."""
    done = subprocess.run([sys.executable, "-c", _ALL], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert {"quotadeck.client.transport.clients", "quotadeck.client.leased.core"} <= set(loaded)
    assert not {name.split(".")[0] for name in loaded} & {*HEAVY, "openai", "anthropic"}
    ours = {name.split(".")[1] for name in loaded if name.startswith("quotadeck.")}
    assert ours == {"admission", "client", "clock", "dialects", "domain", "limiter"}
