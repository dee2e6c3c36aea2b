"""Learning an upstream's ways with a few small calls, which are in the ledger as all others are."""
