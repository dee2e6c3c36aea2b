"""Copies of the ledger: how they are made, and how a lost ledger comes back."""
