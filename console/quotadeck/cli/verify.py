"""``audit verify``: whether the command log is as it was written, from the ledger's own file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from quotadeck import words
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.options import JSON, STATE
from quotadeck.cli.show import emit, say
from quotadeck.domain.text import clean

if TYPE_CHECKING:
    from quotadeck.store import Verified


@click.command(
    epilog="\b\nExamples:\n  quotadeck audit verify\n"
    "  quotadeck audit verify --state /var/lib/quotadeck --head 5f0c…\n\n"
    "Exits with 1 where the log does not hold, or the head is not in it."
)
@STATE
@click.option("--head", metavar="HASH", help="A head kept from before: it must be in the log.")
@JSON
def verify(*, state: Path | None, head: str | None, as_json: bool) -> int:
    """Check the command log's hash chain; works while the gateway runs and when it is down.

    It reads the ledger's file itself and asks no gateway. Keep the head that it prints somewhere
    else: entries that were cut off the end can only be told by it.
    """
    import asyncio

    from quotadeck.store import GENESIS, StoreError, verify_log
    from quotadeck.wire.paths import find_state

    where = state or find_state()
    try:
        found = asyncio.run(verify_log(where, GENESIS if head is None else head.strip().lower()))
    except StoreError as error:
        raise Stop(Exit.REFUSED, words.say(error.within("verify.refused"))) from None
    holds = found.broken is None and found.has_kept
    if as_json:
        emit(
            {
                "ok": holds,
                "state": str(where),
                "entries": found.head.entries,
                "last_seq": found.head.seq,
                "head": found.head.hash,
                "broken": found.broken,
                "kept_head_found": None if head is None else found.has_kept,
            }
        )
    else:
        _tell(found, where, head)
    return Exit.OK if holds else Exit.REFUSED


def _tell(found: "Verified", where: Path, head: str | None) -> None:
    last, broken = found.head, found.broken
    if broken is None:
        path = clean(str(where))
        say(words.text("verify.holds", path=path, entries=last.entries, seq=last.seq))
    else:
        following = broken.following
        say(words.text("verify.broken", broken=broken.seq, why=broken.why, following=following))
        say(words.text("verify.changed"))
        say(words.text("verify.count", entries=last.entries, seq=last.seq))
    if head is not None and found.has_kept:
        say(words.text("verify.kept"))
    elif head is not None:
        say(words.text("verify.missing", head=clean(head, 80)))
    say(words.text("verify.head", head=last.hash))
