"""The helpers bring along nothing heavy, whichever of them is imported."""

import json
import subprocess
import sys
from pathlib import Path

import quotadeck.client.help as helpers
from tests.client.test_import import HEAVY

_LOADS = """
import importlib, json, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_nothing_heavy_comes_along() -> None:
    files = sorted(Path(helpers.__path__[0]).glob("*.py"))
    names = [f"{helpers.__name__}.{file.stem}" for file in files if file.stem != "__init__"]
    assert len(names) > 12
    done = subprocess.run(
        [sys.executable, "-c", _LOADS, *names], capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stdout)
    assert set(names) <= set(loaded)
    assert not [name for name in loaded if name.split(".")[0] in HEAVY]
    ours = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("quotadeck.")}
    assert ours <= {f"quotadeck.{room}" for room in ("client", "dialects", "domain")}
