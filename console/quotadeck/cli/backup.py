"""``backup``: a copy of the ledger, beside a running gateway or of a stopped one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from quotadeck import words
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.options import JSON, STATE
from quotadeck.cli.show import emit, note, now_us, say
from quotadeck.domain.text import clean

if TYPE_CHECKING:
    from quotadeck.store import Backup


@click.command(
    epilog="\b\nExamples:\n  quotadeck backup\n  quotadeck backup --to /mnt/safe/ledger.db\n\n"
    "To bring a copy back: stop the gateway, move what there is of its state folder away, put the "
    "copy there as ledger.db, with the journal and archive folders if you have them, and start."
)
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="A file to write, which must not be there yet. Default: the state's own `backups`.",
)
@STATE
@JSON
def backup(*, to: Path | None, state: Path | None, as_json: bool) -> int:
    """Copy the ledger as it is now.

    It works while the gateway runs and when it is down.

    It asks no gateway: whoever may read the ledger's file may copy it with --to. Into the state's
    own folder, where the gateway keeps its daily copies and the last three stay, its account alone
    may write.
    """
    import asyncio

    from quotadeck.store import StoreError, copy_to, is_left_open, readable, take
    from quotadeck.wire.paths import find_state

    where = state or find_state()
    try:
        asyncio.run(readable(where))
        made = take(where, now_us()) if to is None else copy_to(where, to, now_us())
    except StoreError as error:
        raise Stop(Exit.REFUSED, words.say(error.within("backup.refused"))) from None
    if as_json:
        emit(
            {
                "path": str(made.path),
                "at_us": made.at_us,
                "bytes": made.path.stat().st_size,
                "journal": {"segment": made.folded.segment, "byte": made.folded.offset},
            }
        )
    else:
        _tell(made)
    if is_left_open(where):
        note(words.text("backup.left_open"))
    return Exit.OK


def _tell(made: "Backup") -> None:
    size_mb = f"{made.path.stat().st_size / 10**6:,.1f}"
    say(words.text("backup.made", path=clean(str(made.path)), size_mb=size_mb))
    segment, offset = made.folded
    say(words.text("backup.reach", segment=segment, offset=offset))
