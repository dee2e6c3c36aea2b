"""Why a store cannot be opened. Each text says what happened, where, and what to do."""


class StoreError(Exception):
    """The store cannot be used."""


class StoreMissing(StoreError):
    """There is no ledger at that place."""


class StoreBusy(StoreError):
    """Another process has it."""


class StoreForeign(StoreError):
    """The file is not a ledger of ours."""


class StoreNewer(StoreError):
    """A newer Quotadeck wrote it."""


class StoreDamaged(StoreError):
    """It is ours, but cannot be trusted as it is."""
