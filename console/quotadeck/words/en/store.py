"""What the store lost, found broken or in the way: what happened, and what to do."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from quotadeck.words.sentence import Plural, Sentence, plural


class _Loss(NamedTuple):
    """``short`` is the vitals' form."""

    short: Sentence
    told: Sentence
    todo: str


_LOOK: Final = "see with `quotadeck status` and `quotadeck audit` that what is in force is right"
_ANEW: Final = (
    "restart the gateway when it can be: it rebuilds it from the newest backup and the journal"
)

_LOSSES: Final[Mapping[str, _Loss]] = {
    "store.log_broken": _Loss(
        "command log broken at entry {seq}",
        plural(
            "following",
            "the command log does not hold from entry {seq} on ({why:name}), one entry follows: "
            "what is in force may not be what was commanded",
            "the command log does not hold from entry {seq} on ({why:name}), {following:number} "
            "entries follow: what is in force may not be what was commanded",
        ),
        "compare `quotadeck audit` with what you know, and set again what is wrong",
    ),
    "store.odd_file": _Loss(
        "odd file in the journal", "{path} is {what:name}: it was ignored", "move it away"
    ),
    "store.odd_name": _Loss(
        "odd file in the journal", "{path} has no segment's name: it was ignored", "move it away"
    ),
    "store.odd_number": _Loss(
        "odd file in the journal",
        "{path} has a number far beyond the other segments': it was ignored",
        "move it away",
    ),
    "store.foreign_segments": _Loss(
        "journal has another ledger's segments: {segments}",
        "the journal in {folder} has segments that another ledger's gateway wrote: {segments} "
        "(source {sources}): they were left alone, and nothing in them is in this ledger",
        "put them beside the ledger that they belong to, or that ledger here",
    ),
    "store.odd_ballast": _Loss(
        "odd file in place of the ballast",
        "{path} is {what:name}, where a plain file belongs: no room is kept for a full disk",
        "move it away; the gateway makes it again",
    ),
    "store.levels_lost": _Loss(
        "bucket levels lost",
        "the journal in {folder} has no levels of buckets any more: they start from full, less "
        "what its calls took",
        "for a minute more may be admitted than the limits allow",
    ),
    "store.journal_damaged": _Loss(
        plural(
            "count", "journal damaged in {count} place", "journal damaged in {count:number} places"
        ),
        plural(
            "count",
            "the journal is damaged in {count} place (in segment {segment} at byte {offset}): "
            "what stood there is lost, what follows was read",
            "the journal is damaged in {count:number} places (first in segment {segment} at byte "
            "{offset}): what stood there is lost, what follows was read",
        ),
        _LOOK,
    ),
    "store.segments_missing": _Loss(
        "journal incomplete: segment {segments} missing",
        "the journal in {folder} is incomplete: segment {segments} is missing, and the ledger has "
        "read it to segment {segment}, byte {offset}: calls and commands that stood only there are "
        "lost",
        _LOOK,
    ),
    "store.segment_cut": _Loss(
        "journal incomplete: segment {segment} cut short",
        "the journal in {folder} is incomplete: segment {segment} ends at byte {size}, and the "
        "ledger has read it to byte {offset}: calls and commands recorded behind that are lost",
        _LOOK,
    ),
    "store.torn": _Loss(
        plural("size", "journal ends torn ({size} byte)", "journal ends torn ({size} bytes)"),
        plural(
            "size",
            "segment {segment} of the journal ends in the middle of a record ({size} byte): that "
            "record is lost",
            "segment {segment} of the journal ends in the middle of a record ({size} bytes): that "
            "record is lost",
        ),
        "usual after a crash in the middle of a write, which nobody was told had worked; if the "
        "file was cut by hand, more is lost",
    ),
    "store.torn_badly": _Loss(
        plural("size", "journal ends torn ({size} byte)", "journal ends torn ({size} bytes)"),
        plural(
            "size",
            "segment {segment} of the journal ends in {size} byte that is no record: what stood "
            "there is lost",
            "segment {segment} of the journal ends in {size:number} bytes that are no record: what "
            "stood there is lost",
        ),
        _LOOK,
    ),
    "store.folder_removed": _Loss(
        "folder {name} was removed",
        "the folder {folder} was removed or replaced while the gateway ran",
        "see what else is gone from it",
    ),
    "store.segment_lost": _Loss(
        "journal segment {segment} lost",
        "segment {segment} of the journal was removed before the ledger had read it: calls and "
        "commands that stood only there are lost",
        _LOOK,
    ),
    "store.lock_removed": _Loss(
        "lock removed",
        "{path} was removed or replaced: another gateway could start on this store",
        "start none, and restart this one when it can be",
    ),
    "store.journal_removed": _Loss(
        "journal removed: records not on disk",
        "the journal's segment {segment} was removed in {folder}, and could not be made again "
        "({why}): what is recorded now is lost at a restart",
        "make the folder again, writable for the gateway's account",
    ),
    "store.journal_mended": _Loss(
        "journal was removed and made again",
        "the journal's segment {segment} was removed in {folder}: it was written again from the "
        "open file, none of its records is lost",
        "find out who removed it",
    ),
    "store.ledger_replaced": _Loss(
        "ledger.db replaced: history not on disk",
        "{path} was replaced while the gateway ran: what it records is in the journal and in "
        "no ledger on the disk",
        _ANEW,
    ),
    "store.ledger_removed": _Loss(
        "ledger.db removed: history not on disk",
        "{path} was removed while the gateway ran: what it records is in the journal and in "
        "no ledger on the disk",
        _ANEW,
    ),
    "store.ledger_damaged": _Loss(
        "ledger damaged",
        "{path} is damaged ({why:name})",
        "what is served goes on; restart the gateway when it can be: it moves the ledger aside and "
        "rebuilds it from the newest backup and the journal",
    ),
    "store.ledger_written": _Loss(
        "ledger.db written by another",
        "{path} was written by something else than the gateway",
        "let nothing else write to it; all its pages are being checked",
    ),
    "store.wal_removed": _Loss(
        "WAL removed: history not on disk",
        "{path} was removed or replaced while the gateway ran: what it records is in the journal",
        "restart the gateway: it reads the journal again",
    ),
    "store.backup_gap": _Loss(
        "journal since the backup incomplete",
        "segments of the journal in {folder} that no backup has were removed, or given up for lack "
        "of room: a ledger that is damaged now comes back without what stood there",
        "the next backup mends it; see that there is room for one",
    ),
    "store.backup_stale": _Loss(
        "backup {age_ms:age} old",
        "backup {age_ms:age} old: a damaged ledger is rebuilt from the journal since, for as long "
        "as the disk holds it",
        "see why: `quotadeck backup`",
    ),
    "store.backup_none": _Loss(
        "no backup in {age_ms:age}",
        "no backup in {age_ms:age}: a damaged ledger is rebuilt from the journal since, for as "
        "long as the disk holds it",
        "see why: `quotadeck backup`",
    ),
    "store.backup_skipped": _Loss(
        "backup skipped: {free_mb:number} MB free, {needed_mb:number} MB needed",
        "the backup was skipped: {free_mb:number} MB are free, and it needs {needed_mb:number} MB",
        "it is tried again every ten minutes",
    ),
    "store.backup_failed": _Loss(
        "backup failed", "the backup failed: {why:told}", "it is tried again every ten minutes"
    ),
    "store.migrated": _Loss(
        "ledger brought up to date",
        "{path} was brought from format {old} to {new}; the old one is kept as {kept}",
        "delete that when all is as it should be",
    ),
    "store.rebuilt": _Loss(
        "ledger rebuilt",
        "{path} was not usable ({why:name})[; what there was is in {aside}]; it is rebuilt from "
        "the backup of {begun_us} and the journal since[ ({unread} could not be read)]",
        "find out what damaged it; what is lost, if anything, is told beside this",
    ),
    "store.rebuilt_from_journal": _Loss(
        "ledger rebuilt",
        "{path} was not usable ({why:name})[; what there was is in {aside}]; there is no backup: "
        "it is rebuilt from the journal alone, which begins at {begun_us}[ ({unread} could not be "
        "read)]",
        "find out what damaged it; what is lost, if anything, is told beside this",
    ),
    "store.wal_held": _Loss(
        "WAL held",
        "WAL {size_mb} MB: a reader has held it for {held_ms:age}[ (process {pids})]",
        "end that process, and it shrinks by itself",
    ),
}


