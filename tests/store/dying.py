"""A process that writes a ledger, says on its output what it was told is safe, and is killed.

Every line on the output is one record that the ledger has taken: ``open ID``, ``end ID``,
``levels AT_US``, ``command SEQ``, or
``change GROUP COUNT`` for all of its commands. The first is ``ready``.
"""

import asyncio
import os
import random
import sys
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import quotadeck.store.ledger
from quotadeck.clock import MachineClock
from quotadeck.domain.calls import OpenCall, moved
from quotadeck.domain.cause import Cause
from quotadeck.store import Ledger
from tests.store.values import ended, entry, move_of, opened, refused

SEGMENT_BYTES = 60_000
MOST_IN_A_CHANGE = 300
MOST_AT_ONCE = 12
"""Records of one turn."""


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def work(directory: Path, run: str) -> None:
    chance = random.Random(run)
    ledger = await Ledger.open(directory, MachineClock())
    say("ready")
    live: dict[str, OpenCall] = {}
    turn: list[tuple[str, Awaitable[None]]] = []
    number = 0
    while True:
        action = chance.randrange(100)
        if action < 2 or len(turn) > chance.randrange(MOST_AT_ONCE):
            for line, written in turn:
                await written
                say(line)
            turn.clear()
        number += 1
        at_us = MachineClock().wall_us()
        match action:
            case 0 if chance.random() < 0.5:
                group = f"cmd_{run}_{number}"
                names = [f"{group}_{at}" for at in range(chance.randrange(2, MOST_IN_A_CHANGE))]
                parts = [replace(entry(one), group=group, asked=str(len(names))) for one in names]
                for sealed in await ledger.commands(parts, durable=chance.random() < 0.5):
                    say(f"command {sealed.seq}")
                say(f"change {group} {len(parts)}")
            case 0:
                sealed = await ledger.command(entry(f"cmd_{run}_{number}"), durable=True)
                say(f"command {sealed.seq}")
            case 1:
                ledger.levels(at_us, {"a:rpm": number}, {"a:rpm": (0, number, 60)})
                say(f"levels {at_us}")
            case kind if kind < 20:
                name = f"req_{run}_{number}"
                turn.append(
                    (f"end {name}", ledger.end_call(refused(name, Cause.RPM, kind, at_us=at_us)))
                )
            case kind if live and kind < 30:
                name = chance.choice(list(live))
                before, move = live[name], move_of(live[name], after_us=number)
                live[name] = moved(before, move)
                turn.append((f"move {name}", ledger.move_call(before, move)))
            case kind if live and (kind < 60 or len(live) > 30):
                name = chance.choice(list(live))
                del live[name]
                call = ended(name, at_us=at_us, total_ms=kind)
                turn.append((f"end {name}", ledger.end_call(call)))
            case _:
                name = f"req_{run}_{number}"
                live[name] = opened(name, at_us=at_us)
                turn.append((f"open {name}", ledger.open_call(live[name])))


if __name__ == "__main__":
    quotadeck.store.ledger.SEGMENT_BYTES = SEGMENT_BYTES  # type: ignore[misc]
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2]))
