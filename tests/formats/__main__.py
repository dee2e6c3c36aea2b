"""`python -m tests.formats` writes the goldens that are missing: those of a new number.

What stands there is never written again: it is what a version has left on somebody's disk.
"""

import asyncio
import gzip
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from quotadeck.store import Ledger
from quotadeck.store.journal import records as write
from quotadeck.store.journal.records import FORMAT
from quotadeck.store.sqlite.schema import USER_VERSION
from quotadeck.wire.offline import FORMAT as OFFLINE
from quotadeck.wire.offline import written
from quotadeck.wire.stream import FORMAT as STREAM
from quotadeck.wire.stream import Encoder
from tests.clocks import HandClock
from tests.formats import known
from tests.wire.snapshots import done

HERE = Path(__file__).parent


def golden(what: str, number: int) -> Path:
    """``segment-2.journal``, ``ledger-2.db.gz``, …"""
    name, _, end = what.partition(".")
    return HERE / f"{name}-{number}.{end}"


def segment(*, moves: bool = True) -> bytes:
    """One of each record, as this version writes them; without those of ``moves``, and of several
    commands, what the ledger's goldens have folded."""
    levels, catalogue = known.LEVELS, known.CATALOGUE
    assert levels.mark is not None
    moved = (write.open_frame(known.MOVED), write.move_frame(known.MOVE))
    several = (write.commands_frame((known.SECOND, known.THIRD)), write.withdrawal_frame(4, 2))
    return b"".join(
        (
            write.segment_frame(known.SOURCE),
            write.open_frame(known.OPEN),
            *(moved if moves else ()),
            write.end_frame(known.END),
            write.end_frame(known.REFUSED),
            write.command_frame(known.ENTRY),
            write.levels_frame(levels.at_us, levels.not_full, levels.touched, levels.mark),
            write.catalogue_frame(catalogue.body, catalogue.at_us),
            write.state_frame(known.ENTERED),
            write.state_frame(known.LEFT),
            write.withdrawal_frame(2),
            *(several if moves else ()),
            write.made_frame(known.MADE),
        )
    )


async def folded(state: Path) -> None:
    """A ledger that has folded that segment, closed; its source is the segment's."""
    clock = HandClock(known.AT_US + 60_000_000)
    await (await Ledger.open(state, clock)).close()
    with closing(sqlite3.connect(state / "ledger.db", isolation_level=None)) as db:
        db.execute("UPDATE sources SET source_id = ?, folded_segment = 0", (known.SOURCE,))
    (state / "journal" / "0000000001.journal").write_bytes(segment(moves=False))
    ledger = await Ledger.open(state, clock)
    ledger.event(known.EVENT)
    await ledger.flushed()
    await ledger.close()


def stream() -> bytes:
    """A line an event: the whole snapshot, what changed, and a heartbeat."""
    encoder = Encoder()
    done(encoder.changes(known.SNAPSHOT))
    whole = done(encoder.full(known.SNAPSHOT))
    changes = done(encoder.changes(known.CHANGED))
    assert changes is not None
    return b"\n".join((whole, changes, encoder.heartbeat(known.CHANGED)))


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        state = Path(place) / "state"
        asyncio.run(folded(state))
        made = {
            golden("segment.journal", FORMAT): segment(),
            golden("ledger.db.gz", USER_VERSION): gzip.compress(
                (state / "ledger.db").read_bytes(), mtime=0
            ),
            golden("command.json", OFFLINE): written(known.COMMAND),
            golden("stream.jsonl", STREAM): stream(),
        }
    for path, data in made.items():
        if not path.exists():
            path.write_bytes(data)
            print(path)


if __name__ == "__main__":
    main()