_MIGRATING: Final = "bringing the ledger up to date: {table}, {done:number} of {whole:number}"


def _and(told: Sentence, todo: str) -> Sentence:
    if isinstance(told, Plural):
        return Plural(told.by, {form: f"{text}; {todo}" for form, text in told.forms.items()})
    return f"{told}; {todo}"


_START: Final = "then start again"
_REFUSED: Final[Mapping[str, Sentence]] = {
    "foreign": "{path} is no ledger of ours: {what:name}; move it away, or name another state "
    "directory",
    "newer": "{path} was written by a newer Quotadeck (format {found}, this one knows {known}); "
    "update Quotadeck, or name another state directory",
    "older": "{path} was written by an older Quotadeck (format {found}, this one reads {known}); "
    "start the gateway, which brings it up to date",
    "damaged": "{path} is damaged ({what:name}); start the gateway: it moves it aside, and "
    "rebuilds it from the newest backup and the journal",
    "locked": "{path} is locked by another process; end that one, then try again",
    "held": "{path}: another gateway is writing this store; stop it, or give this one a state "
    "directory of its own",
    "full": f"{{path}}: the disk is full; make room, {_START}",
    "unusable": "{path} cannot be used: {what}",
    "unreadable": "{path} cannot be read now: {what}",
    "uncopied": "{path} cannot be copied: {what}",
    "unmigrated": "{path} cannot be brought up to date: {what}",
    "migrate_no_room": "{path} is of an older format, and to bring it up to date takes "
    f"{{needed_mb:number}} MB of free disk, where {{free_mb:number}} MB are: make room, {_START}",
    "unrebuilt": "{path} is damaged, and cannot be rebuilt: {what}",
    "rebuild_no_room": "{path} is damaged, and to rebuild it from its backup takes "
    f"{{needed_mb:number}} MB of free disk, where {{free_mb:number}} MB are: make room, {_START}",
    "missing": "{path} does not exist: no gateway has kept a ledger there",
    "no_such_source": "{path} has no records of the source {source}",
    "not_yours": "{path} may not be read by this account; ask for its group",
    "odd_place": f"{{path}} is {{what:name}}, where {{wanted:name}} belongs; move it away, "
    f"{_START}",
    "no_io": "{path}: {what}; see what stands there, or name another state directory, " + _START,
    "no_io.full": "{path}: {what}; make room on its file system, " + _START,
    "no_io.rights": "{path}: {what}; give the gateway's account the right to read and write it, "
    + _START,
    "writer_stopped": "the ledger's writer has stopped; restart the gateway",
    "backup_not_yours": "{path}: the account that owns {folder} alone may write there",
    "backup_busy": "{path}: another backup is being made; wait for it",
    "backup_there": "{path} is there already; move it away, or name another file",
    "backup_no_room": "{path}: {free_mb:number} MB free where a backup needs {needed_mb:number} "
    "MB, {ledgers} × the ledger; make room",
    "backup_unread": "{path}: the copy could not be read back ({what:name})",
    "backup_stopped": "{path} was not copied: it was asked to stop",
}
_WORDS: Final[Mapping[str, Sentence]] = {
    "no_database": "it is not a SQLite database",
    "another_programs": "it belongs to another program",
    "no_format": "its format number is missing",
    "no_source": "it names no source",
    "missing": "it is missing",
    "older_than_backup": "it is older than its newest backup, and the journal since is gone",
    "found_damaged": "it was found damaged",
    "cut_short": "cut short or overwritten",
    "content_changed": "its content was changed",
    "content_unreadable": "its content cannot be read",
    "place_changed": "its number or subject was changed",
    "number_out_of_order": "its number does not follow the one before",
    "other_before": "an entry before it was removed, replaced or slipped in",
    "plain_file": "a plain file",
    "symbolic_link": "a symbolic link",
    "directory": "a directory",
    "fifo": "a FIFO",
    "socket_file": "a socket",
    "device": "a device",
    "file": "a file",
    "unknown_kind": "of an unknown kind",
}


def _sentences() -> Iterator[tuple[str, Sentence]]:
    yield "store.migrating", _MIGRATING
    yield from ((f"store.{kind}", sentence) for kind, sentence in _REFUSED.items())
    yield from ((f"name.{word}", sentence) for word, sentence in _WORDS.items())
    for kind, loss in _LOSSES.items():
        yield kind, _and(loss.told, loss.todo)
        yield f"vital.{kind}", loss.short


SENTENCES: Final[Mapping[str, Sentence]] = dict(_sentences())
