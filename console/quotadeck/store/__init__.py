"""The store: a journal that is written first, and SQLite, its fold, kept by one writer a file.

`Ledger` is the gateway's; `Reader` is for everybody. See `tables` for what is stored, `records`
for the journal's form and `chain` for the audit's hashes.
"""

from quotadeck.store.as_of import AsOf
from quotadeck.store.backup.backup import Backup, copy_to, is_left_open, standing, take
from quotadeck.store.backup.rebuild import has_remains
from quotadeck.store.chain import GENESIS, BrokenChain, ChainHead, canonical
from quotadeck.store.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreMissing,
    StoreNewer,
    StoreOlder,
)
from quotadeck.store.examine import Verified, examine, readable, verify_log
from quotadeck.store.file_layer import file_layer
from quotadeck.store.journal.recovery import Recovered
from quotadeck.store.ledger import Ledger
from quotadeck.store.loss import Loss
from quotadeck.store.places import OddFile
from quotadeck.store.reader import Reader
from quotadeck.store.report import alarms_between, report_of
from quotadeck.store.sqlite.retention import Keep

__all__ = [
    "GENESIS",
    "AsOf",
    "Backup",
    "BrokenChain",
    "ChainHead",
    "Keep",
    "Ledger",
    "Loss",
    "OddFile",
    "Reader",
    "Recovered",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreForeign",
    "StoreMissing",
    "StoreNewer",
    "StoreOlder",
    "Verified",
    "alarms_between",
    "canonical",
    "copy_to",
    "examine",
    "file_layer",
    "has_remains",
    "is_left_open",
    "readable",
    "report_of",
    "standing",
    "take",
    "verify_log",
]
