"""The store: a journal that is written first, and SQLite, its fold, kept by one writer a file.

`Ledger` is the gateway's; `Reader` is for everybody. See `schema` for what is stored, `records` for
the journal's form and `chain` for the audit's hashes.
"""

from console.store.chain import GENESIS, Broken, Head, canonical
from console.store.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreMissing,
    StoreNewer,
)
from console.store.examine import Verified, examine, verify_log
from console.store.ledger import Ledger
from console.store.loss import Loss
from console.store.places import OddFile
from console.store.reader import Reader
from console.store.recovery import Recovered
from console.store.retention import Keep
from console.store.rows import LevelSample, Rollup, Total

__all__ = [
    "GENESIS",
    "Broken",
    "Head",
    "Keep",
    "Ledger",
    "LevelSample",
    "Loss",
    "OddFile",
    "Reader",
    "Recovered",
    "Rollup",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreForeign",
    "StoreMissing",
    "StoreNewer",
    "Total",
    "Verified",
    "canonical",
    "examine",
    "verify_log",
]
