"""The audit shows whether somebody changed it."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from quotadeck.domain.commands import Entry
from quotadeck.store import GENESIS, BrokenChain
from quotadeck.store.chain import Chain, ChainLink, canonical, seal
from tests.store.conftest import Opener, ReaderOpener
from tests.store.values import entry


def chained(length: int) -> list[Entry]:
    entries: list[Entry] = []
    for seq in range(1, length + 1):
        head = entries[-1].hash if entries else GENESIS
        entries.append(seal(entry(f"cmd_{seq}", value=seq), seq, head))
    return entries


def links(entries: list[Entry]) -> list[ChainLink]:
    return [ChainLink(each.seq, str(each.subject), each.hash, canonical(each)) for each in entries]


def verify(links: list[ChainLink]) -> BrokenChain | None:
    chain = Chain()
    chain.add(links)
    return chain.broken


def test_an_untouched_chain_holds_also_where_a_number_is_missing() -> None:
    first, second = chained(2)
    later = seal(entry("cmd_9"), 9, second.hash)
    assert verify(links([first, second, later])) is None
    assert verify([]) is None


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_changed_entry_is_found(at: int) -> None:
    entries = chained(3)
    entries[at] = replace(entries[at], reason="nothing happened")
    broken = verify(links(entries))
    assert broken is not None
    assert (broken.seq, broken.why) == (at + 1, "content_changed")


def test_a_changed_entry_with_a_new_hash_breaks_the_link_behind_it() -> None:
    entries = chained(3)
    entries[1] = seal(replace(entries[1], actor="nobody"), 2, entries[0].hash)
    broken = verify(links(entries))
    assert broken is not None
    assert broken.seq == 3


def test_a_removed_entry_is_found_unless_it_was_the_last() -> None:
    first, second, third = chained(3)
    for left in ([second, third], [first, third]):
        broken = verify(links(left))
        assert broken is not None
        assert broken.seq == left[-2 if left[0] is second else -1].seq


async def test_a_row_changed_in_the_file_is_found(
    open_ledger: Opener, open_reader: ReaderOpener, directory: Path
) -> None:
    ledger = await open_ledger()
    for number in range(3):
        await ledger.command(entry(f"cmd_{number}"), durable=number == 1)
    await ledger.close()

    reader = await open_reader()
    log = await reader.log()
    assert [item.seq for item in log] == [1, 2, 3]
    assert (await reader.chain()).broken is None

    changed = "UPDATE commands SET body = CAST(replace(body, 'mika', 'nina') AS BLOB) WHERE seq = 2"
    db = sqlite3.connect(directory / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match="only appended to"):
        db.execute(changed)
    with pytest.raises(sqlite3.IntegrityError, match="only appended to"):
        db.execute("DELETE FROM commands WHERE seq = 3")
    db.execute("DROP TRIGGER commands_are_never_changed")
    assert db.execute(changed).rowcount == 1
    db.commit()
    db.close()
    broken = (await (await open_reader()).chain()).broken
    assert broken is not None
    assert broken.seq == 2


@pytest.mark.parametrize("kept", [4, 5, 6])
async def test_a_log_of_several_pages_is_checked_as_one(
    kept: int, open_ledger: Opener, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.reading.log.PAGE_ROWS", 2)
    ledger = await open_ledger()
    for number in range(kept):
        await ledger.command(entry(f"cmd_{number}", applied=number != 2), durable=False)
    await ledger.close()
    again = await open_ledger()
    head = again.recovered.head
    assert (head.entries, head.seq, again.recovered.losses) == (kept, kept, ())
    assert [item.seq for item in again.recovered.entries] == [
        seq for seq in range(1, kept + 1) if seq != 3
    ]
    await again.close()

    db = sqlite3.connect(directory / "ledger.db")
    db.execute("DROP TRIGGER commands_are_never_removed")
    db.execute("DELETE FROM commands WHERE seq = 2")
    db.commit()
    db.close()
    broken = (await (await open_ledger()).reader.chain()).broken
    assert broken is not None
    assert (broken.seq, broken.following) == (3, kept - 3)


async def test_a_row_moved_to_another_subject_is_found(
    open_ledger: Opener, open_reader: ReaderOpener, directory: Path
) -> None:
    ledger = await open_ledger()
    await ledger.command(entry("cmd_1"), durable=False)
    await ledger.close()
    db = sqlite3.connect(directory / "ledger.db")
    db.execute("DROP TRIGGER commands_are_never_changed")
    db.execute("UPDATE commands SET subject = 'project:search'")
    db.commit()
    db.close()
    reader = await open_reader()
    assert (await reader.chain()).broken == BrokenChain(1, "place_changed")
