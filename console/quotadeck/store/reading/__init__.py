"""The questions that can be asked of a ledger, a file a kind; `quotadeck.store.reader` is all."""
