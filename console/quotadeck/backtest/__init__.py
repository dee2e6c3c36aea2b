"""What a change would have meant: the calls of the last minutes, replayed under it.

A process of its own reads the ledger and asks the same admission code; see `worker`.
"""
