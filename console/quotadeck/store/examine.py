"""What a start would find in a store, told without starting: read-only, and without its lock."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from quotadeck.store.ballast import Ballast
from quotadeck.store.chain import GENESIS, BrokenChain, Chain, ChainHead
from quotadeck.store.journal.journal import Journal, Position
from quotadeck.store.journal.recovery import Scan
from quotadeck.store.loss import Loss, broken_log, losses
from quotadeck.store.places import check_places, journal_directory
from quotadeck.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Verified:
    """What the command log says of itself, as far as SQLite has it."""

    head: ChainHead
    broken: BrokenChain | None
    has_kept: bool
    """Whether the kept head is one of an entry, or that of an empty log."""


async def readable(directory: Path) -> None:
    """Raises StoreMissing, StoreForeign, StoreNewer, StoreOlder, StoreDamaged or StoreError."""
    await (await Reader.open(directory)).close()


async def verify_log(directory: Path, kept_head: str = GENESIS) -> Verified:
    """Read and check the whole command log. Raises StoreError or OSError."""
    chain, has_kept = Chain(), kept_head == GENESIS
    reader = await Reader.open(directory)
    try:
        async for links in reader.links():
            chain.add(links)
            has_kept = has_kept or any(link.hash == kept_head for link in links)
    finally:
        await reader.close()
    return Verified(chain.head, chain.broken, has_kept)


async def examine(directory: Path) -> tuple[Loss, ...]:
    """What is lost, broken or odd in a store that nobody writes. Raises StoreError or OSError."""
    check_places(directory)
    reader = await Reader.open(directory)
    try:
        folded, chain = await reader.folded(), await reader.chain()
        levels = await reader.has_levels()
    finally:
        await reader.close()
    segments, source_id = journal_directory(directory), reader.source_id

    def read() -> tuple[Loss, ...]:
        journal = Journal(segments, Ballast(directory), source_id)
        journal.held = Position(journal.newest + 1, 0)  # as nobody writes, all of it can be read
        sizes = journal.sizes
        scan = Scan()
        scan.read(journal)
        without = levels and scan.levels is None
        found = losses(directory, journal, sizes, folded, without_levels=without)
        return (*found, *broken_log(chain.broken))

    return await asyncio.to_thread(read)
