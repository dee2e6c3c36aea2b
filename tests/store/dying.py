"""A process that writes a ledger, says on its output what it was told is safe, and is killed.

Every line on the output is one record that the ledger has taken: ``open ID``, ``end ID``,
``levels AT_US`` or ``command SEQ``. The first is ``ready``.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

import quotadeck.store.ledger
from quotadeck.clock import MachineClock
from quotadeck.domain.cause import Cause
from quotadeck.store import Ledger
from tests.store.values import ended, entry, opened, refused

SEGMENT_BYTES = 60_000


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def work(directory: Path, run: str) -> None:
    chance = random.Random(run)
    ledger = await Ledger.open(directory, MachineClock())
    say("ready")
    live: list[str] = []
    number = 0
    while True:
        number += 1
        at_us = MachineClock().wall_us()
        match chance.randrange(100):
            case 0:
                sealed = await ledger.command(entry(f"cmd_{run}_{number}"), durable=True)
                say(f"command {sealed.seq}")
            case 1:
                ledger.levels(at_us, {"a:rpm": number}, {"a:rpm": (0, number, 60)})
                say(f"levels {at_us}")
            case kind if kind < 20:
                name = f"req_{run}_{number}"
                ledger.end_call(refused(name, Cause.RPM, kind, at_us=at_us))
                say(f"end {name}")
            case kind if live and (kind < 60 or len(live) > 30):
                name = live.pop(chance.randrange(len(live)))
                ledger.end_call(ended(name, at_us=at_us, total_ms=kind))
                say(f"end {name}")
            case _:
                name = f"req_{run}_{number}"
                ledger.open_call(opened(name, at_us=at_us))
                live.append(name)
                say(f"open {name}")
        if number % 20 == 0:
            await asyncio.sleep(0)


if __name__ == "__main__":
    quotadeck.store.ledger.SEGMENT_BYTES = SEGMENT_BYTES  # type: ignore[misc]
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2]))
