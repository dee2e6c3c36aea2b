"""Kill a writing process again and again; after each kill, hold the ledger to what it promised."""

import contextlib
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from quotadeck.domain.calls import Call, Move, OpenCall, Outcome
from quotadeck.store import Ledger, StoreBusy, standing, take
from tests.clocks import HandClock
from tests.store.damages import noise, overwrite
from tests.store.dying import MOST_AT_ONCE
from tests.store.rebuilding import DESTROYED, HARMED, recorded
from tests.store.values import all_calls, assert_sums
from tests.wording import said

KINDS = {OpenCall: "open", Move: "move", Call: "end"}


@dataclass
class Promised:
    """What the process said it was told, over all its lives."""

    opened: set[str] = field(default_factory=set)
    moved: Counter[str] = field(default_factory=Counter)
    ended: set[str] = field(default_factory=set)
    commands: set[int] = field(default_factory=set)
    changes: dict[str, int] = field(default_factory=dict)
    levels: int | None = None
    since: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        kind, _, name = line.partition(" ")
        if kind == "levels":
            self.levels = int(name)
            self.since.clear()
        elif kind == "change":
            group, _, count = name.partition(" ")
            self.changes[group] = int(count)
        elif kind == "command":
            self.commands.add(int(name))
        else:
            if kind == "move":
                self.moved[name] += 1
            else:
                (self.opened if kind == "open" else self.ended).add(name)
            self.since.append(line)


def live_and_die(directory: Path, run: str, lines: int) -> list[str]:
    """Start the process, read so many of its lines, kill it; all that it said."""
    command = [sys.executable, "-m", "tests.store.dying", str(directory), run]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        said = b""
        try:
            while said.count(b"\n") <= lines:
                chunk = process.stdout.read(65_536)
                assert chunk, "it died by itself"
                said += chunk
        finally:
            process.kill()
        while chunk := process.stdout.read(65_536):
            said += chunk
    first, *rest = said.decode().splitlines()
    assert first == "ready"
    return rest


async def kill_repeatedly(directory: Path, times: int, seed: int) -> None:
    """Raises AssertionError at the first promise that was not kept."""
    chance = random.Random(seed)
    promised = Promised()
    for run in range(times):
        for line in live_and_die(directory, f"{seed}_{run}", chance.randrange(1, 1_500)):
            promised.hear(line)
        ledger = await Ledger.open(directory, HandClock())
        assert ledger.problems == ()
        await check(ledger, promised)
        await ledger.close()


async def destroy_repeatedly(directory: Path, times: int, seed: int) -> None:
    """After each kill, destroy the ledger, and sometimes its newest backup.

    Raises AssertionError where what comes back is not what an unharmed twin has.
    """
    chance = random.Random(seed)
    promised = Promised()
    twin = directory.with_name("twin")
    for run in range(times):
        for line in live_and_die(directory, f"{seed}_{run}", chance.randrange(1, 1_500)):
            promised.hear(line)
        shutil.copytree(directory, twin)
        ledger = await Ledger.open(twin, HandClock())
        expected = await recorded(ledger)
        await ledger.close()
        shutil.rmtree(twin)
        how = chance.choice([*DESTROYED, *HARMED])
        {**DESTROYED, **HARMED}[how](directory)
        backups = standing(directory)
        if how in DESTROYED and len(backups) > 1 and chance.random() < 0.3:
            overwrite(backups[0].path, 4_096, noise(30_000))
        ledger = await Ledger.open(directory, HandClock())
        assert await recorded(ledger) == expected, f"{how} in run {run} of seed {seed}"
        assert said(ledger.problems) == ("ledger rebuilt",) or how in HARMED
        await check(ledger, promised)
        if chance.random() < 0.5:
            with contextlib.suppress(StoreBusy):  # the ledger makes one itself at this moment
                take(directory, HandClock().wall_us())
        await ledger.backups.look()
        await ledger.close()


async def check(ledger: Ledger, promised: Promised) -> None:
    assert set(said(ledger.problems)) <= {"ledger rebuilt"}
    found = ledger.recovered
    calls = await all_calls(ledger.reader)
    ids = [call.id for call in calls]
    assert len(ids) == len(set(ids)), "a call was recorded twice"
    real = {call.id for call in calls if call.outcome is not Outcome.UNKNOWN}
    unknown = {call.id for call in calls if call.outcome is Outcome.UNKNOWN}
    assert promised.ended - unknown <= real, "an acknowledged end is missing"
    assert not promised.ended & unknown, "an acknowledged end was recorded as unknown"
    assert promised.opened <= real | unknown, "an acknowledged open left no trace"
    await assert_sums(ledger.reader)
    log = await ledger.reader.log()
    assert promised.commands <= {item.seq for item in log}, "a durable command is missing"
    there = Counter(item.group for item in log if item.group)
    assert promised.changes.items() <= there.items(), "a change is not there as a whole"
    unheard = there.keys() - promised.changes.keys()
    # The kill came before the last word of it: then all of it is there that was ever to be.
    for group in unheard:
        parts = [item for item in log if item.group == group]
        assert [item.id for item in parts] == [f"{group}_{at}" for at in range(len(parts))]
        assert [item.seq for item in parts] == list(range(parts[0].seq, parts[0].seq + len(parts)))
        assert parts[0].asked == str(len(parts)), "half of a change"
    assert (await ledger.reader.chain()).broken is None
    assert found.entries == tuple(log)

    since = [f"{KINDS[type(item)]} {item.id}" for item in found.since]
    if found.levels_at_us == promised.levels:
        assert since[: len(promised.since)] == promised.since, "records since the levels"
        assert len(since) <= len(promised.since) + MOST_AT_ONCE
    else:
        assert since == [], "what was told of them comes first"
    promised.levels, promised.since = found.levels_at_us, since
    charge(found.unknown, promised)


def charge(unknown: tuple[Call, ...], promised: Promised) -> None:
    for call in unknown:
        moves = len(call.attempts) - 1
        assert moves >= promised.moved[call.id], "an acknowledged move is missing"
        assert call.cost_nano_usd == (600 if moves else 1_000), "of its last target"
        promised.since.append(f"end {call.id}")
