"""A cause of refusal is one line; who does not know it yet can read what was recorded with it."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import quotadeck
from quotadeck.domain.cause import Cause
from quotadeck.store import Reader

_RECORD = """
import asyncio, json, sys
from pathlib import Path
from quotadeck.domain.cause import Cause
from quotadeck.domain.pages import CallRow
from quotadeck.store import Ledger
from quotadeck.wire.objects import plain
from tests.clocks import HandClock
from tests.store.values import refused

async def main():
    ledger = await Ledger.open(Path(sys.argv[1]), HandClock())
    ledger.end_call(refused("req_1", Cause.SLEEPY))
    ledger.end_call(refused("req_2", Cause("sleepy"), 41))
    await ledger.flushed()
    reader = ledger.reader
    print(json.dumps({
        "calls": [plain(CallRow(*row))["cause"] for row in await reader.calls()],
        "rolled up": [dict(r.refused) for per in ("minute", "hour", "day")
                      for r in await reader.rollups(per=per)],
        "in all": dict((await reader.totals())["analytics"].refused),
    }))
    await ledger.close()

asyncio.run(main())
"""


def test_one_line_adds_a_cause_to_all_that_is_recorded(tmp_path: Path) -> None:
    package = tmp_path / "quotadeck"
    shutil.copytree(
        Path(quotadeck.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    causes = package / "domain" / "cause.py"
    known = '    NEVER_FITS = "never_fits"\n'
    text = causes.read_text()
    assert text.count(known) == 1
    causes.write_text(text.replace(known, known + '    SLEEPY = "sleepy"\n'))
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", _RECORD, tmp_path / "state"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "calls": ["sleepy", "sleepy"],
        "rolled up": [{"sleepy": 42}] * 3,
        "in all": {"sleepy": 42},
    }
    asyncio.run(_is_read_by_who_does_not_know_it(tmp_path / "state"))


async def _is_read_by_who_does_not_know_it(state: Path) -> None:
    reader = await Reader.open(state)
    assert [call.cause for _, call in await reader.calls()] == [Cause.OTHER, Cause.OTHER]
    assert (await reader.totals())["analytics"].refused == {"sleepy": 42}
    await reader.close()
