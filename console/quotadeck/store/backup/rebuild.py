"""A ledger that is damaged or gone: moved aside, and put in place again from the newest backup.

What the backup lacks is in the journal and its archive; the replay of every start folds it in.
Nothing is deleted. A kill at any step leaves a ledger that is whole, damaged as before or missing,
never half of one, and the next start goes on from there.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id
from quotadeck.store.backup.archive import Archive, segment_sizes
from quotadeck.store.backup.backup import Backup, standing
from quotadeck.store.backup.vacuum import checked
from quotadeck.store.ballast import Ballast
from quotadeck.store.errors import StoreDamaged, StoreError, StoreForeign, StoreOlder, named
from quotadeck.store.formats import from_format_2
from quotadeck.store.formats.migrate import Tell, is_older, migrate, unheard
from quotadeck.store.journal.journal import Journal, Position
from quotadeck.store.journal.records import UnreadableRecord, decoded
from quotadeck.store.journal.segment import SUFFIX, read_head
from quotadeck.store.loss import Loss, event_of, lost
from quotadeck.store.places import (
    DIRECTORY_MODE,
    FILE_MODE,
    check_plain,
    create_file,
    journal_directory,
    ledger_file,
    open_plain,
    suspicion_file,
    sync_directory,
)
from quotadeck.store.sqlite.fold import Batch
from quotadeck.store.sqlite.schema import Origin, check_content, check_header, create

_FIRST_RECORDS: Final = 100
_EVENT: Final = (
    "INSERT INTO events (source_id, id, at_us, kind, subject, facts) "
    "SELECT min(id), ?, ?, ?, ?, ? FROM sources"
)


def refuse_others(directory: Path) -> None:
    """Raises StoreForeign or StoreNewer for a ledger that is not ours to touch; OddFile, OSError.

    What stands beside a journal or a backup of ours, and is no ledger, is one that was damaged.
    """
    path = ledger_file(directory)
    if path.exists():
        with contextlib.suppress(StoreDamaged, StoreOlder):
            _check_header(directory, path)


def suspect(directory: Path, what: str) -> None:
    """Note that the ledger was found damaged: the next start rebuilds it. Raises OSError."""
    descriptor = create_file(suspicion_file(directory), os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(descriptor, what.encode()[:4_000])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_sound(
    directory: Path, clock: Clock, damage: str = "", tell: Tell = unheard
) -> tuple[str, tuple[Loss, ...]]:
    """See that a ledger stands there which can be used: as it is, brought up to date, rebuilt, or
    the first one.

    Its source's id, and what is to be told. Afterwards the journal has all again that this ledger
    has not read. The caller holds the store's lock; ``damage`` is what was found wrong with the
    ledger when it was used. May take minutes. Raises StoreNewer, StoreForeign, StoreBusy,
    StoreError or OSError.
    """
    path = ledger_file(directory)
    losses: tuple[Loss, ...] = ()
    try:
        if not path.exists() and not has_remains(directory):
            create(path, _new_source(clock), epoch=clock.wall_us() // 1_000)
        if not damage and is_older(path):
            losses = (migrate(path, clock, tell),)
        if not damage:
            from_format_2.bring_up(path)
        origin = _checked(directory, path, damage)
    except StoreDamaged as damaged:
        losses = (*losses, _rebuild(directory, damaged.what, clock))
        from_format_2.bring_up(path)  # the backup's
        origin = check_content(path)
    Archive(directory).give_back(origin.folded.segment)
    return origin.source_id, losses


def _checked(directory: Path, path: Path, damage: str) -> Origin:
    if not path.exists():
        raise StoreDamaged(path, "missing")
    if damage or suspicion_file(directory).exists():
        raise StoreDamaged(path, damage or _suspicion(directory))
    _check_header(directory, path)
    origin = check_content(path)
    folded = origin.folded
    sizes = {*Archive(directory).sizes, *segment_sizes(journal_directory(directory))}
    newest = next(iter(standing(directory)), None)
    if newest and newest.folded > folded and folded.segment not in sizes:
        raise StoreDamaged(path, "older_than_backup")
    return origin


def _check_header(directory: Path, path: Path) -> None:
    try:
        check_header(path)
    except StoreForeign as foreign:
        if not has_remains(directory):
            raise
        raise StoreDamaged(path, foreign.what) from foreign


def has_remains(directory: Path) -> bool:
    """Whether something of a store is there that a ledger can be rebuilt from."""
    return bool(
        segment_sizes(journal_directory(directory))
        or Archive(directory).sizes
        or standing(directory)
    )


def _suspicion(directory: Path) -> str:
    with os.fdopen(open_plain(suspicion_file(directory), os.O_RDONLY), "rb") as file:
        return file.read(4_000).decode(errors="replace") or "found_damaged"


def _rebuild(directory: Path, why: str, clock: Clock) -> Loss:
    """Move the ledger aside and put the newest good backup in its place, or an empty one.

    Raises StoreError or OSError, and then all is as it was.
    """
    path, bad = ledger_file(directory), list[Path]()
    fresh = path.with_suffix(".new")
    check_plain(fresh)
    fresh.unlink(missing_ok=True)
    at_us = clock.wall_us()
    aside = _free_name(directory, at_us)
    try:
        backup = next(_good(directory, bad), None)
        if backup is None:
            begun_us = _begin(directory, fresh, clock)
        else:
            begun_us = backup.at_us
            _require_room(path, backup)
            shutil.copyfile(backup.path, fresh)
            fresh.chmod(FILE_MODE)
        moved = [*_names(path), *bad, suspicion_file(directory)]
        loss = lost(
            "store.rebuilt" if backup else "store.rebuilt_from_journal",
            grave=False,
            path=str(path),
            why=why,
            aside=str(aside) if any(map(os.path.lexists, moved)) else "",
            begun_us=begun_us,
            unread=tuple(one.name for one in bad),
        )
        _prepare(fresh, loss, clock)
    except BaseException as error:
        # Half of a copy would keep full the disk that it has filled.
        fresh.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise named(path, error, "store.unrebuilt") from error
        raise
    _move_aside(moved, aside)
    fresh.rename(path)
    sync_directory(directory)
    return loss


def _begin(directory: Path, fresh: Path, clock: Clock) -> int:
    """An empty ledger of the journal's source; the instant at which that journal begins."""
    Archive(directory).give_back(0)
    source_id = _source_of_journal(directory) or _new_source(clock)
    begun_us = _first_instant(directory, source_id) or clock.wall_us()
    create(fresh, source_id, epoch=begun_us // 1_000)
    return begun_us


def _require_room(path: Path, backup: Backup) -> None:
    needed = backup.path.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreError(
            "store.rebuild_no_room",
            path=str(path),
            free_mb=free // 10**6,
            needed_mb=needed // 10**6,
        )


def _good(directory: Path, bad: list[Path]) -> Iterator[Backup]:
    """The backups that can be read, the newest first; those that cannot are added to ``bad``.

    One of another ledger, whose journal is not this one, is left where it is.
    """
    source_id = _source_of_journal(directory)
    for backup in standing(directory):
        try:
            origin = checked(backup.path)
        except (StoreDamaged, StoreForeign):
            bad.append(backup.path)
        except (StoreError, OSError, sqlite3.Error):
            continue  # another format's, or not to be read now: it stays where it is
        else:
            if source_id in ("", origin.source_id):
                yield backup


def _prepare(fresh: Path, loss: Loss, clock: Clock) -> None:
    """Tell it in the ledger itself: a start that is killed behind this has told it."""
    db = sqlite3.connect(fresh, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = OFF")  # one that is killed is begun again
        db.execute("BEGIN")
        # Cursors of the lost ledger are not this one's. It still is the instant at which counting
        # began, but for a second.
        db.execute("UPDATE sources SET epoch = epoch + ?", (1 + clock.wall_us() % 1_000,))
        batch = Batch()
        batch.add_event(event_of(loss, clock))
        db.executemany(_EVENT, batch.events)
        db.execute("COMMIT")
    finally:
        db.close()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _names(path: Path) -> list[Path]:
    """The ledger first: without it what is left of it is moved by the next start."""
    return [path, *(Path(f"{path}{end}") for end in ("-wal", "-shm", "-journal"))]


def _free_name(directory: Path, at_us: int) -> Path:
    instant = datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    path, number = directory / f"damaged-{instant}", 1
    while os.path.lexists(path):
        number += 1
        path = directory / f"damaged-{instant}-{number}"
    return path


def _move_aside(paths: list[Path], aside: Path) -> None:
    for path in paths:
        if os.path.lexists(path):
            aside.mkdir(DIRECTORY_MODE, exist_ok=True)
            path.rename(aside / path.name)


def _new_source(clock: Clock) -> str:
    return new_id("src", clock.wall_us(), os.urandom(10))


def _source_of_journal(directory: Path) -> str:
    """Whose journal it is, as the newest segment says that tells; empty where none does."""
    for path in sorted(journal_directory(directory).glob(f"*{SUFFIX}"), reverse=True):
        with contextlib.suppress(OSError, StoreError):
            if source_id := read_head(path).source_id:
                return source_id
    return ""


def _first_instant(directory: Path, source_id: str) -> int | None:
    """When the oldest record in the journal was made, which then begins the ledger."""
    journal = Journal(journal_directory(directory), Ballast(directory), source_id)
    journal.held = Position(journal.newest + 1, 0)  # as nobody writes, all of it can be read
    records, _ = journal.read(Position(journal.oldest or 0, 0), _FIRST_RECORDS)
    for record in records:
        with contextlib.suppress(UnreadableRecord):
            at_us: int | None = getattr(decoded(record.payload, record.format), "at_us", None)
            if at_us is not None:
                return at_us
    return None
