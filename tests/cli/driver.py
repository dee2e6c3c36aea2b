"""`quotadeck` as a user runs it: a process, its exit code, and what it said."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout as the one JSON document that it must be."""
        return json.loads(self.out)


def home_env(home: Path) -> dict[str, str]:
    """An environment in which everything of the user's is under ``home``."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "PYTHONPATH")}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "PYTHONUTF8": "1",
        "TZ": "Asia/Tokyo",
    }


def quotadeck(*arguments: str, env: Mapping[str, str], stdin: str = "") -> Ran:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "quotadeck", *arguments],
        capture_output=True,
        env=dict(env),
        input=stdin,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)
