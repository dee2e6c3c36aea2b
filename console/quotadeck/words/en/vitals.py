"""What is wrong with the gateway itself, in few words: they stand in one line of the screen."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "examples.status": """\
Exits with 1 where the gateway has a problem: its line names it (a full disk, a
journal behind, connections at their limit, draining, a loop late for over 1m).
A loop that is late for less than that is told, and exits with 0.""",
    "vital.draining": "draining",
    "vital.loop_lag": "loop {lag_ms:millis}",
    "vital.loop_lags": "loop {lag_ms:millis}, for over 1m",
    "vital.disk": "disk {free_percent} free",
    "vital.journal_behind": "journal {behind_ms:age} behind",
    "vital.journal_full": "disk full: journal not written",
    "vital.journal_fails": "journal: {why}",
    "vital.unarchived": "journal not archived: {why:told}",
    "vital.ballast_used": "disk nearly full: ballast used",
    "vital.commands_unrecorded": plural(
        "count",
        "{count} command in force, not recorded",
        "{count:number} commands in force, not recorded",
    ),
    "vital.records_unreadable": plural(
        "count", "{count} journal record unreadable", "{count:number} journal records unreadable"
    ),
    "vital.events_lost": plural(
        "count", "{count} event not recorded", "{count:number} events not recorded"
    ),
    "vital.writer_stopped": "ledger writer stopped",
    "vital.ledger_locked": "ledger locked by another process",
    "vital.ledger_full": "disk full: ledger not written",
    "vital.ledger_fails": "ledger: {why}",
    "vital.wal_held": "WAL {size_mb} MB: a reader has held it for {held_ms:age}[ (process {pids})]",
    "vital.wal_full": "WAL {size_mb} MB: a reader has held it for {held_ms:age}[ (process {pids})]"
    "; disk full: history waits",
    "vital.connections.nearly_full": "connections {shown:number}/{most:number}",
    "vital.connections.drops": "connections {shown:number}/{most:number}: idle ones are dropped",
    "vital.connections.refuses": "connections {shown:number}/{most:number}: requests are refused",
    "vital.connections.drops_and_refuses": "connections {shown:number}/{most:number}: idle ones "
    "are dropped and requests are refused",
    "vital.admin_connections.nearly_full": "admin connections {shown:number}/{most:number}",
    "vital.admin_connections.drops": "admin connections {shown:number}/{most:number}: idle ones "
    "are dropped",
    "vital.admin_connections.refuses": "admin connections {shown:number}/{most:number}: requests "
    "are refused",
    "vital.admin_connections.drops_and_refuses": "admin connections {shown:number}/{most:number}: "
    "idle ones are dropped and requests are refused",
    "vital.no_descriptor": "no file descriptor is free: raise the limit of open files (ulimit -n)",
}
