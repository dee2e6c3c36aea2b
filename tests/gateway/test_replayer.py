"""The replaying process: a preview never waits for it, and it never outlives what it is for."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from quotadeck.backtest.messages import Told
from quotadeck.gateway.control.replayer import Replayer
from quotadeck.store import Ledger
from tests.clocks import HandClock

_ANSWERS = """
import json, socket
asks = socket.socket(fileno=0).makefile("rwb")
for line in asks:
    number = json.loads(line)["number"]
    {how}
    asks.write(json.dumps({{"number": number, "estimate": None, "why": "fine"}}).encode() + b"\\n")
    asks.flush()
"""


@asynccontextmanager
async def replayer(
    directory: Path, how: str = "pass", *, patience_s: float = 30.0, idle_s: float = 60.0
) -> AsyncIterator[Replayer]:
    """One whose process does something of ours before it answers."""
    script = directory / "answers.py"
    script.write_text(_ANSWERS.format(how=how))
    made = Replayer(
        directory, patience_s=patience_s, idle_s=idle_s, command=(sys.executable, str(script))
    )
    try:
        yield made
    finally:
        await made.close()
    assert made.pid is None


async def ask(replayer: Replayer) -> Told:
    return await replayer.ask({}, {"project:a": {"rpm": 3}}, {}, 1)


async def until(reached: Callable[[], bool], timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not reached():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # ended meanwhile, or nothing is told there
        return not Path("/proc/self/stat").exists()
    return stat.rpartition(") ")[2][0] != "Z"


async def test_it_is_started_by_the_first_ask_and_stays_for_the_next(tmp_path: Path) -> None:
    async with replayer(tmp_path) as at:
        assert at.pid is None
        assert (await ask(at)).why == "fine"
        first = at.pid
        assert (await ask(at)).why == "fine"
        assert at.pid == first


async def test_it_is_ended_when_nobody_asked_for_a_while(tmp_path: Path) -> None:
    async with replayer(tmp_path, idle_s=0.05) as at:
        await ask(at)
        pid = at.pid
        assert pid is not None
        await until(lambda: at.pid is None and not is_there(pid))
        assert (await ask(at)).why == "fine"


async def test_one_that_is_killed_leaves_a_preview_without_figures_and_the_next_with(
    tmp_path: Path,
) -> None:
    async with replayer(tmp_path) as at:
        await ask(at)
        assert at.pid is not None
        os.kill(at.pid, signal.SIGKILL)
        await until(lambda: at.pid is None)
        assert (await ask(at)).why == "fine"


async def test_one_that_dies_over_an_ask_is_told_of_at_once(tmp_path: Path) -> None:
    async with replayer(tmp_path, "raise SystemExit(1)") as at:
        began = time.monotonic()
        assert (await ask(at)).why == "dead"
        assert time.monotonic() - began < at._patience_s


async def test_one_that_cannot_be_started_is_told_of(tmp_path: Path) -> None:
    at = Replayer(tmp_path, command=(str(tmp_path / "nothing"),))
    assert (await ask(at)).why == "dead"
    await at.close()


async def test_one_that_hangs_is_waited_for_no_longer_than_allowed(tmp_path: Path) -> None:
    async with replayer(tmp_path, "import time; time.sleep(600)", patience_s=0.3) as at:
        assert (await ask(at)).why == "late"
        pid = at.pid
        assert pid is not None
        assert is_there(pid)
    assert not is_there(pid)


async def test_one_that_hung_for_seconds_is_ended_by_the_next_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.gateway.control.replayer._HUNG_S", 0.0)
    how = "import time; time.sleep(600 if number == 1 else 0)"
    async with replayer(tmp_path, how) as at:
        first = asyncio.create_task(ask(at))
        await until(lambda: at.pid is not None)
        pid = at.pid
        assert pid is not None
        assert (await ask(at)).why == "fine"
        assert (await first).why == "superseded"
        assert at.pid != pid
        await until(lambda: not is_there(pid))


async def test_the_newest_ask_wins(tmp_path: Path) -> None:
    async with replayer(tmp_path) as at:
        asks = [asyncio.create_task(ask(at)) for _ in range(4)]
        assert [(await one).why for one in asks] == [*["superseded"] * 3, "fine"]


async def test_what_is_no_answer_is_none(tmp_path: Path) -> None:
    how = 'asks.write(b"[1]\\n"); asks.flush()'
    async with replayer(tmp_path, how) as at:
        assert (await ask(at)).why == "dead"


async def test_an_answer_without_an_end_is_none(tmp_path: Path) -> None:
    how = 'asks.write(b"x" * 10_000_000); asks.flush()'
    async with replayer(tmp_path, how) as at:
        assert (await ask(at)).why == "dead"


async def test_an_ask_beyond_all_measure_is_not_sent(tmp_path: Path) -> None:
    async with replayer(tmp_path) as at:
        values = {f"project:{number:0>200}": {"rpm": 1} for number in range(5_000)}
        assert (await at.ask(values, {}, {}, 1)).why == "busy"
        assert at.pid is None


_PARENT = """
import asyncio, sys
from pathlib import Path
from quotadeck.gateway.control.replayer import Replayer

async def main():
    replayer = Replayer(Path(sys.argv[1]), patience_s=60)
    told = await replayer.ask({}, {"project:a": {"rpm": 3}}, {}, 1)
    print(replayer.pid, told.why, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_it_is_gone_with_a_gateway_that_is_killed(tmp_path: Path) -> None:
    await (await Ledger.open(tmp_path, HandClock())).close()
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid, why = (await parent.stdout.readline()).decode().split()
    assert why == "nothing"
    assert is_there(int(pid))
    assert os.getpriority(os.PRIO_PROCESS, int(pid)) >= 10
    parent.kill()
    await parent.wait()
    await until(lambda: not is_there(int(pid)))
