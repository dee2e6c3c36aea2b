"""Whatever is lost, broken or in the way is said; whatever can be served is served."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from quotadeck.store import Ledger, StoreError, examine
from quotadeck.store.journal.segment import read_head
from quotadeck.words import say
from tests.clocks import HandClock
from tests.store.damages import (
    CALLS,
    ODD,
    Damage,
    append,
    cut,
    leave,
    noise,
    overwrite,
    replaced,
    segment,
    slip_in,
    sql,
)
from tests.store.values import all_calls, assert_sums, ended, entry
from tests.wording import refuses, said

ALL, FOLDED = 3 * CALLS, 2 * CALLS


def _ledger_of_another_time(state: Path) -> None:
    """A ledger that has folded nothing, beside a journal that is long under way."""
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (state / name).unlink()
    source_id = read_head(segment(state)).source_id
    fresh = state.parent / "fresh"
    asyncio.run(_made(fresh))
    (fresh / "ledger.db").rename(state / "ledger.db")
    sql(state, f"UPDATE sources SET source_id = '{source_id}'")


def _ledger_and_journal(state: Path) -> None:
    _ledger_of_another_time(state)
    segment(state, 1).unlink()


async def _made(state: Path) -> None:
    await (await Ledger.open(state, HandClock())).close()


def _gap(state: Path) -> None:
    shutil.copy(segment(state), segment(state, 5))


def _huge_gap(state: Path) -> None:
    shutil.copy(segment(state), segment(state, 9_000_000_000))


def _empty(state: Path) -> None:
    segment(state, 1).unlink()
    segment(state).unlink()


def _flip(state: Path) -> None:
    path = segment(state)
    at = path.stat().st_size * 3 // 4
    overwrite(path, at, bytes([path.read_bytes()[at] ^ 4]))


def _second_half(state: Path) -> None:
    half = segment(state).stat().st_size // 2
    overwrite(segment(state), half, noise(half))


def _stray(name: str) -> Damage:
    said = re.escape(f"{name} has no segment's name: it was ignored; move it away")
    return Damage(
        f"stray {name}", lambda s: shutil.copy(segment(s), s / "journal" / name), said, ALL, True
    )


def _odd_segment(kind: str, number: int, calls: int, says: str) -> Damage:
    said = re.escape(f"{number:010d}.journal is {ODD[kind]}: it was ignored; move it away")
    return Damage(
        f"{kind} as segment {number}",
        lambda s: replaced(segment(s, number), kind),
        f"{said}.*{says}",
        calls,
        again=True,
    )


def _ballast(kind: str) -> Damage:
    said = re.escape(f"ballast is {ODD[kind]}") + ".*no room is kept"
    return Damage(
        f"{kind} as ballast", lambda s: replaced(s / "ballast", kind), said, ALL, again=True
    )


def _chain(name: str, statement: str, says: str) -> Damage:
    return Damage(f"log: {name}", lambda s: sql(s, statement), says, ALL, again=True)


HOLDS_NOT = r"the command log does not hold from entry {} on .*entr(y|ies) follow"
SERVED = [
    Damage("cut in a record", lambda s: cut(s, -3), r"middle of a record \(\d+ bytes\)", ALL),
    Damage("cut in many", lambda s: cut(s, -2_000), r"middle of a record \(\d+ bytes\)", FOLDED),
    Damage("cut before the fold", lambda s: cut(s, 4), "ends at byte 4, .* read it to", FOLDED),
    Damage("cut to nothing", lambda s: cut(s, 0), "segment 2 ends at byte 0", FOLDED),
    Damage("newest removed", lambda s: segment(s).unlink(), "segment 2 is missing", FOLDED),
    Damage("oldest removed", lambda s: segment(s, 1).unlink(), "no levels of buckets", ALL, True),
    Damage("folder removed", lambda s: shutil.rmtree(s / "journal"), "2 is missi", FOLDED, True),
    Damage("folder emptied", _empty, "segment 2 is missing", FOLDED, True),
    Damage("second half noise", _second_half, "bytes that are no record", FOLDED),
    Damage("noise behind", lambda s: append(s, noise(4_096)), "in 4,096 bytes that are no r", ALL),
    Damage("zeros behind", lambda s: append(s, bytes(512)), "in 512 bytes that are no reco", ALL),
    Damage("one byte behind", lambda s: append(s, b"x"), r"of a record \(1 byte\)", ALL),
    Damage("a flipped bit", _flip, r"damaged in 1 place \(in segment 2", ALL - 1),
    Damage("noise in the middle", lambda s: overwrite(segment(s), -9_000, noise(900)),
           "damaged in 1 place", FOLDED),
    Damage("a gap", _gap, "segment 3–4 is missing", ALL),
    Damage("a huge gap", _huge_gap, "a number far beyond the other segments': it", ALL, True),
    Damage("an older ledger", _ledger_of_another_time, "", ALL),
    Damage("an older ledger and a newer journal",
           _ledger_and_journal, "segment 1 is missing", FOLDED, True),
    *(_odd_segment(kind, 99, ALL, "") for kind in ODD if kind != "file"),
    *(_odd_segment(kind, 3, ALL, "") for kind in ("fifo", "directory")),
    *(_odd_segment(kind, 2, FOLDED, "segment 2 is missing") for kind in ("fifo", "link")),
    *map(_stray, ("99999999999999999999.journal", "1.journal", "copy.journal",
                  "٠٠٠٠٠٠٠٠٠٩.journal", "9999999999.journal", "0000000000.journal")),
    _chain("content", "UPDATE commands SET body = CAST(replace(body, 'mika', 'nina') AS BLOB) "
           "WHERE seq = 2", HOLDS_NOT.format(2)),
    _chain("content unreadable", "UPDATE commands SET body = x'00ff' WHERE seq = 1",
           HOLDS_NOT.format(1)),
    _chain("removed", "DELETE FROM commands WHERE seq = 2", HOLDS_NOT.format(3)),
    _chain("first removed", "DELETE FROM commands WHERE seq = 1", HOLDS_NOT.format(2)),
    _chain("hash", f"UPDATE commands SET hash = '{'0' * 64}' WHERE seq = 3",
           HOLDS_NOT.format(3)),
    _chain("hash no text", "UPDATE commands SET hash = CAST(x'ff00' AS TEXT) WHERE seq = 3",
           HOLDS_NOT.format(3)),
    _chain("subject", "UPDATE commands SET subject = 'project:search' WHERE seq = 1",
           HOLDS_NOT.format(1)),
    _chain("number", "UPDATE commands SET seq = 17 WHERE seq = 2", HOLDS_NOT.format(3)),
    _chain("swapped", "UPDATE commands SET seq = CASE seq WHEN 1 THEN -2 ELSE 1 END "
           "WHERE seq < 3", HOLDS_NOT.format(-2)),
    Damage("log: slipped in", slip_in, HOLDS_NOT.format(9), ALL, again=True),
    *map(_ballast, ("link", "dangling", "fifo", "directory", "device", "socket")),
    Damage("no WAL", lambda s: (s / "ledger.db-wal").unlink(), "", ALL),
    Damage("half a WAL", lambda s: os.truncate(s / "ledger.db-wal", 9_000), "", ALL),
    Damage("nothing", lambda _: None, "", ALL),
]  # fmt: skip


def _sqlite(name: str, kind: str) -> Damage:
    belongs = "a directory" if name == "journal" else "a plain file"
    return Damage(
        f"{name} is a {kind}",
        lambda s: replaced(s / name, kind),
        re.escape(f"/{name} is {ODD[kind]}, where {belongs} belongs; move it away, then start"),
    )


REFUSED = [
    *(_sqlite(name, kind)
      for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal", "lock")
      for kind in ("link", "dangling", "fifo", "directory", "device", "socket")),
    *(_sqlite("journal", kind) for kind in ("link", "dangling", "fifo", "file")),
]  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("quotadeck.store.ballast.BALLAST_BYTES", 4_096)
        asyncio.run(leave(home / "running", home / "left"))
    return home / "left"


@pytest.fixture
def state(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "state")
    return tmp_path / "state"


@pytest.mark.parametrize("damage", SERVED, ids=lambda damage: damage.name)
def test_a_damage_is_told_and_the_rest_is_served(damage: Damage, state: Path) -> None:
    damage.do(state)
    before = asyncio.run(examine(state))
    asyncio.run(_serves(damage, state))
    asyncio.run(_starts_again(damage, state))
    told = " ".join(say(loss.told) for loss in before)
    assert re.search(damage.says, told), f"without a start: {told}"
    assert bool(before) == bool(damage.says)


async def _serves(damage: Damage, state: Path) -> None:
    ledger = await Ledger.open(state, HandClock())
    texts = [say(loss.told) for loss in ledger.recovered.losses]
    assert re.search(damage.says, " ".join(texts)), texts
    assert bool(texts) == bool(damage.says), "nothing is told of a store that is whole"
    assert bool(ledger.problems) == bool(texts)
    assert said(ledger.troubles) == (), "it can record"
    assert [say(event.told) for _, event in await ledger.reader.events()] == texts
    assert damage.calls is not None
    assert len(await all_calls(ledger.reader)) >= damage.calls
    ledger.end_call(ended("req_new"))
    await ledger.command(entry("cmd_new"), durable=True)
    await ledger.flushed()
    await assert_sums(ledger.reader)
    assert (await ledger.reader.log())[-1].id == "cmd_new"
    await ledger.close()


async def _starts_again(damage: Damage, state: Path) -> None:
    ledger = await Ledger.open(state, HandClock())
    assert "req_new" in {call.id for call in await all_calls(ledger.reader)}
    assert "cmd_new" in {item.id for item in ledger.recovered.entries}
    assert any(loss.lasting for loss in ledger.recovered.losses) == damage.again
    await ledger.close()


@pytest.mark.parametrize("damage", REFUSED, ids=lambda damage: damage.name)
def test_what_cannot_be_used_is_refused_with_its_path_and_what_to_do(
    damage: Damage, state: Path
) -> None:
    damage.do(state)
    with pytest.raises(StoreError) as refused:
        asyncio.run(Ledger.open(state, HandClock()))
    said = say(refused.value.told)
    assert re.search(damage.says, said), said
    assert str(state) in said
    elsewhere = state.parent / "elsewhere"
    assert not elsewhere.exists() or elsewhere.read_bytes() == b"precious"


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo"])
def test_a_new_ledger_is_not_written_through_what_has_its_name(tmp_path: Path, kind: str) -> None:
    state = tmp_path / "state"
    state.mkdir()
    replaced(state / "ledger.new", kind)
    with refuses(StoreError, match=f"ledger.new is {ODD[kind]}"):
        asyncio.run(Ledger.open(state, HandClock()))
